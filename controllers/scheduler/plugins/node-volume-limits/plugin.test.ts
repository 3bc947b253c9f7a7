import { beforeEach, describe, expect, it } from 'vitest'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import { CSI_NODES, STORAGE_CLASSES, VOLUME_ATTACHMENTS } from '#machinery/api/storage/v1/resources.gen.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, type PodOptions } from '#test/support/scheduling.ts'
import { claimVolumes, makeLocalClaim, makeLocalClass, makeLocalVolume } from '#test/support/volumes.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { NodeVolumeLimits } from './plugin.ts'

const DRIVER = 'csi.example'
const FULL = 'node(s) exceed max volume count'

let handle: TestPluginHandle
const csiNode = (count: number) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  metadata: { name: 'n' },
  spec: { drivers: [{ name: DRIVER, nodeID: 'n', allocatable: { count } }] },
})

beforeEach(() => {
  handle = testPluginHandle()
  handle.put(STORAGE_CLASSES, makeLocalClass('fast', { provisioner: DRIVER }))
  handle.put(CSI_NODES, csiNode(2))
  for (const name of ['a', 'b', 'c']) {
    handle.put(
      PERSISTENT_VOLUMES,
      makeLocalVolume(`v-${name}`, { spec: { csi: { driver: DRIVER, volumeHandle: name } } }),
    )
    handle.put(PERSISTENT_VOLUME_CLAIMS, makeLocalClaim(name, { volume: `v-${name}` }))
  }
  handle.put(PERSISTENT_VOLUMES, makeLocalVolume('v-local'))
  handle.put(
    PERSISTENT_VOLUME_CLAIMS,
    makeLocalClaim('local', { volume: 'v-local' }),
    makeLocalClaim('new', { storageClass: 'fast' }),
  )
})

const using = (...claims: string[]): PodOptions => ({ spec: { volumes: claimVolumes(...claims) } })

function reasons(pod: PodOptions, ...running: PodOptions[]): string {
  const plugin = new NodeVolumeLimits(handle)
  const info = makePodInfo(pod)
  const found = plugin.preFilter(info)
  if (isVerdict(found)) return `${found.code} ${found.reasons.join()}`
  return plugin.filter(found.state, info, makeNodeInfo({ name: 'n' }, running))?.reasons.join() ?? ''
}

describe('NodeVolumeLimits', () => {
  it.each<[string, PodOptions, PodOptions[], string]>([
    ['skips pods without claims', {}, [using('a')], 'Skip '],
    ['skips volumes of no driver', using('local'), [using('a', 'b')], 'Skip '],
    ['lets the last one in', using('b'), [using('a')], ''],
    ['keeps the next one out', using('c'), [using('a'), using('b')], FULL],
    ['counts a volume once that several pods use', using('b'), [using('a'), using('a')], ''],
    ['needs no new place for a volume that is there', using('a'), [using('a', 'b')], ''],
    ['counts all volumes of the pod', using('a', 'b', 'c'), [], FULL],
    ['counts a volume that is still to be made', using('new'), [using('a', 'b')], FULL],
    [
      'holds a pod whose claim is missing',
      using('x'),
      [],
      'UnschedulableAndUnresolvable looking up PVC default/x: persistentvolumeclaim "x" not found',
    ],
  ])('%s', (_name, pod, running, expected) => {
    expect(reasons(pod, ...running)).toBe(expected)
  })

  it('knows no limit that the node does not tell', () => {
    handle.put(CSI_NODES, { ...csiNode(0), spec: { drivers: [] } })
    expect(reasons(using('c'), using('a'), using('b'))).toBe('')
  })

  it('counts volumes whose pods are gone but which are still attached', () => {
    handle.put(VOLUME_ATTACHMENTS, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: 'x' },
      spec: { attacher: DRIVER, nodeName: 'n', source: { persistentVolumeName: 'v-a' } },
    })
    expect([reasons(using('c'), using('b')), reasons(using('a'), using('b'))]).toEqual([FULL, ''])
  })

  it.each([
    ['more', csiNode(3), true],
    ['less', csiNode(1), false],
    ['as much', csiNode(2), false],
  ])('is woken when a driver takes %s', (_name, object, expected) => {
    const hint = new NodeVolumeLimits(handle).events.find(({ resource }) => resource === 'csinodes')
    const change = { resource: 'csinodes', action: 'update', old: csiNode(2), object } as const
    expect(hint?.mayHelp?.(makePodInfo().pod, change)).toBe(expected)
  })
})
