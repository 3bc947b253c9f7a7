import { describe, expect, it } from 'vitest'
import type {
  AllocationResult,
  Device,
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ResourceClaim,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'
import { DRIVER, makeDeviceClass, makeRequest, makeResourceClaim, makeSlice } from '#test/support/devices.ts'
import { makeNode } from '#test/support/scheduling.ts'
import { CountedDeviceUse } from '../device-use.ts'
import { Allocator } from './allocator.ts'
import { AllocationTimeout } from './budget.ts'
import type { DeviceSelectors } from './interfaces.ts'
import { poolIdOf, poolsOfNode } from './pools.ts'

/** Stands for CEL: `name` or `!name` of a device; anything else does not compile. */
const byName: DeviceSelectors = {
  matches(expression, _driver, { name }) {
    if (!/^!?[a-z0-9-]+$/.test(expression)) throw new Error('CEL compile error: syntax')
    return expression.startsWith('!') ? name !== expression.slice(1) : name === expression
  },
}

interface World {
  readonly slices: readonly ResourceSlice[]
  /** Allocations of other claims. */
  readonly allocated?: readonly AllocationResult[]
  readonly classes?: readonly ReturnType<typeof makeDeviceClass>[]
  readonly labels?: Record<string, string>
  /** What the clock says, call by call. */
  readonly times?: number[]
}

function allocate(
  { slices, allocated = [], classes = [makeDeviceClass()], labels = {}, times }: World,
  ...claims: ResourceClaim[]
) {
  const use = new CountedDeviceUse()
  for (const allocation of allocated) use.add(allocation)
  let shares = 0
  const allocator = new Allocator({
    use,
    poolsOf: (node) => poolsOfNode(node, slices, (id) => slices.filter((slice) => poolIdOf(slice) === id)),
    classOf: (name) => classes.find(({ metadata }) => metadata.name === name),
    selectors: byName,
    newShareId: () => `share-${++shares}`,
    monotonicMs: () => times?.shift() ?? 0,
    timeoutMs: 10_000,
  })
  return allocator.allocate(makeNode({ name: 'n1', labels }), claims)
}

/** `request=device` of each claim, in order; undefined: the node does not have them. */
function devicesOf(world: World, ...claims: ResourceClaim[]): string[][] | undefined {
  return allocate(world, ...claims)?.map(({ devices }) =>
    (devices?.results ?? []).map(({ request, device }) => `${request}=${device}`),
  )
}

const claim = (requests: DeviceRequest[], more: Omit<DeviceClaim, 'requests'> = {}, name = 'c0'): ResourceClaim =>
  makeResourceClaim(name, { requests, ...more })
const requests = (...counts: number[]): DeviceRequest[] => counts.map((count, i) => makeRequest(`r${i}`, { count }))
const only = (name: string) => [{ cel: { expression: name } }]
const all = (name = 'r0') => makeRequest(name, { allocationMode: 'All' })
const prefer = (...alternatives: Partial<DeviceSubRequest>[]): DeviceRequest => ({
  name: 'r0',
  firstAvailable: alternatives.map((more, i) => ({
    name: `s${i}`,
    deviceClassName: 'gpu',
    allocationMode: 'ExactCount',
    count: 1,
    ...more,
  })),
})
const has = (
  device: string,
  more: Partial<NonNullable<NonNullable<AllocationResult['devices']>['results']>[number]> = {},
) => ({
  devices: { results: [{ request: 'x', driver: DRIVER, pool: 'n1', device, ...more }] },
})
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `d${String(i).padStart(2, '0')}`)

describe('counts', () => {
  it.each<[string, World, DeviceRequest[], string[] | undefined]>([
    ['one of one', { slices: [makeSlice('n1', ['a'])] }, requests(1), ['r0=a']],
    ['two of two', { slices: [makeSlice('n1', ['a', 'b'])] }, requests(2), ['r0=a', 'r0=b']],
    ['two requests', { slices: [makeSlice('n1', ['a', 'b'])] }, requests(1, 1), ['r0=a', 'r1=b']],
    ['more than there are', { slices: [makeSlice('n1', ['a', 'b'])] }, requests(1, 2), undefined],
    ['none at all', { slices: [] }, requests(1), undefined],
    ['those of another node', { slices: [makeSlice('n2', ['a'])] }, requests(1), undefined],
    ['what is left', { slices: [makeSlice('n1', ['a', 'b'])], allocated: [has('a')] }, requests(1), ['r0=b']],
    ['all', { slices: [makeSlice('n1', ['a', 'b'])] }, [all()], ['r0=a', 'r0=b']],
    ['all, one is taken', { slices: [makeSlice('n1', ['a', 'b'])], allocated: [has('a')] }, [all()], undefined],
    [
      'all of none',
      { slices: [makeSlice('n1', ['a'])] },
      [makeRequest('r0', { allocationMode: 'All', selectors: only('z') })],
      undefined,
    ],
    [
      '32',
      { slices: [makeSlice('n1', many(40))] },
      requests(30, 2),
      many(32).map((name, i) => `r${i < 30 ? 0 : 1}=${name}`),
    ],
    [
      'all of 33',
      { slices: [makeSlice('n1', many(33))] },
      [prefer({ allocationMode: 'All' }, { count: 1 })],
      ['r0/s1=d00'],
    ],
  ])('%s', (_what, world, wanted, expected) => expect(devicesOf(world, claim(wanted))).toEqual(expected && [expected]))

  it('refuses a claim that wants more than a claim can hold', () => {
    expect(() => allocate({ slices: [makeSlice('n1', many(40))] }, claim(requests(30, 3)))).toThrow(
      'claim default/c0: number of requested devices 33 exceeds the claim limit of 32',
    )
  })

  it('gives two claims of a Pod different devices', () => {
    const world = { slices: [makeSlice('n1', ['a', 'b'])] }
    expect(devicesOf(world, claim(requests(1)), claim(requests(1), {}, 'c1'))).toEqual([['r0=a'], ['r0=b']])
    expect(devicesOf(world, claim(requests(1)), claim(requests(2), {}, 'c1'))).toBeUndefined()
  })

  it('changes its mind about an earlier request when a later one needs the device', () => {
    const wanted = [makeRequest('any'), makeRequest('a', { selectors: only('a') })]
    expect(devicesOf({ slices: [makeSlice('n1', ['a', 'b'])] }, claim(wanted))).toEqual([['any=b', 'a=a']])
    expect(
      devicesOf(
        { slices: [makeSlice('n1', ['a', 'b'])] },
        claim([makeRequest('any')]),
        claim([makeRequest('a', { selectors: only('a') })], {}, 'c1'),
      ),
    ).toEqual([['any=b'], ['a=a']])
  })
})

describe('selectors', () => {
  const world = (classes: World['classes'] = []): World => ({ slices: [makeSlice('n1', ['a', 'b', 'c'])], classes })

  it('are those of the class and of the request', () => {
    const gpu = makeDeviceClass('gpu', { selectors: only('!a') })
    expect(devicesOf(world([gpu]), claim([makeRequest('r0', { selectors: only('!b') })]))).toEqual([['r0=c']])
  })

  it.each<[string, World['classes'], DeviceRequest, string]>([
    [
      'of the claim',
      [makeDeviceClass()],
      makeRequest('r0', { selectors: only('?') }),
      'claim default/c0: selector #0: CEL compile error: syntax',
    ],
    [
      'of the class',
      [makeDeviceClass('gpu', { selectors: only('?') })],
      makeRequest(),
      'class gpu: selector #0: CEL compile error: syntax',
    ],
    [
      'without CEL',
      [makeDeviceClass()],
      makeRequest('r0', { selectors: [{}] }),
      'claim default/c0, request r0, selector #0: CEL expression empty (unsupported selector type?)',
    ],
    [
      'of a class that is gone',
      [],
      makeRequest(),
      'claim default/c0, request r0: could not retrieve device class gpu: deviceclass.resource.k8s.io "gpu" not found',
    ],
  ])('that fail end the attempt: %s', (_what, classes, wanted, message) => {
    expect(() => allocate(world(classes), claim([wanted]))).toThrow(message)
  })

  it('are not asked about devices that nobody needs to look at', () => {
    const broken: Device = { name: 'b' }
    const selectors = only('a')
    const slices = [makeSlice('n1', ['a', broken])]
    expect(devicesOf({ slices }, claim([makeRequest('r0', { selectors })]))).toEqual([['r0=a']])
  })
})

describe('pools', () => {
  const part = (name: string, devices: string[], generation = 1, resourceSliceCount = 2, nodeName = 'n1') =>
    makeSlice(nodeName, devices, { pool: { name: 'p', generation, resourceSliceCount } }, name)
  const everywhere = (devices: string[], more: Partial<ResourceSlice['spec']> = {}) => {
    const slice = makeSlice('net', devices, { allNodes: true, ...more })
    delete slice.spec.nodeName
    return slice
  }
  const zoned = (zone: string) => {
    const nodeSelector = {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] }],
    }
    const slice = everywhere(['a'], { nodeSelector })
    delete slice.spec.allNodes
    return slice
  }
  it.each<[string, ResourceSlice[], string[] | undefined]>([
    ['all slices are there', [part('s2', ['b']), part('s1', ['a'])], ['r0=a']],
    ['one is missing', [part('s1', ['a'])], undefined],
    ['the other is for another node', [part('s1', ['a']), part('s2', ['b'], 1, 2, 'n2')], ['r0=a']],
    ['the newest generation counts', [part('s1', ['a']), part('s2', ['b']), part('s3', ['c'], 2, 1)], ['r0=c']],
    ['the newest is for another node', [part('s1', ['a'], 1, 1), part('s2', ['b'], 2, 1, 'n2')], ['r0=a']],
    [
      'the newest is elsewhere, the old one incomplete',
      [part('s1', ['a'], 1, 2), part('s2', ['b'], 2, 1, 'n2')],
      undefined,
    ],
    ['for all nodes', [everywhere(['a'])], ['r0=a']],
    ['for nodes with a label', [zoned('z1')], ['r0=a']],
    ['for nodes with another label', [zoned('z2')], undefined],
    [
      'in the order of their names',
      [
        makeSlice('n1', ['z'], { pool: { name: 'b', generation: 1, resourceSliceCount: 1 } }, 'x'),
        makeSlice('n1', ['y'], { pool: { name: 'a', generation: 1, resourceSliceCount: 1 } }, 'y'),
      ],
      ['r0=y'],
    ],
  ])('%s', (_what, slices, expected) =>
    expect(devicesOf({ slices, labels: { zone: 'z1' } }, claim(requests(1)))).toEqual(expected && [expected]),
  )

  it('each device may say which nodes reach it', () => {
    const slice = everywhere([], {
      perDeviceNodeSelection: true,
      devices: [
        { name: 'a', nodeName: 'n2' },
        { name: 'b', nodeName: 'n1' },
      ],
    })
    delete slice.spec.allNodes
    const [result] = allocate({ slices: [slice] }, claim(requests(1))) ?? []
    expect(result?.devices?.results?.map(({ device }) => device)).toEqual(['b'])
    expect(result?.nodeSelector?.nodeSelectorTerms[0]?.matchFields?.[0]?.values).toEqual(['n1'])
  })

  it('that are wrong give nothing; others may', () => {
    const twice = makeSlice('n1', ['a', 'a'])
    expect(() => allocate({ slices: [twice] }, claim(requests(1)))).toThrow('invalid resource pools were encountered')
    expect(devicesOf({ slices: [twice, everywhere(['b'])] }, claim(requests(1)))).toEqual([['r0=b']])
    expect(() => allocate({ slices: [twice] }, claim([all()]))).toThrow(
      'resource pool gpu.example.com/n1 is currently invalid',
    )
  })

  it('that change cannot be asked for all', () => {
    expect(() => allocate({ slices: [part('s1', ['a'])] }, claim([all()]))).toThrow(
      'claim default/c0, request r0: asks for all devices, but resource pool gpu.example.com/p is currently being updated',
    )
  })

  it.each<[string, ResourceSlice, AllocationResult['nodeSelector']]>([
    [
      'one node',
      makeSlice('n1', ['a']),
      { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }] },
    ],
    ['all nodes', everywhere(['a']), undefined],
    [
      'nodes of a zone',
      zoned('z1'),
      { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['z1'] }] }] },
    ],
  ])('say where the claim can be used: %s', (_what, slice, expected) => {
    expect(allocate({ slices: [slice], labels: { zone: 'z1' } }, claim(requests(1)))?.[0]?.nodeSelector).toEqual(
      expected,
    )
  })
})

describe('alternatives', () => {
  const slices = [makeSlice('n1', ['a', 'b', 'c'])]
  it.each<[string, DeviceRequest, AllocationResult[], string[] | undefined]>([
    ['the first that can be had', prefer({ selectors: only('a') }, { selectors: only('b') }), [], ['r0/s0=a']],
    [
      'the second when the first is taken',
      prefer({ selectors: only('a') }, { selectors: only('b') }),
      [has('a')],
      ['r0/s1=b'],
    ],
    ['none', prefer({ selectors: only('a') }, { selectors: only('b') }), [has('a'), has('b')], undefined],
    ['of different counts', prefer({ count: 4 }, { count: 2 }), [], ['r0/s1=a', 'r0/s1=b']],
    ['all, or some', prefer({ allocationMode: 'All' }, { count: 1 }), [has('b')], ['r0/s1=a']],
  ])('%s', (_what, request, allocated, expected) =>
    expect(devicesOf({ slices, allocated }, claim([request]))).toEqual(expected && [expected]),
  )

  it('give way when a later request needs what the first would take', () => {
    const wanted = [prefer({ count: 3 }, { count: 1 }), makeRequest('later', { count: 2 })]
    expect(devicesOf({ slices }, claim(wanted))).toEqual([['r0/s1=a', 'later=b', 'later=c']])
  })
})

describe('constraints', () => {
  const devices: Device[] = [
    { name: 'a', attributes: { numa: { int: 1 }, 'other.example.com/rack': { string: 'x' } } },
    { name: 'b', attributes: { 'gpu.example.com/numa': { int: 2 }, 'other.example.com/rack': { string: 'x' } } },
    { name: 'c', attributes: { numa: { int: 2 }, 'other.example.com/rack': { string: 'y' } } },
    { name: 'd', attributes: { numa: { string: '2' } } },
    { name: 'e' },
  ]
  const same = { matchAttribute: 'gpu.example.com/numa' }
  const different = { distinctAttribute: 'gpu.example.com/numa' }
  const rack = { matchAttribute: 'other.example.com/rack' }
  it.each<[string, number[], DeviceConstraint[], string[] | undefined]>([
    ['the same value', [2], [same], ['r0=b', 'r0=c']],
    ['the same value in two requests', [1, 1], [same], ['r0=b', 'r1=c']],
    ['only for one request', [1, 2], [{ ...same, requests: ['r1'] }], ['r0=a', 'r1=b', 'r1=c']],
    ['more than share a value', [3], [same], undefined],
    ['different values', [2], [different], ['r0=a', 'r0=b']],
    ['type and value', [3], [different], ['r0=a', 'r0=b', 'r0=d']],
    ['both kinds', [2], [rack, different], ['r0=a', 'r0=b']],
    ['both kinds that exclude one another', [2], [same, different], undefined],
    ['an attribute nobody has', [1], [{ matchAttribute: 'gpu.example.com/no' }], undefined],
  ])('%s', (_what, counts, constraints, expected) =>
    expect(devicesOf({ slices: [makeSlice('n1', devices)] }, claim(requests(...counts), { constraints }))).toEqual(
      expected && [expected],
    ),
  )

  it('apply to subrequests by the name of either', () => {
    for (const requests of [['r0'], ['r0/s0']]) {
      const wanted = claim([prefer({ count: 2 })], { constraints: [{ ...same, requests }] })
      expect(devicesOf({ slices: [makeSlice('n1', devices)] }, wanted)).toEqual([['r0/s0=b', 'r0/s0=c']])
    }
  })

  it('that all devices can never meet are an error', () => {
    expect(() => allocate({ slices: [makeSlice('n1', devices)] }, claim([all()], { constraints: [same] }))).toThrow(
      'claim default/c0, request r0: cannot add device gpu.example.com/n1/b because a claim constraint would not be satisfied',
    )
    expect(() => allocate({ slices: [] }, claim([all()], { constraints: [{}] }))).toThrow(
      'claim default/c0, constraint #0: empty constraint',
    )
  })
})

describe('admin access', () => {
  const admin = (name = 'r0', count = 1) => makeRequest(name, { adminAccess: true, count })
  const slices = [makeSlice('n1', ['a'])]
  it('shares what others have, and takes nothing', () => {
    const allocated = [has('a')]
    const [result] = allocate({ slices, allocated }, claim([admin()])) ?? []
    expect(result?.devices?.results).toEqual([
      { request: 'r0', driver: DRIVER, pool: 'n1', device: 'a', adminAccess: true },
    ])
    expect(devicesOf({ slices, allocated: [has('a', { adminAccess: true })] }, claim(requests(1)))).toEqual([['r0=a']])
  })
  it('has a device once in a claim', () => {
    expect(devicesOf({ slices }, claim([admin('r0', 2)]))).toBeUndefined()
    expect(devicesOf({ slices }, claim([admin()]), claim([admin()], {}, 'c1'))).toEqual([['r0=a'], ['r0=a']])
  })
})

describe('taints', () => {
  const taint = (effect: string) => ({ key: 'broken', value: 'yes', effect })
  const slices = (...effects: string[]) => [makeSlice('n1', [{ name: 'a', taints: effects.map(taint) }])]
  it.each<[string, string[], NonNullable<DeviceRequest['exactly']>['tolerations'], boolean]>([
    ['NoSchedule', ['NoSchedule'], undefined, false],
    ['NoExecute', ['NoExecute'], undefined, false],
    ['None', ['None'], undefined, true],
    ['tolerated by value', ['NoSchedule'], [{ key: 'broken', operator: 'Equal', value: 'yes' }], true],
    ['another value', ['NoSchedule'], [{ key: 'broken', operator: 'Equal', value: 'no' }], false],
    ['tolerated by key', ['NoSchedule', 'NoExecute'], [{ key: 'broken', operator: 'Exists' }], true],
    ['one of two', ['NoSchedule', 'NoExecute'], [{ key: 'broken', operator: 'Exists', effect: 'NoSchedule' }], false],
    ['everything', ['NoExecute'], [{ operator: 'Exists' }], true],
  ])('%s', (_what, effects, tolerations, fits) => {
    const request = makeRequest('r0', tolerations === undefined ? {} : { tolerations })
    const results = allocate({ slices: slices(...effects) }, claim([request]))?.[0]?.devices?.results
    expect(results !== undefined).toBe(fits)
    if (fits) expect(results?.[0]?.tolerations).toEqual(tolerations)
  })
})

describe('partitions', () => {
  const uses = (name: string, memory: string): Device => ({
    name,
    consumesCounters: [{ counterSet: 'gpu', counters: { memory: { value: memory } } }],
  })
  const pool = { name: 'n1', generation: 1, resourceSliceCount: 2 }
  const counters = makeSlice(
    'n1',
    [],
    { pool, sharedCounters: [{ name: 'gpu', counters: { memory: { value: '40Gi' } } }] },
    'counters',
  )
  delete counters.spec.devices
  const slices = (...devices: Device[]) => [counters, makeSlice('n1', devices, { pool })]
  const half = [uses('whole', '40Gi'), uses('half-0', '20Gi'), uses('half-1', '20Gi')]
  it.each<[string, number, string[], string[] | undefined]>([
    ['the whole', 1, [], ['r0=whole']],
    ['two halves', 2, [], ['r0=half-0', 'r0=half-1']],
    ['the whole is taken', 1, ['whole'], undefined],
    ['a half is taken', 1, ['half-0'], ['r0=half-1']],
    ['a half is taken, two are wanted', 2, ['half-0'], undefined],
  ])('%s', (_what, count, taken, expected) =>
    expect(
      devicesOf({ slices: slices(...half), allocated: taken.map((name) => has(name)) }, claim(requests(count))),
    ).toEqual(expected && [expected]),
  )

  it('with counters nobody knows make the pool unusable', () => {
    const lost: Device = { name: 'a', consumesCounters: [{ counterSet: 'no', counters: {} }] }
    expect(() => allocate({ slices: slices(lost) }, claim(requests(1)))).toThrow('invalid resource pools')
  })

  it('for another node count as well', () => {
    const other = makeSlice('n2', half.slice(1), { pool: { ...pool, resourceSliceCount: 3 } }, 'other')
    const own = makeSlice('n1', [uses('whole', '40Gi')], { pool: { ...pool, resourceSliceCount: 3 } }, 'own')
    const shared = { ...counters, spec: { ...counters.spec, pool: { ...pool, resourceSliceCount: 3 } } }
    expect(devicesOf({ slices: [shared, own, other] }, claim(requests(1)))).toEqual([['r0=whole']])
    expect(devicesOf({ slices: [shared, own, other], allocated: [has('half-0')] }, claim(requests(1)))).toBeUndefined()
  })
})

describe('shared capacity', () => {
  const nic = (policy?: NonNullable<Device['capacity']>[string]['requestPolicy']): Device => ({
    name: 'nic',
    allowMultipleAllocations: true,
    capacity: { bandwidth: { value: '10', ...(policy === undefined ? {} : { requestPolicy: policy }) } },
  })
  const wants = (bandwidth: string, count = 1) => makeRequest('r0', { count, capacity: { requests: { bandwidth } } })
  const part = (bandwidth: string) => has('nic', { shareID: 's', consumedCapacity: { bandwidth } })
  const consumed = (device: Device, request: DeviceRequest, ...allocated: AllocationResult[]) =>
    allocate({ slices: [makeSlice('n1', [device])], allocated }, claim([request]))?.[0]?.devices?.results?.map(
      ({ consumedCapacity }) => consumedCapacity?.['bandwidth'],
    )

  it.each<[string, Device, DeviceRequest, AllocationResult[], string[] | undefined]>([
    ['as much as was asked for', nic(), wants('4'), [], ['4']],
    ['what is left', nic(), wants('4'), [part('3'), part('3')], ['4']],
    ['not more', nic(), wants('5'), [part('3'), part('3')], undefined],
    ['twice by one request', nic(), wants('5', 2), [], ['5', '5']],
    ['not thrice', nic(), wants('5', 3), [], undefined],
    ['all of it without a wish', nic(), makeRequest(), [], ['10']],
    ['the default without a wish', nic({ default: '2', validRange: { min: '1' } }), makeRequest(), [], ['2']],
    ['at least the minimum', nic({ default: '2', validRange: { min: '2' } }), wants('1'), [], ['2']],
    ['whole steps', nic({ default: '1', validRange: { min: '1', step: '3' } }), wants('5'), [], ['7']],
    ['not above the maximum', nic({ default: '1', validRange: { min: '1', max: '4' } }), wants('5'), [], undefined],
    ['the next of the values', nic({ default: '2', validValues: ['2', '4', '8'] }), wants('3'), [], ['4']],
    ['no value is large enough', nic({ default: '2', validValues: ['2', '4'] }), wants('5'), [], undefined],
    ['a capacity it does not have', nic(), makeRequest('r0', { capacity: { requests: { rdma: '1' } } }), [], undefined],
    ['taken whole by somebody', nic(), wants('1'), [has('nic')], undefined],
  ])('%s', (_what, device, request, allocated, expected) =>
    expect(consumed(device, request, ...allocated)).toEqual(expected),
  )

  it('gives each part an ID, and a device of its own to those that ask for less than all', () => {
    const own: Device = { name: 'own', capacity: { bandwidth: { value: '10' } } }
    const world = { slices: [makeSlice('n1', [own, nic()])] }
    const [result] = allocate(world, claim([wants('4', 2)])) ?? []
    expect(result?.devices?.results).toEqual([
      { request: 'r0', driver: DRIVER, pool: 'n1', device: 'own' },
      {
        request: 'r0',
        driver: DRIVER,
        pool: 'n1',
        device: 'nic',
        shareID: 'share-1',
        consumedCapacity: { bandwidth: '4' },
      },
    ])
    expect(
      devicesOf(
        world,
        claim([makeRequest('r0', { allocationMode: 'All', capacity: { requests: { bandwidth: '11' } } })]),
      ),
    ).toBeUndefined()
  })
})

describe('configuration', () => {
  const opaque = (value: string) => ({ opaque: { driver: DRIVER, parameters: { value } } })
  it('comes from the classes of what was taken, and from the claim', () => {
    const classes = [
      makeDeviceClass('gpu', { config: [opaque('class')] }),
      makeDeviceClass('nic', { config: [opaque('no')] }),
    ]
    const alternatives = prefer({ deviceClassName: 'nic', count: 9 }, {})
    const config = [
      opaque('for-all'),
      { ...opaque('for-r1'), requests: ['r1'] },
      { ...opaque('for-s0'), requests: ['r0/s0'] },
      { ...opaque('for-s1'), requests: ['r0/s1'] },
    ]
    const [result] =
      allocate(
        { slices: [makeSlice('n1', ['a', 'b'])], classes },
        claim([alternatives, makeRequest('r1')], { config }),
      ) ?? []
    expect(result?.devices?.config).toEqual([
      { source: 'FromClass', requests: ['r0/s1', 'r1'], ...opaque('class') },
      { source: 'FromClaim', ...opaque('for-all') },
      { source: 'FromClaim', requests: ['r1'], ...opaque('for-r1') },
      { source: 'FromClaim', requests: ['r0/s1'], ...opaque('for-s1') },
    ])
  })
})

describe('binding conditions', () => {
  it('are copied, and such pools are the last choice', () => {
    const waits: Device = {
      name: 'a',
      bindingConditions: ['ready'],
      bindingFailureConditions: ['bad'],
      bindsToNode: true,
    }
    const slow = makeSlice('n1', [waits], { pool: { name: 'a', generation: 1, resourceSliceCount: 1 } }, 'slow')
    const fast = makeSlice('n1', ['z'], { pool: { name: 'b', generation: 1, resourceSliceCount: 1 } }, 'fast')
    const [result] = allocate({ slices: [slow, fast] }, claim(requests(2))) ?? []
    expect(result?.devices?.results).toEqual([
      { request: 'r0', driver: DRIVER, pool: 'b', device: 'z' },
      {
        request: 'r0',
        driver: DRIVER,
        pool: 'a',
        device: 'a',
        bindingConditions: ['ready'],
        bindingFailureConditions: ['bad'],
      },
    ])
  })
})

describe('a search without end', () => {
  /** Seven racks for sixteen devices: there is none, but seven are found in very many ways. */
  const hard = Array.from(
    { length: 40 },
    (_, i): Device => ({
      name: `d${i}`,
      attributes: { numa: { int: 1 }, rack: { int: i % 7 } },
    }),
  )
  const wanted = claim(requests(8, 8), {
    constraints: [{ distinctAttribute: 'gpu.example.com/rack' }, { matchAttribute: 'gpu.example.com/numa' }],
  })
  it('ends after so many steps', () => {
    expect(() => allocate({ slices: [makeSlice('n1', hard)] }, wanted)).toThrow(AllocationTimeout)
  })
  it('ends when its time is over', () => {
    expect(() => allocate({ slices: [makeSlice('n1', hard)], times: [0, 0, 1, 1, 3_000] }, wanted)).toThrow(
      AllocationTimeout,
    )
  })
})
