import { beforeEach, describe, expect, it } from 'vitest'
import { DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_SLICES } from '#machinery/api/resource/v1/resources.gen.ts'
import type { DeviceClaim, ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { makeDeviceClass, makeRequest, makeResourceClaim, makeSlice } from '#test/support/devices.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNode, makeNodeInfo, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import type { ClusterEvent, PodInfo } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import type { ClaimState } from './claim-state.ts'
import { DynamicResources } from './plugin.ts'

const CLAIMS = [{ name: 'gpu', resourceClaimName: 'c' }]
const pod = (options: PodOptions = {}): PodInfo =>
  makePodInfo({ name: 'p', uid: 'p', spec: { resourceClaims: CLAIMS }, ...options })
const templated = (resourceClaimName?: string): PodInfo =>
  pod({
    spec: { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }] },
    ...(resourceClaimName === undefined
      ? {}
      : { status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName }] } }),
  })
const NODE = makeNodeInfo({ name: 'n1' })

let handle: TestPluginHandle
let plugin: DynamicResources

beforeEach(() => {
  handle = testPluginHandle()
  plugin = new DynamicResources({}, handle)
  handle.put(DEVICE_CLASSES, makeDeviceClass())
  handle.put(RESOURCE_SLICES, makeSlice('n1', ['d0', 'd1']))
})

const addClaim = (devices?: DeviceClaim, more: Partial<ResourceClaim> = {}): void =>
  handle.put(RESOURCE_CLAIMS, { ...makeResourceClaim('c', devices), ...more })

function stateOf(info: PodInfo): ClaimState {
  const result = plugin.preFilter(info)
  if (isVerdict(result)) throw new Error(result.reasons.join())
  return result.state
}

describe('before anything is looked at', () => {
  it('waits for a claim that as many Pods use as can', () => {
    const reservedFor = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ resource: 'pods', name: `p${i}`, uid: `u${i}` }))
    const use = (count: number) =>
      addClaim(undefined, { status: { allocation: { devices: {} }, reservedFor: reservedFor(count) } })
    use(256)
    expect(plugin.preFilter(pod())).toEqual({
      code: 'UnschedulableAndUnresolvable',
      reasons: ['resourceclaim in use'],
    })
    expect(plugin.preFilter(pod({ uid: 'u7' }))).toHaveProperty('state')
    use(255)
    expect(plugin.preFilter(pod())).toHaveProperty('state')
  })

  it('has nothing to say about a Pod without claims', () => {
    expect(plugin.preEnqueue(makePodInfo().pod)).toBeUndefined()
    expect(plugin.preFilter(makePodInfo())).toMatchObject({ code: 'Skip' })
  })

  it.each<[string, () => PodInfo, string]>([
    ['a claim that is not there', () => pod(), 'could not find ResourceClaim "default/c"'],
    ['a claim not made yet', () => templated(), 'pod "default/p": ResourceClaim not created yet'],
    [
      'a claim made for another Pod',
      () => {
        addClaim()
        return templated('c')
      },
      'ResourceClaim default/c was not created for pod default/p (pod is not owner)',
    ],
    [
      'a claim being deleted',
      () => {
        addClaim(undefined, {
          metadata: { ...makeResourceClaim('c').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
        })
        return pod()
      },
      'resourceclaim "c" is being deleted',
    ],
    [
      'a way to name claims nobody knows',
      () => pod({ spec: { resourceClaims: [{ name: 'gpu' }] } }),
      'pod "default/p", spec.resourceClaim "gpu": none of the supported fields are set',
    ],
  ])('holds a Pod back for %s', (_what, prepare, reason) => {
    const info = prepare()
    expect(plugin.preEnqueue(info.pod)).toEqual({ code: 'UnschedulableAndUnresolvable', reasons: [reason] })
    expect(plugin.preFilter(info)).toEqual({ code: 'UnschedulableAndUnresolvable', reasons: [reason] })
  })

  it.each<[string, DeviceClaim, string]>([
    [
      'a class that is not there',
      { requests: [makeRequest('r0', { deviceClassName: 'no' })] },
      'request r0: device class no does not exist',
    ],
    [
      'an alternative’s class that is not there',
      { requests: [{ name: 'r0', firstAvailable: [{ name: 's', deviceClassName: 'no' }] }] },
      'request r0/s: device class no does not exist',
    ],
    [
      'a kind of request nobody knows',
      { requests: [{ name: 'r0' }] },
      'resource claim default/c, request r0: unknown request type',
    ],
  ])('refuses %s', (_what, devices, reason) => {
    addClaim(devices)
    expect(plugin.preFilter(pod())).toEqual({ code: 'UnschedulableAndUnresolvable', reasons: [reason] })
  })
})

describe('two Pods and one claim', () => {
  it('wait for one another until the first is bound or fails', () => {
    addClaim()
    const state = stateOf(pod())
    expect(plugin.filter(state, pod(), NODE)).toBeUndefined()
    expect(plugin.reserve(state, pod(), 'n1')).toBeUndefined()
    expect(plugin.preFilter(pod({ uid: 'q' }))).toMatchObject({
      reasons: ['resource claim default/c is in the process of being allocated'],
    })
    plugin.unreserve(state, pod())
    plugin.unreserve(state, pod())
    expect(plugin.filter(stateOf(pod({ uid: 'q' })), pod({ uid: 'q' }), NODE)).toBeUndefined()
  })
})

it('tells those who wait that devices were not used after all', () => {
  const told: ClusterEvent[] = []
  plugin = new DynamicResources(
    {},
    Object.create(handle, { notify: { value: (event: ClusterEvent) => told.push(event) } }) as TestPluginHandle,
  )
  addClaim()
  const state = stateOf(pod())
  plugin.filter(state, pod(), NODE)
  plugin.reserve(state, pod(), 'n1')
  plugin.unreserve(state, pod())
  expect(told).toMatchObject([{ resource: 'resourceclaims', action: 'update', old: { status: { allocation: {} } } }])
  expect(told[0]?.object).not.toHaveProperty('status')
})

it('prefers nodes with the first alternative', () => {
  const alternative = (name: string, device: string) => ({
    name,
    deviceClassName: 'gpu',
    selectors: [{ cel: { expression: `device.attributes["gpu.example.com"].kind == "${device}"` } }],
  })
  const kind = (name: string, value: string) => ({ name, attributes: { kind: { string: value } } })
  handle.put(RESOURCE_SLICES, makeSlice('n1', [kind('a', 'old')]), makeSlice('n2', [kind('a', 'new')]))
  addClaim({ requests: [{ name: 'r0', firstAvailable: [alternative('best', 'new'), alternative('good', 'old')] }] })
  const nodes = [NODE, makeNodeInfo({ name: 'n2' })]
  const state = stateOf(pod())
  for (const node of nodes) expect(plugin.filter(state, pod(), node)).toBeUndefined()
  const scored = plugin.preScore(pod(), nodes, makeSnapshot(nodes), state)
  if (isVerdict(scored)) throw new Error('it scores')
  const scores = Float64Array.from(nodes, (node) => plugin.score(scored.state, pod(), node))
  expect([...scores]).toEqual([7, 8])
  plugin.normalize(scored.state, pod(), scores)
  expect([...scores]).toEqual([87, 100])
})

describe('events', () => {
  const mayHelp = (info: PodInfo, event: ClusterEvent): boolean =>
    plugin.events
      .filter(({ resource, actions }) => resource === event.resource && actions.includes(event.action))
      .filter(({ kinds }) => kinds === undefined || event.kind === undefined || kinds.includes(event.kind))
      .some((hint) => hint.mayHelp?.(info.pod, event) ?? true)
  const allocated = { allocation: { devices: {} } }
  const own = (status?: ResourceClaim['status'], name = 'c') => ({
    ...makeResourceClaim(name),
    ...(status === undefined ? {} : { status }),
  })
  const update = (old: object, object: object, resource = 'resourceclaims'): ClusterEvent => ({
    resource,
    action: 'update',
    old,
    object,
  })
  const labelled = makeNode({ name: 'n1', labels: { a: 'b' } })
  it.each<[string, ClusterEvent, boolean]>([
    ['its claim', { resource: 'resourceclaims', action: 'add', object: own() }, true],
    ['another’s claim', { resource: 'resourceclaims', action: 'add', object: own(undefined, 'x') }, false],
    ['its claim gets devices', update(own(), own(allocated)), true],
    [
      'its claim gets a finalizer',
      update(own(), { ...own(), metadata: { ...own().metadata, finalizers: ['f'] } }),
      false,
    ],
    ['another claim gets devices', update(own(undefined, 'x'), own(allocated, 'x')), false],
    ['another claim gives devices back', update(own(allocated, 'x'), own(undefined, 'x')), true],
    ['a slice', { resource: 'resourceslices', action: 'add', object: makeSlice('n1', []) }, true],
    ['a class', { resource: 'deviceclasses', action: 'add', object: makeDeviceClass() }, true],
    ['a node', { resource: 'nodes', action: 'add', object: makeNode() }, true],
    ['a node’s labels', update(makeNode({ name: 'n1' }), labelled, 'nodes'), true],
    ['a node’s conditions', { ...update(labelled, labelled, 'nodes'), kind: 'UpdateNodeCondition' }, false],
    ['itself', update(pod().pod, pod().pod, 'pods'), true],
    ['another Pod', update(pod().pod, pod({ uid: 'x' }).pod, 'pods'), false],
  ])('%s: %s', (_what, event, helps) => {
    addClaim()
    expect(mayHelp(pod(), event)).toBe(helps)
  })

  it('help nobody whose claims are not there', () => {
    expect(mayHelp(pod(), update(own(allocated, 'x'), own(undefined, 'x')))).toBe(false)
    expect(mayHelp(templated(), update(templated().pod, templated().pod, 'pods'))).toBe(false)
  })
})
