/** Pods with ResourceClaims from creation to end, with scheduler and claim controller, against a real control plane. */
import { afterEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { resourceClaimController } from '#controllers/resource-claim/reconciler.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import { EVENTS, NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Condition } from '#machinery/api/meta/v1.ts'
import {
  DEVICE_CLASSES,
  RESOURCE_CLAIM_TEMPLATES,
  RESOURCE_CLAIMS,
  RESOURCE_SLICES,
} from '#machinery/api/resource/v1/resources.gen.ts'
import type {
  Device,
  DeviceClaim,
  ResourceClaim,
  ResourceSlice,
  ResourceSliceSpec,
} from '#machinery/api/resource/v1/types.gen.ts'
import { DELETE_PROTECTION } from '#machinery/devices/pod-claims.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import {
  DRIVER,
  makeClaimTemplate,
  makeDeviceClass,
  makePodWithClaims,
  makeRequest,
  makeResourceClaim,
  makeSlice,
} from '#test/support/devices.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeNode } from '#test/support/scheduling.ts'

const namespace = 'default'
const CONTROLLERS = [resourceClaimController, schedulerComponent()]
let plane: TestControlPlane

afterEach(() => plane.stop())

async function start(options: Parameters<typeof startTestControlPlane>[0] = {}): Promise<void> {
  plane = await startTestControlPlane({ controllers: CONTROLLERS, ...options })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
}

async function addNode(name: string): Promise<void> {
  const node = makeNode({ name })
  await plane.client.create(NODES, node)
  await plane.client.patch(NODES, { name }, { type: 'merge', body: { status: node.status } }, { subresource: 'status' })
  await plane.client.patch(NODES, { name }, { type: 'merge', body: { spec: { taints: null } } })
}

const withoutUid = <T extends { metadata: object }>({ metadata, ...rest }: T): T => {
  const { uid: _uid, ...kept } = metadata as { uid?: string }
  return { ...rest, metadata: kept } as T
}

const addSlice = (node: string, devices: readonly (string | Device)[], spec: Partial<ResourceSliceSpec> = {}) =>
  plane.client.create(RESOURCE_SLICES, withoutUid(makeSlice(node, devices, spec)))
const addClaim = (name: string, devices?: DeviceClaim) =>
  plane.client.create(RESOURCE_CLAIMS, withoutUid(makeResourceClaim(name, devices)))
const pod = (name: string): Promise<DeepReadonly<Pod>> => plane.client.get(PODS, { namespace, name })
const claim = (name: string) => plane.client.get(RESOURCE_CLAIMS, { namespace, name })
const usingClaim = (name: string, resourceClaimName: string) =>
  plane.client.create(PODS, makePodWithClaims(name, [{ name: 'gpu', resourceClaimName }]))
const usingTemplate = (name: string, resourceClaimTemplateName = 'one') =>
  plane.client.create(PODS, makePodWithClaims(name, [{ name: 'gpu', resourceClaimTemplateName }]))

async function bound(name: string): Promise<string> {
  return eventually(async () => {
    const { nodeName } = (await pod(name)).spec
    expect(nodeName, name).toBeDefined()
    return nodeName ?? ''
  })
}

async function refused(name: string): Promise<string> {
  return eventually(async () => {
    const condition = (await pod(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled')
    expect(condition, name).toMatchObject({ status: 'False', reason: 'Unschedulable' })
    return condition?.message ?? ''
  })
}

async function claimOf(name: string): Promise<DeepReadonly<ResourceClaim>> {
  const [status] = (await pod(name)).status?.resourceClaimStatuses ?? []
  return claim(status?.resourceClaimName ?? '')
}

const devicesOf = ({ status }: DeepReadonly<ResourceClaim>): string[] =>
  (status?.allocation?.devices?.results ?? []).map(({ pool, device }) => `${pool}/${device}`)

async function finish(name: string): Promise<void> {
  const draft = deepCopy<Pod>(await pod(name))
  draft.status = { ...draft.status, phase: 'Succeeded' }
  await plane.client.update(PODS, draft, { subresource: 'status' })
}

async function prepare(...devices: string[]): Promise<void> {
  await addNode('n1')
  await plane.client.create(DEVICE_CLASSES, makeDeviceClass())
  await plane.client.create(RESOURCE_CLAIM_TEMPLATES, makeClaimTemplate('one'))
  if (devices.length > 0) await addSlice('n1', devices)
}

describe('a Pod with a claim of a template', () => {
  it('gets devices, runs, and gives them back', async () => {
    await start()
    await prepare('d0')
    await usingTemplate('a')
    expect(await bound('a')).toBe('n1')
    const { metadata, status } = await claimOf('a')
    expect(metadata.finalizers).toEqual([DELETE_PROTECTION])
    expect(status).toMatchObject({
      reservedFor: [{ resource: 'pods', name: 'a', uid: (await pod('a')).metadata.uid }],
      allocation: {
        allocationTimestamp: expect.stringMatching(/Z$/),
        devices: { results: [{ request: 'r0', driver: DRIVER, pool: 'n1', device: 'd0' }] },
        nodeSelector: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
        },
      },
    })
    await usingTemplate('b')
    expect(await refused('b')).toBe(
      '0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, ' +
        'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    )
    await finish('a')
    expect(await bound('b')).toBe('n1')
    await eventually(async () => {
      const { items } = await plane.client.list(RESOURCE_CLAIMS, { namespace })
      expect(items.map(devicesOf)).toEqual([['n1/d0']])
    })
  })

  it('waits for its class, for a slice, and for more devices', async () => {
    await start()
    await addNode('n1')
    await plane.client.create(
      RESOURCE_CLAIM_TEMPLATES,
      makeClaimTemplate('one', { requests: [makeRequest('r0', { count: 2 })] }),
    )
    await usingTemplate('a')
    expect(await refused('a')).toContain('request r0: device class gpu does not exist')
    await plane.client.create(DEVICE_CLASSES, makeDeviceClass())
    await eventually(async () => expect(await refused('a')).toContain('1 cannot allocate all claims'))
    const slice = deepCopy<ResourceSlice>(await addSlice('n1', ['d0']))
    slice.spec.devices = [{ name: 'd0' }, { name: 'd1' }]
    slice.spec.pool.generation++
    await plane.client.update(RESOURCE_SLICES, slice)
    await bound('a')
    expect(devicesOf(await claimOf('a'))).toEqual(['n1/d0', 'n1/d1'])
  })
})

describe('devices', () => {
  it('are never given twice, however many Pods come at once', async () => {
    await start()
    await prepare('d0', 'd1', 'd2')
    await addNode('n2')
    await addSlice('n2', ['d0', 'd1'])
    const names = Array.from({ length: 8 }, (_, i) => `p${i}`)
    await Promise.all(names.map((name) => usingTemplate(name)))
    await eventually(async () => {
      const { items } = await plane.client.list(PODS, { namespace })
      expect(items.filter(({ spec }) => spec.nodeName !== undefined)).toHaveLength(5)
    })
    const { items } = await plane.client.list(RESOURCE_CLAIMS, { namespace })
    expect(items.flatMap(devicesOf).sort()).toEqual(['n1/d0', 'n1/d1', 'n1/d2', 'n2/d0', 'n2/d1'])
    for (const { metadata, spec } of (await plane.client.list(PODS, { namespace })).items) {
      if (spec.nodeName === undefined) continue
      expect(devicesOf(await claimOf(metadata.name ?? ''))[0]).toMatch(new RegExp(`^${spec.nodeName}/`))
    }
  })

  it('of a claim of several Pods are where all of them are', async () => {
    await start()
    await prepare()
    await addNode('n2')
    await addSlice('n2', ['d0'])
    await addClaim('shared')
    for (const name of ['a', 'b']) await usingClaim(name, 'shared')
    expect([await bound('a'), await bound('b')]).toEqual(['n2', 'n2'])
    const users = async () => (await claim('shared')).status?.reservedFor?.map(({ name }) => name).sort()
    expect(await users()).toEqual(['a', 'b'])
    await finish('a')
    await eventually(async () => expect(await users()).toEqual(['b']))
    await finish('b')
    await eventually(async () => expect((await claim('shared')).status).toEqual({}))
  })

  it('are kept for their Pods over a restart in the middle', async () => {
    const storage = new MemoryStorage({ clock: systemClock })
    await start({ storage })
    await prepare('d0', 'd1')
    await usingTemplate('a')
    await bound('a')
    await plane.stop()
    plane = await startTestControlPlane({ storage, controllers: CONTROLLERS })
    for (const name of ['b', 'c']) await usingTemplate(name)
    const taken = await eventually(async () => {
      const { items } = await plane.client.list(RESOURCE_CLAIMS, { namespace })
      expect(items.filter(({ status }) => status?.allocation !== undefined)).toHaveLength(2)
      return items.flatMap(devicesOf)
    })
    expect(taken.sort()).toEqual(['n1/d0', 'n1/d1'])
  })
})

describe('a restart between two writes', () => {
  const storage = () => new MemoryStorage({ clock: systemClock })
  /** As the scheduler that went had left things. */
  async function leave(kept: MemoryStorage, claimed: Partial<ResourceClaim['status']> | undefined): Promise<void> {
    plane = await startTestControlPlane({ storage: kept })
    const metadata = { name: 'default', namespace }
    await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    await prepare('d0', 'd1')
    await addClaim('mine')
    const { uid = '' } = (await usingClaim('a', 'mine')).metadata
    let draft = deepCopy<ResourceClaim>(await claim('mine'))
    draft.metadata.finalizers = [DELETE_PROTECTION]
    draft = deepCopy<ResourceClaim>(await plane.client.update(RESOURCE_CLAIMS, draft))
    if (claimed !== undefined) {
      draft.status = { ...claimed, reservedFor: [{ resource: 'pods', name: 'a', uid }] }
      await plane.client.update(RESOURCE_CLAIMS, draft, { subresource: 'status' })
    }
    await plane.stop()
    plane = await startTestControlPlane({ storage: kept, controllers: CONTROLLERS })
  }

  it('goes on with a claim that has its finalizer only', async () => {
    await leave(storage(), undefined)
    await bound('a')
    expect((await claim('mine')).metadata.finalizers).toEqual([DELETE_PROTECTION])
    expect(devicesOf(await claim('mine'))).toEqual(['n1/d0'])
  })

  it('goes on with a claim that has its devices, and gives them to nobody else', async () => {
    await leave(storage(), {
      allocation: { devices: { results: [{ request: 'r0', driver: DRIVER, pool: 'n1', device: 'd1' }] } },
    })
    for (const name of ['b', 'c']) await usingTemplate(name)
    await bound('a')
    expect(devicesOf(await claim('mine'))).toEqual(['n1/d1'])
    await eventually(async () => {
      const { items } = await plane.client.list(RESOURCE_CLAIMS, { namespace })
      expect(items.flatMap(devicesOf).sort()).toEqual(['n1/d0', 'n1/d1'])
    })
  })
})

it('waits for a claim somebody else has to make, without a word in its status', async () => {
  await start()
  await prepare('d0')
  await usingClaim('a', 'mine')
  await usingTemplate('b')
  await bound('b')
  expect((await pod('a')).status?.conditions).toBeUndefined()
  await finish('b')
  await addClaim('mine')
  await bound('a')
})

it('gives up an idle allocation that keeps the Pod from every node', async () => {
  await start()
  await prepare()
  await addNode('n2')
  await addSlice('n1', ['d0'])
  await addSlice('n2', ['d0'])
  await addClaim('mine')
  const draft = deepCopy<ResourceClaim>(await claim('mine'))
  draft.status = {
    allocation: {
      devices: { results: [{ request: 'r0', driver: DRIVER, pool: 'n1', device: 'd0' }] },
      nodeSelector: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
      },
    },
  }
  await plane.client.update(RESOURCE_CLAIMS, draft, { subresource: 'status' })
  await plane.client.create(
    PODS,
    makePodWithClaims('a', [{ name: 'gpu', resourceClaimName: 'mine' }], {
      nodeSelector: { 'kubernetes.io/hostname': 'n2' },
    }),
  )
  expect(await bound('a')).toBe('n2')
  expect(devicesOf(await claim('mine'))).toEqual(['n2/d0'])
})

describe('devices that must be made ready', () => {
  const gpu: Device = { name: 'd0', bindingConditions: ['attached'], bindingFailureConditions: ['broken'] }
  async function report(type: string): Promise<void> {
    const draft = deepCopy<ResourceClaim>(await claim('mine'))
    const conditions: Condition[] = [
      { type, status: 'True', reason: 'Told', message: 'so', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ]
    draft.status = { ...draft.status, devices: [{ driver: DRIVER, pool: 'n1', device: 'd0', conditions }] }
    await plane.client.update(RESOURCE_CLAIMS, draft, { subresource: 'status' })
  }
  const allocated = () => eventually(async () => expect(devicesOf(await claim('mine'))).toEqual(['n1/d0']))

  it('hold the Pod until they are', async () => {
    await start()
    await prepare()
    await addSlice('n1', [gpu])
    await addClaim('mine')
    await usingClaim('a', 'mine')
    await allocated()
    await eventually(async () => {
      const { items } = await plane.client.list(EVENTS, { namespace, fieldSelector: 'involvedObject.name=a' })
      expect(items.map(({ reason, message }) => `${reason}: ${message}`)).toContain(
        'BindingConditionsPending: waiting for binding conditions for device on node n1',
      )
    })
    expect((await pod('a')).spec.nodeName).toBeUndefined()
    await report('attached')
    expect(await bound('a')).toBe('n1')
  })

  it('are given up when the driver cannot', async () => {
    await start()
    await prepare()
    await addSlice('n1', [gpu])
    await addClaim('mine')
    await usingClaim('a', 'mine')
    await allocated()
    const first = (await claim('mine')).status?.allocation?.allocationTimestamp
    expect(first).toBeDefined()
    await report('broken')
    // Deallocated, and allocated again: there is no other device.
    await eventually(async () => {
      const { status } = await claim('mine')
      expect(status?.devices).toBeUndefined()
      expect(status?.reservedFor?.map(({ name }) => name)).toEqual(['a'])
    })
    await report('attached')
    expect(await bound('a')).toBe('n1')
  })
})

it('asks for nothing with a claim that says nothing, and holds it for the Pod', async () => {
  await start()
  await prepare()
  await plane.client.create(RESOURCE_CLAIMS, {
    ...makeResourceClaim('empty'),
    spec: {},
    metadata: { name: 'empty', namespace },
  })
  await usingClaim('a', 'empty')
  expect(await bound('a')).toBe('n1')
  expect((await claim('empty')).status?.reservedFor?.map(({ name }) => name)).toEqual(['a'])
})

describe('selectors', () => {
  const select = (expression: string) => [{ cel: { expression } }]
  const memory = (name: string, value: string): Device => ({ name, capacity: { memory: { value } } })

  it('choose by what drivers publish', async () => {
    await start()
    await addNode('n1')
    await plane.client.create(
      DEVICE_CLASSES,
      makeDeviceClass('gpu', { selectors: select('device.driver == "gpu.example.com"') }),
    )
    await addSlice('n1', [memory('small', '10Gi'), memory('large', '80Gi')])
    const expression = 'device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) >= 0'
    await addClaim('mine', { requests: [makeRequest('r0', { selectors: select(expression) })] })
    await usingClaim('a', 'mine')
    await bound('a')
    expect(devicesOf(await claim('mine'))).toEqual(['n1/large'])
  })

  it('that fail are told to the user', async () => {
    await start()
    await prepare('d0')
    await addClaim('mine', {
      requests: [makeRequest('r0', { selectors: select('device.attributes["x.example.com"].y == 1') })],
    })
    await usingClaim('a', 'mine')
    await eventually(async () => {
      const condition = (await pod('a')).status?.conditions?.find(({ type }) => type === 'PodScheduled')
      expect(condition).toMatchObject({ status: 'False', reason: 'SchedulerError' })
      expect(condition?.message).toContain(
        'running "DynamicResources" filter plugin: claim default/mine: selector #0: CEL runtime error: no such key: y',
      )
    })
  })
})

describe('extended resources that a class stands for', () => {
  const GPU = 'example.com/gpu'
  const asking = (name: string, amount = '1') =>
    plane.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: {
        containers: [{ name: 'c', image: 'i', resources: { requests: { [GPU]: amount }, limits: { [GPU]: amount } } }],
      },
    })

  it('are devices where the node has none of its own', async () => {
    await start()
    await addNode('n1')
    await addSlice('n1', ['d0', 'd1'])
    await asking('a', '2')
    expect(await refused('a')).toContain(`1 Insufficient ${GPU}`)
    await plane.client.create(DEVICE_CLASSES, makeDeviceClass('gpu', { extendedResourceName: GPU }))
    expect(await bound('a')).toBe('n1')
    const { extendedResourceClaimStatus } = (await pod('a')).status ?? {}
    expect(extendedResourceClaimStatus).toEqual({
      requestMappings: [{ containerName: 'c', resourceName: GPU, requestName: 'container-0-request-0' }],
      resourceClaimName: expect.stringMatching(/^a-extended-resources-[a-z0-9]{5}$/),
    })
    const made = await claim(extendedResourceClaimStatus?.resourceClaimName ?? '')
    expect(made).toMatchObject({
      metadata: {
        annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
        ownerReferences: [{ kind: 'Pod', name: 'a', controller: true }],
        finalizers: [DELETE_PROTECTION],
      },
      spec: {
        devices: {
          requests: [
            {
              name: 'container-0-request-0',
              exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 },
            },
          ],
        },
      },
      status: { reservedFor: [{ resource: 'pods', name: 'a' }] },
    })
    expect(devicesOf(made)).toEqual(['n1/d0', 'n1/d1'])
    await asking('b')
    expect(await refused('b')).toContain('1 cannot allocate all claims')
    await finish('a')
    await bound('b')
  })

  it('are the node’s own where it has some', async () => {
    await start()
    await addNode('n1')
    await plane.client.create(DEVICE_CLASSES, makeDeviceClass('gpu', { extendedResourceName: GPU }))
    const body = { status: { capacity: { [GPU]: '1' }, allocatable: { [GPU]: '1' } } }
    await plane.client.patch(NODES, { name: 'n1' }, { type: 'strategic', body }, { subresource: 'status' })
    await asking('a')
    expect(await bound('a')).toBe('n1')
    expect((await plane.client.list(RESOURCE_CLAIMS, { namespace })).items).toEqual([])
    await asking('b')
    expect(await refused('b')).toContain(`1 Insufficient ${GPU}`)
  })

  it('find what an earlier attempt left behind, and start anew', async () => {
    await start()
    await addNode('n1')
    await addSlice('n1', ['d0'])
    await asking('a')
    await refused('a')
    const { uid = '' } = (await pod('a')).metadata
    await plane.client.create(RESOURCE_CLAIMS, {
      ...makeResourceClaim('left'),
      metadata: {
        name: 'left',
        namespace,
        annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid, controller: true }],
      },
    })
    await plane.client.create(DEVICE_CLASSES, makeDeviceClass('gpu', { extendedResourceName: GPU }))
    await bound('a')
    const { items } = await plane.client.list(RESOURCE_CLAIMS, { namespace })
    expect(items.map(({ metadata }) => metadata.name)).toEqual([
      (await pod('a')).status?.extendedResourceClaimStatus?.resourceClaimName,
    ])
  })
})

describe('what the scheduler writes passes validation', () => {
  it('for parts of a shared device, tolerated taints and configuration', async () => {
    await start()
    await prepare()
    const opaque = (value: string) => ({ opaque: { driver: DRIVER, parameters: { value } } })
    await plane.client.create(DEVICE_CLASSES, makeDeviceClass('nic', { config: [opaque('class')] }))
    const nic: Device = {
      name: 'nic',
      allowMultipleAllocations: true,
      capacity: { bandwidth: { value: '10', requestPolicy: { default: '2', validRange: { min: '1', step: '1' } } } },
      taints: [{ key: 'slow', effect: 'NoSchedule' }],
    }
    await addSlice('n1', [nic])
    const request = makeRequest('r0', {
      deviceClassName: 'nic',
      capacity: { requests: { bandwidth: '4' } },
      tolerations: [{ key: 'slow', operator: 'Exists' }],
    })
    for (const name of ['a', 'b', 'c']) {
      await addClaim(name, { requests: [request], config: [opaque('claim')] })
      await usingClaim(name, name)
    }
    await eventually(async () => {
      const { items } = await plane.client.list(PODS, { namespace })
      expect(items.filter(({ spec }) => spec.nodeName !== undefined)).toHaveLength(2)
    })
    const { items } = await plane.client.list(RESOURCE_CLAIMS, { namespace })
    const allocations = items.flatMap(({ status }) => status?.allocation?.devices ?? [])
    expect(allocations).toHaveLength(2)
    for (const { results, config } of allocations) {
      expect(results).toMatchObject([
        {
          device: 'nic',
          consumedCapacity: { bandwidth: '4' },
          shareID: expect.any(String),
          tolerations: [{ key: 'slow' }],
        },
      ])
      expect(config).toMatchObject([
        { source: 'FromClass', requests: ['r0'], ...opaque('class') },
        { source: 'FromClaim', ...opaque('claim') },
      ])
    }
  })

  it('for partitions of a device', async () => {
    await start()
    await prepare()
    const pool = { name: 'n1', generation: 1, resourceSliceCount: 2 }
    const uses = (name: string, memory: string): Device => ({
      name,
      consumesCounters: [{ counterSet: 'gpu', counters: { memory: { value: memory } } }],
    })
    const { metadata: _metadata, ...counters } = makeSlice('n1', [], { pool })
    const { devices: _devices, ...spec } = counters.spec
    const sharedCounters = [{ name: 'gpu', counters: { memory: { value: '40Gi' } } }]
    await plane.client.create(RESOURCE_SLICES, {
      ...counters,
      metadata: { name: 'counters' },
      spec: { ...spec, sharedCounters },
    })
    await addSlice('n1', [uses('half-0', '20Gi'), uses('half-1', '20Gi'), uses('whole', '40Gi')], { pool })
    for (const name of ['a', 'b', 'c']) await usingTemplate(name)
    await eventually(async () => {
      const { items } = await plane.client.list(RESOURCE_CLAIMS, { namespace })
      expect(items.flatMap(devicesOf).sort()).toEqual(['n1/half-0', 'n1/half-1'])
    })
  })
})
