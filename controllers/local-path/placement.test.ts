/** The folder and the volume a claim gets, what is refused, and what may be removed. */
import { describe, expect, it } from 'vitest'
import type { Node, PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { configOf, DEFAULT_NODE, parseConfig } from './config.ts'
import { directoryFor, directoryOf, NodeRefusedError, newLocalVolume, type PlacementRequest } from './placement.ts'

const LOCAL = parseConfig(
  JSON.stringify({
    nodePathMap: [
      { node: DEFAULT_NODE, paths: ['/data', '/fast'] },
      { node: 'refused', paths: [] },
    ],
  }),
)
const SHARED = parseConfig('{"sharedFileSystemPath":"/nfs"}')

const node = (name: string, labels: Record<string, string> = { 'kubernetes.io/hostname': `${name}.lan` }): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  spec: {},
})
const claim = (spec: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { namespace: 'ns', name: 'data', uid: '1-2', resourceVersion: '7' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})
const storageClass = (
  parameters: Record<string, string> = {},
  annotations: Record<string, string> = { defaultVolumeType: 'local' },
): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'local-path', annotations },
  provisioner: 'rancher.io/local-path',
  reclaimPolicy: 'Delete',
  parameters,
})
const request = (parts: Partial<PlacementRequest> = {}): PlacementRequest => ({
  claim: claim(),
  storageClass: storageClass(),
  config: configOf(LOCAL, 'local-path'),
  node: node('n1'),
  choose: () => 0,
  ...parts,
})

describe('directoryFor', () => {
  it('chooses among the folders of the node', () => {
    expect(directoryFor(request())).toBe('/data/pvc-1-2_ns_data')
    expect(directoryFor(request({ choose: (count) => count - 1 }))).toBe('/fast/pvc-1-2_ns_data')
  })

  it('honours nodePath and pathPattern', () => {
    expect(directoryFor(request({ storageClass: storageClass({ nodePath: '/fast/' }) }))).toBe('/fast/pvc-1-2_ns_data')
    const pathPattern = '{{ .PVC.Namespace }}/{{ .PVC.Name }}'
    expect(directoryFor(request({ storageClass: storageClass({ pathPattern }) }))).toBe('/data/ns/data')
  })

  it('needs no node on a shared file system', () => {
    const { node: _none, ...rest } = request({
      config: configOf(SHARED, 'c'),
      claim: claim({ accessModes: ['ReadWriteMany'] }),
    })
    expect(directoryFor({ ...rest, node: undefined })).toBe('/nfs/pvc-1-2_ns_data')
  })

  it.each<[string, Partial<PlacementRequest>, string]>([
    ['selectors', { claim: claim({ selector: {} }) }, 'claim.Spec.Selector is not supported'],
    ['block devices', { claim: claim({ volumeMode: 'Block' }) }, 'Block volumes are not supported'],
    ['many writers', { claim: claim({ accessModes: ['ReadWriteMany'] }) }, 'NodePath only supports ReadWriteOnce'],
    ['clones', { claim: claim({ dataSource: { kind: 'X', name: 'x' } }) }, 'data source'],
    ['owners', { storageClass: storageClass({ userPattern: '1' }) }, 'the parameter userPattern is not supported'],
    ['no node', { node: undefined }, 'configuration error, no node was specified'],
    ['unknown folders', { storageClass: storageClass({ nodePath: '/none' }) }, "config doesn't contain path /none"],
  ])('refuses %s', (_name, parts, message) => {
    expect(() => directoryFor(request(parts))).toThrow(message)
  })

  it('asks for another node where a node is listed without folders', () => {
    expect(() => directoryFor(request({ node: node('refused') }))).toThrow(NodeRefusedError)
  })
})

describe('newLocalVolume', () => {
  it('is what the upstream provisioner makes', () => {
    expect(newLocalVolume(request(), '/data/pvc-1-2_ns_data')).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name: 'pvc-1-2',
        annotations: {
          'local.path.provisioner/selected-node': 'n1',
          'pv.kubernetes.io/provisioned-by': 'rancher.io/local-path',
        },
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          name: 'data',
          namespace: 'ns',
          resourceVersion: '7',
          uid: '1-2',
        },
        local: { path: '/data/pvc-1-2_ns_data' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1.lan'] }] },
            ],
          },
        },
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: 'local-path',
        volumeMode: 'Filesystem',
      },
    })
  })

  it('is a hostPath volume by default, and what claim or class say otherwise', () => {
    const sourceOf = (parts: Partial<PlacementRequest>) => {
      const { hostPath, local } = newLocalVolume(request(parts), '/p').spec
      return hostPath ?? local
    }
    expect(sourceOf({ storageClass: storageClass({}, {}) })).toEqual({ path: '/p', type: 'DirectoryOrCreate' })
    const asking = claim()
    asking.metadata.annotations = { volumeType: 'hostPath' }
    expect(sourceOf({ claim: asking })).toEqual({ path: '/p', type: 'DirectoryOrCreate' })
    asking.metadata.annotations = { volumeType: 'nfs' }
    expect(() => sourceOf({ claim: asking })).toThrow('"nfs" is not a recognised volume type')
  })

  it('can be tied to another label', () => {
    const parts = { storageClass: storageClass({ nodeAffinityKey: 'rack' }), node: node('n', { rack: 'r1' }) }
    const { nodeAffinity } = newLocalVolume(request(parts), '/p').spec
    expect(nodeAffinity?.required?.nodeSelectorTerms).toEqual([
      { matchExpressions: [{ key: 'rack', operator: 'In', values: ['r1'] }] },
    ])
    expect(() => newLocalVolume(request({ ...parts, node: node('n') }), '/p')).toThrow('node n has no label rack')
  })

  it('is tied to no node on a shared file system', () => {
    const volume = newLocalVolume(request({ config: configOf(SHARED, 'c') }), '/nfs/p')
    expect(volume.spec.nodeAffinity).toBeUndefined()
    expect(volume.metadata.annotations?.['local.path.provisioner/selected-node']).toBe('')
  })
})

describe('directoryOf', () => {
  const volume = (path: string): PersistentVolume => {
    const made = newLocalVolume(request(), path)
    return made
  }

  it.each([
    ['a folder below a configured one', '/data/ns/data'],
    ['the usual name below a folder that is configured no more', '/old/pvc-1-2_ns_data'],
  ])('takes %s', (_name, path) => {
    expect(directoryOf(volume(path), LOCAL)).toEqual({ path, nodeName: 'n1', hostname: 'n1.lan' })
  })

  it.each([
    ['another folder', '/etc', 'not below a configured path'],
    ['a configured folder itself', '/data', 'it holds other volumes'],
    ['a sibling of similar name', '/data2/x', 'not below a configured path'],
    ['a way up', '/data/../etc', 'not a plain absolute path'],
    ['the root', '/', 'not a plain absolute path'],
    ['the usual name at the root', '/pvc-1-2_ns_data', 'not below a configured path'],
    ['a relative path', 'data/x', 'not a plain absolute path'],
    ['nothing', '', 'not a plain absolute path'],
  ])('refuses %s', (_name, path, message) => {
    expect(() => directoryOf(volume(path), LOCAL)).toThrow(message)
  })
})
