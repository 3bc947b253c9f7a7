import { beforeEach, describe, expect, it } from 'vitest'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { CSI_DRIVERS, CSI_STORAGE_CAPACITIES, STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { BIND_COMPLETED, SELECTED_NODE } from '#machinery/volume/binding.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNode, makeNodeInfo, makePod, makePodInfo } from '#test/support/scheduling.ts'
import { claimVolumes, makeLocalClaim, makeLocalClass, makeLocalVolume } from '#test/support/volumes.ts'
import type { NodeInfo, PodInfo } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import type { AssumedVolumes } from './binder.ts'
import { type BindingFacts, bindingProgress } from './binding-progress.ts'
import { VolumeBinding } from './plugin.ts'

const CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
const NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
const NO_SPACE = 'node(s) did not have enough free storage'
const GONE = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

let handle: TestPluginHandle
let plugin: VolumeBinding
beforeEach(() => {
  handle = testPluginHandle()
  plugin = new VolumeBinding({}, handle)
  handle.put(STORAGE_CLASSES, makeLocalClass())
})

const using = (...claims: string[]): PodInfo => makePodInfo({ name: 'p', spec: { volumes: claimVolumes(...claims) } })
const here: NodeInfo = makeNodeInfo({ name: 'here', labels: { zone: 'a' } })
const there: NodeInfo = makeNodeInfo({ name: 'there', labels: { zone: 'b' } })

interface World {
  readonly volumes?: readonly PersistentVolume[]
  readonly claims: readonly PersistentVolumeClaim[]
  readonly classes?: readonly StorageClass[]
}

function put({ volumes = [], claims, classes = [] }: World): void {
  handle.put(PERSISTENT_VOLUMES, ...volumes)
  handle.put(PERSISTENT_VOLUME_CLAIMS, ...claims)
  handle.put(STORAGE_CLASSES, ...classes)
}

/** What the filter says about the node `here`; '' when it fits. */
function reasons(pod: PodInfo, node = here): string {
  const found = plugin.preFilter(pod)
  if (isVerdict(found)) return `${found.code}: ${found.reasons.join()}`
  return plugin.filter(found.state, pod, node)?.reasons.join() ?? ''
}

const fast = (more: Partial<StorageClass> = {}) => makeLocalClass('fast', { provisioner: 'csi.example', ...more })

const BEFORE_NODES: readonly { name: string; world: World; expected: string }[] = [
  { name: 'a claim that is missing', world: { claims: [] }, expected: 'persistentvolumeclaim "c" not found' },
  {
    name: 'a claim that is going',
    world: { claims: [makeLocalClaim('c', { metadata: { name: 'c', namespace: 'default', deletionTimestamp: 't' } })] },
    expected: 'persistentvolumeclaim "c" is being deleted',
  },
  {
    name: 'a claim that has lost its volume',
    world: { claims: [makeLocalClaim('c', { volume: 'v', status: { phase: 'Lost' } })] },
    expected: 'persistentvolumeclaim "c" bound to non-existent persistentvolume "v"',
  },
  {
    name: 'a claim that is bound at once, but not yet',
    world: {
      claims: [makeLocalClaim('c', { storageClass: 'now' })],
      classes: [makeLocalClass('now', { volumeBindingMode: 'Immediate' })],
    },
    expected: 'pod has unbound immediate PersistentVolumeClaims',
  },
]

const ON_NODE: readonly { name: string; world: World; expected: string }[] = [
  {
    name: 'a bound volume within reach',
    world: { volumes: [makeLocalVolume('v', { host: 'here' })], claims: [makeLocalClaim('c', { volume: 'v' })] },
    expected: '',
  },
  {
    name: 'a bound volume elsewhere',
    world: { volumes: [makeLocalVolume('v', { host: 'there' })], claims: [makeLocalClaim('c', { volume: 'v' })] },
    expected: CONFLICT,
  },
  { name: 'a bound volume that is gone', world: { claims: [makeLocalClaim('c', { volume: 'v' })] }, expected: GONE },
  {
    name: 'a free volume within reach',
    world: { volumes: [makeLocalVolume('v', { host: 'here' })], claims: [makeLocalClaim('c')] },
    expected: '',
  },
  {
    name: 'free volumes elsewhere',
    world: { volumes: [makeLocalVolume('v', { host: 'there' })], claims: [makeLocalClaim('c')] },
    expected: NO_VOLUME,
  },
  {
    name: 'a provisioner',
    world: { claims: [makeLocalClaim('c', { storageClass: 'fast' })], classes: [fast()] },
    expected: '',
  },
  {
    name: 'a provisioner that may work here',
    world: {
      claims: [makeLocalClaim('c', { storageClass: 'fast' })],
      classes: [fast({ allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }] })],
    },
    expected: '',
  },
  {
    name: 'a provisioner that may not work here',
    world: {
      claims: [makeLocalClaim('c', { storageClass: 'fast' })],
      classes: [fast({ allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['b'] }] }] })],
    },
    expected: NO_VOLUME,
  },
  {
    name: 'a provisioner that is at work elsewhere',
    world: {
      claims: [
        makeLocalClaim('c', {
          storageClass: 'fast',
          metadata: { name: 'c', namespace: 'default', annotations: { [SELECTED_NODE]: 'there' } },
        }),
      ],
      classes: [fast()],
    },
    expected: NO_VOLUME,
  },
]

describe('VolumeBinding', () => {
  it('has nothing to say about pods without claims', () => {
    expect(reasons(makePodInfo({}))).toBe('Skip: ')
  })
  it.each(BEFORE_NODES)('holds a pod with $name', ({ world, expected }) => {
    put(world)
    expect(reasons(using('c'))).toBe(`UnschedulableAndUnresolvable: ${expected}`)
  })
  it('waits for the claim of an ephemeral volume, and wants no other of its name', () => {
    const pod = makePodInfo({
      name: 'p',
      uid: 'u',
      spec: { volumes: [{ name: 'e', ephemeral: { volumeClaimTemplate: { spec: {} } } }] },
    })
    expect(reasons(pod)).toContain('waiting for ephemeral volume controller to create the persistentvolumeclaim "p-e"')
    put({ claims: [makeLocalClaim('p-e')] })
    expect(reasons(pod)).toContain('PVC default/p-e was not created for pod default/p (pod is not owner)')
  })
  it.each(ON_NODE)('answers for $name', ({ world, expected }) => {
    put(world)
    expect(reasons(using('c'))).toBe(expected)
  })

  it('gives the small claim the small volume, whatever their order', () => {
    const volumes = [makeLocalVolume('small', { size: '1Gi' }), makeLocalVolume('large', { size: '5Gi' })]
    put({ volumes, claims: [makeLocalClaim('a', { size: '4Gi' }), makeLocalClaim('b')] })
    expect(reasons(using('a', 'b'))).toBe('')
    put({ claims: [makeLocalClaim('b', { size: '2Gi' })] })
    expect(reasons(using('a', 'b'))).toBe(NO_VOLUME)
  })

  describe('a driver that publishes its capacity', () => {
    const capacity = (name: string, zone: string, amount: { capacity?: string; maximumVolumeSize?: string }) =>
      handle.put(CSI_STORAGE_CAPACITIES, {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIStorageCapacity',
        metadata: { name, namespace: 'default' },
        storageClassName: 'fast',
        nodeTopology: { matchLabels: { zone } },
        ...amount,
      })
    beforeEach(() => {
      put({ claims: [makeLocalClaim('c', { storageClass: 'fast' })], classes: [fast()] })
      handle.put(CSI_DRIVERS, {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: 'csi.example' },
        spec: { storageCapacity: true },
      })
    })
    it('is held to it', () => {
      expect(reasons(using('c'))).toBe(NO_SPACE)
      capacity('one', 'b', { capacity: '9Gi' })
      expect(reasons(using('c'))).toBe(NO_SPACE)
      expect(reasons(using('c'), there)).toBe('')
      capacity('two', 'a', { capacity: '9Gi', maximumVolumeSize: '1Mi' })
      expect(reasons(using('c'))).toBe(NO_SPACE)
      capacity('two', 'a', { capacity: '1Gi' })
      expect(reasons(using('c'))).toBe('')
    })
  })

  it('keeps a reserved volume from other pods until it is given back', () => {
    put({ volumes: [makeLocalVolume('v')], claims: [makeLocalClaim('c'), makeLocalClaim('d')] })
    const found = plugin.preFilter(using('c'))
    if (isVerdict(found)) throw new Error('refused')
    plugin.filter(found.state, using('c'), here)
    expect(plugin.reserve(found.state, using('c'), 'here')).toBeUndefined()
    expect(reasons(using('d'))).toBe(NO_VOLUME)
    plugin.unreserve(found.state)
    plugin.unreserve(found.state)
    expect(reasons(using('d'))).toBe('')
  })

  it('keeps a reserved claim on its node', () => {
    put({ claims: [makeLocalClaim('c', { storageClass: 'fast' })], classes: [fast()] })
    const found = plugin.preFilter(using('c'))
    if (isVerdict(found)) throw new Error('refused')
    plugin.filter(found.state, using('c'), here)
    plugin.reserve(found.state, using('c'), 'here')
    expect([reasons(using('c')), reasons(using('c'), there)]).toEqual(['', NO_VOLUME])
  })

  it('does not reserve what has changed meanwhile', () => {
    const claim = (resourceVersion: string) =>
      makeLocalClaim('c', { storageClass: 'fast', metadata: { name: 'c', namespace: 'default', resourceVersion } })
    put({ claims: [claim('1')], classes: [fast()] })
    const found = plugin.preFilter(using('c'))
    if (isVerdict(found)) throw new Error('refused')
    plugin.filter(found.state, using('c'), here)
    put({ claims: [claim('2')] })
    expect(plugin.reserve(found.state, using('c'), 'here')?.code).toBe('Error')
  })
})

describe('the progress of a binding', () => {
  const node = makeNode({ name: 'here' })
  const meta = (resourceVersion: string, annotations = {}) => ({
    name: 'c',
    namespace: 'default',
    uid: 'u',
    resourceVersion,
    annotations,
  })
  const selected = { [SELECTED_NODE]: 'here' }
  const volume = (resourceVersion: string, spec = {}) => {
    const made = makeLocalVolume('v', { spec })
    return { ...made, metadata: { ...made.metadata, resourceVersion } }
  }
  const bound = { [BIND_COMPLETED]: 'yes' }
  const facts = (actual: {
    volume?: PersistentVolume
    claim?: PersistentVolumeClaim
    pod?: boolean
    reaches?: boolean
  }): BindingFacts => ({
    nodeName: node.metadata.name ?? '',
    podExists: () => actual.pod ?? true,
    volume: () => actual.volume,
    claim: () => actual.claim,
    reaches: () => actual.reaches ?? true,
  })
  const matched: AssumedVolumes = {
    volumes: [{ volume: volume('1'), claim: makeLocalClaim('c'), isChanged: true }],
    claims: [],
  }
  const provisioned: AssumedVolumes = { volumes: [], claims: [makeLocalClaim('c', { metadata: meta('1', selected) })] }
  const taken = { claimRef: { name: 'c', namespace: 'default', uid: 'u' } }
  const CASES: readonly {
    name: string
    assumed: AssumedVolumes
    actual: Parameters<typeof facts>[0]
    expected: boolean | string
  }[] = [
    {
      name: 'our write not seen yet',
      assumed: matched,
      actual: { volume: volume('1'), claim: makeLocalClaim('c') },
      expected: false,
    },
    {
      name: 'the claim not bound yet',
      assumed: matched,
      actual: { volume: volume('2', taken), claim: makeLocalClaim('c') },
      expected: false,
    },
    {
      name: 'all bound',
      assumed: matched,
      actual: { volume: volume('2', taken), claim: makeLocalClaim('c', { volume: 'v' }) },
      expected: true,
    },
    {
      name: 'the reference taken away',
      assumed: matched,
      actual: { volume: volume('2'), claim: makeLocalClaim('c') },
      expected: 'ClaimRef got reset for pv "v"',
    },
    {
      name: 'the volume gone',
      assumed: matched,
      actual: { claim: makeLocalClaim('c') },
      expected: 'could not find pv "v"',
    },
    { name: 'the pod gone', assumed: matched, actual: { pod: false }, expected: 'pod does not exist any more' },
    {
      name: 'provisioning under way',
      assumed: provisioned,
      actual: { claim: makeLocalClaim('c', { metadata: meta('2', selected) }) },
      expected: false,
    },
    {
      name: 'provisioning given up',
      assumed: provisioned,
      actual: { claim: makeLocalClaim('c', { metadata: meta('2') }) },
      expected: 'selectedNode annotation reset for PVC "c"',
    },
    {
      name: 'provisioning moved',
      assumed: provisioned,
      actual: { claim: makeLocalClaim('c', { metadata: meta('2', { [SELECTED_NODE]: 'x' }) }) },
      expected: 'provisioning failed for PVC "c"',
    },
    {
      name: 'provisioned',
      assumed: provisioned,
      actual: {
        volume: volume('9'),
        claim: makeLocalClaim('c', { metadata: meta('3', { ...selected, ...bound }), spec: { volumeName: 'v' } }),
      },
      expected: true,
    },
    {
      name: 'provisioned out of reach',
      assumed: provisioned,
      actual: {
        reaches: false,
        volume: volume('9'),
        claim: makeLocalClaim('c', { metadata: meta('3', { ...selected, ...bound }), spec: { volumeName: 'v' } }),
      },
      expected: 'pv "v" node affinity doesn\'t match node "here"',
    },
  ]
  it.each(CASES)('$name', ({ assumed, actual, expected }) => {
    const ask = () => bindingProgress(assumed, facts(actual))
    if (typeof expected === 'string') expect(ask).toThrow(expected)
    else expect(ask()).toBe(expected)
  })
})

describe('hints', () => {
  const pod = makePod({ spec: { volumes: claimVolumes('c') } })
  it.each<[string, string, { old?: unknown; object?: unknown }, boolean | undefined]>([
    ['its claim changes', 'persistentvolumeclaims', { object: makeLocalClaim('c') }, true],
    ['another claim changes', 'persistentvolumeclaims', { object: makeLocalClaim('d') }, false],
    ['a class comes', 'storageclasses', { object: fast() }, true],
    [
      'a class changes its topologies',
      'storageclasses',
      { old: fast(), object: fast({ allowedTopologies: [] }) },
      true,
    ],
    ['a class changes otherwise', 'storageclasses', { old: fast(), object: fast({ mountOptions: ['x'] }) }, false],
    ['a volume changes', 'persistentvolumes', { object: makeLocalVolume('v') }, undefined],
  ])('%s', (_name, resource, change, expected) => {
    const hint = plugin.events.find((event) => event.resource === resource)
    const action = change.old === undefined ? 'add' : 'update'
    expect(hint?.mayHelp?.(pod, { resource, action, ...change })).toBe(expected)
  })
})
