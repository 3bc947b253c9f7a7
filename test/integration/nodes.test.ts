/** Nodes that come, fall silent, come back and go, with the controllers that care, on a clock that is moved by hand. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeIpamController } from '#controllers/node-ipam/reconciler.ts'
import { nodeLifecycleController } from '#controllers/node-lifecycle/controller.ts'
import { podGarbageCollectorController } from '#controllers/pod-garbage-collector/controller.ts'
import { taintEvictionController } from '#controllers/taint-eviction/reconciler.ts'
import { ttlController } from '#controllers/ttl/reconciler.ts'
import { EVENTS, NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import { parseCidr } from '#machinery/meta/ip-address.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createNode, renewLease, setConditions, taintsOf } from '#test/support/nodes.ts'

const namespace = 'default'
const STEP_MS = 1_000

let clock: FakeClock
let plane: TestControlPlane

function network(text: string) {
  const cidr = parseCidr(text)
  if (cidr === undefined) throw new Error(`${text} is no CIDR`)
  return cidr
}

const controllers = () => [
  nodeLifecycleController,
  taintEvictionController,
  podGarbageCollectorController({ terminatedPodThreshold: 2 }),
  nodeIpamController({
    clusterNetworks: [
      { cidr: network('10.42.0.0/22'), nodeMaskBits: 24 },
      { cidr: network('2001:cafe:42::/56'), nodeMaskBits: 64 },
    ],
    serviceNetworks: [network('10.42.0.0/24')],
  }),
  ttlController,
]

beforeEach(async () => {
  clock = new FakeClock()
  plane = await startTestControlPlane({ clock, controllers })
  await plane.client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name: 'default' },
  })
})
afterEach(() => plane.stop())

/** Time passes; the named nodes renew their Leases meanwhile. */
async function pass(ms: number, alive: readonly string[] = []): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
    for (const name of alive) await renewLease(plane.client, clock, name)
    await clock.advanceInSteps(STEP_MS, STEP_MS / 2)
  }
}

/** Time passes until the assertion holds. */
const inTime = <T>(alive: readonly string[], assertion: () => Promise<T>): Promise<T> =>
  eventually(async () => {
    await pass(STEP_MS, alive)
    return assertion()
  }, 20_000)

async function readyNode(name: string, labels: Record<string, string> = {}): Promise<void> {
  await createNode(plane.client, name, labels)
  await renewLease(plane.client, clock, name)
  await setConditions(plane.client, clock, name, { Ready: 'True' })
  await eventually(async () => expect(await taintsOf(plane.client, name)).toEqual([]))
}

async function runningPod(name: string, nodeName: string, tolerations: Toleration[] = []): Promise<DeepReadonly<Pod>> {
  const spec = { nodeName, tolerations, containers: [{ name: 'c', image: 'i' }] }
  await plane.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name }, spec })
  const time = formatTime(clock.now())
  const conditions = ['Ready', 'PodScheduled'].map((type) => ({ type, status: 'True', lastTransitionTime: time }))
  const body = { status: { phase: 'Running', conditions } }
  return plane.client.patch(PODS, { namespace, name }, { type: 'strategic', body }, { subresource: 'status' })
}

const podCondition = async (name: string, type: string) =>
  (await plane.client.get(PODS, { namespace, name })).status?.conditions?.find((condition) => condition.type === type)
const nodeCondition = async (name: string, type: string) =>
  (await plane.client.get(NODES, { name })).status?.conditions?.find((condition) => condition.type === type)
const events = async (reason: string): Promise<string[]> =>
  (await plane.client.list(EVENTS)).items.filter((event) => event.reason === reason).map(({ message = '' }) => message)

describe('a node', () => {
  it('is tainted from its first moment until it is ready, and gets what nodes get', async () => {
    const created = await createNode(plane.client, 'n1', { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'arm64' })
    expect(created.spec?.taints).toMatchObject([{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
    await setConditions(plane.client, clock, 'n1', { Ready: 'False' })
    await eventually(async () => expect(await taintsOf(plane.client, 'n1')).toEqual(['not-ready:NoSchedule']))
    await setConditions(plane.client, clock, 'n1', { Ready: 'True' })
    await inTime(['n1'], async () => {
      expect(await taintsOf(plane.client, 'n1')).toEqual([])
      const { metadata, spec } = await plane.client.get(NODES, { name: 'n1' })
      expect(metadata.labels).toMatchObject({ 'beta.kubernetes.io/os': 'linux', 'beta.kubernetes.io/arch': 'arm64' })
      expect(metadata.annotations).toMatchObject({ 'node.alpha.kubernetes.io/ttl': '0' })
      // The first network belongs to services.
      expect(spec).toMatchObject({ podCIDR: '10.42.1.0/24', podCIDRs: ['10.42.1.0/24', '2001:cafe:42::/64'] })
      expect(await events('RegisteredNode')).toEqual(['Node n1 event: Registered Node n1 in Controller'])
    })
  })

  it('is tainted as its conditions and its owner say', async () => {
    await readyNode('n1')
    await setConditions(plane.client, clock, 'n1', { MemoryPressure: 'True', NetworkUnavailable: 'True' })
    const body = { spec: { unschedulable: true } }
    await plane.client.patch(NODES, { name: 'n1' }, { type: 'merge', body })
    await eventually(async () =>
      expect(await taintsOf(plane.client, 'n1')).toEqual([
        'memory-pressure:NoSchedule',
        'network-unavailable:NoSchedule',
        'unschedulable:NoSchedule',
      ]),
    )
    await setConditions(plane.client, clock, 'n1', { MemoryPressure: 'False', NetworkUnavailable: 'False' })
    await plane.client.patch(NODES, { name: 'n1' }, { type: 'merge', body: { spec: { unschedulable: null } } })
    await eventually(async () => expect(await taintsOf(plane.client, 'n1')).toEqual([]))
  })

  it('that falls silent is Unknown after its grace period, its Pods not ready; a Lease is enough to live', async () => {
    await readyNode('live')
    await readyNode('lost')
    await runningPod('p', 'lost')
    await pass(49_000, ['live'])
    expect(await nodeCondition('lost', 'Ready')).toMatchObject({ status: 'True' })
    await inTime(['live'], async () => {
      expect(await nodeCondition('lost', 'Ready')).toMatchObject({
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      })
      expect(await nodeCondition('lost', 'DiskPressure')).toMatchObject({ reason: 'NodeStatusNeverUpdated' })
      expect(await taintsOf(plane.client, 'lost')).toEqual(['unreachable:NoExecute', 'unreachable:NoSchedule'])
      expect(await podCondition('p', 'Ready')).toMatchObject({ status: 'False' })
      expect(await events('NodeNotReady')).toEqual(
        expect.arrayContaining(['Node lost status is now: NodeNotReady', 'Node is not ready']),
      )
    })
    const { spec } = await plane.client.get(NODES, { name: 'lost' })
    const taintedAt = spec?.taints?.find(({ effect }) => effect === 'NoExecute')?.timeAdded ?? ''
    const lostAt = (await nodeCondition('lost', 'Ready'))?.lastTransitionTime ?? ''
    // Not a look later.
    expect(Date.parse(taintedAt) - Date.parse(lostAt)).toBeLessThan(5_000)
    expect(await nodeCondition('live', 'Ready')).toMatchObject({ status: 'True' })
    // A Pod that lands there now is not ready either.
    await runningPod('late', 'lost')
    await setConditions(plane.client, clock, 'lost', { Ready: 'False' })
    await inTime(['live', 'lost'], async () =>
      expect(await taintsOf(plane.client, 'lost')).toEqual(['not-ready:NoExecute', 'not-ready:NoSchedule']),
    )
    await setConditions(plane.client, clock, 'lost', { Ready: 'True' })
    await inTime(['live', 'lost'], async () => expect(await taintsOf(plane.client, 'lost')).toEqual([]))
  })

  it('that never posted a status is Unknown after a minute', async () => {
    await readyNode('live')
    await createNode(plane.client, 'mute')
    await pass(59_000, ['live'])
    expect(await nodeCondition('mute', 'Ready')).toBeUndefined()
    await inTime(['live'], async () =>
      expect(await nodeCondition('mute', 'Ready')).toMatchObject({
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
      }),
    )
  })
})

describe('when every node is lost', () => {
  it('nobody is evicted: it is we who are cut off', async () => {
    await readyNode('a')
    await readyNode('b')
    await pass(40_000, ['b'])
    await inTime(['b'], async () =>
      expect(await taintsOf(plane.client, 'a')).toEqual(['unreachable:NoExecute', 'unreachable:NoSchedule']),
    )
    await inTime([], async () => {
      expect(await taintsOf(plane.client, 'a')).toEqual(['unreachable:NoSchedule'])
      expect(await taintsOf(plane.client, 'b')).toEqual(['unreachable:NoSchedule'])
    })
    await pass(30_000)
    expect(await taintsOf(plane.client, 'b')).toEqual(['unreachable:NoSchedule'])
    await setConditions(plane.client, clock, 'b', { Ready: 'True' })
    await inTime(['b'], async () => {
      expect(await taintsOf(plane.client, 'b')).toEqual([])
      expect(await taintsOf(plane.client, 'a')).toEqual(['unreachable:NoExecute', 'unreachable:NoSchedule'])
    })
  })
})

describe('a NoExecute taint', () => {
  const taint = (taints: object[] | null) =>
    plane.client.patch(NODES, { name: 'n1' }, { type: 'merge', body: { spec: { taints } } })
  const isGoing = async (name: string): Promise<boolean> =>
    (await plane.client.get(PODS, { namespace, name })).metadata.deletionTimestamp !== undefined
  const tolerates = (tolerationSeconds?: number): Toleration[] => [
    {
      key: 'k',
      operator: 'Exists',
      effect: 'NoExecute',
      ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
    },
  ]

  it('drives out who does not bear it, at once or when their time is over', async () => {
    await readyNode('n1')
    await runningPod('none', 'n1')
    await runningPod('some', 'n1', tolerates(60))
    await runningPod('all', 'n1', tolerates())
    await taint([{ key: 'k', effect: 'NoExecute' }])
    await eventually(async () => expect(await isGoing('none')).toBe(true))
    expect(await podCondition('none', 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    })
    await pass(58_000, ['n1'])
    expect(await isGoing('some')).toBe(false)
    await inTime(['n1'], async () => expect(await isGoing('some')).toBe(true))
    expect(await isGoing('all')).toBe(false)
    await eventually(async () =>
      expect(await events('TaintManagerEviction')).toEqual([
        'Marking for deletion Pod default/none',
        'Marking for deletion Pod default/some',
      ]),
    )
  })

  it('that goes in time has done nothing', async () => {
    await readyNode('n1')
    await runningPod('some', 'n1', tolerates(60))
    await taint([{ key: 'k', effect: 'NoExecute' }])
    await pass(30_000, ['n1'])
    await taint(null)
    await eventually(async () =>
      expect(await events('TaintManagerEviction')).toEqual(['Cancelling deletion of Pod default/some']),
    )
    await pass(60_000, ['n1'])
    expect(await isGoing('some')).toBe(false)
  })
})

describe('Pods nobody cleans up after', () => {
  const isThere = async (name: string): Promise<boolean> =>
    (await plane.client.get(PODS, { namespace, name }).catch(undefinedIfNotFound)) !== undefined

  it('go some time after their node has, and say that they failed', async () => {
    await readyNode('n1')
    await readyNode('n2')
    await runningPod('p', 'n2')
    // Seen while it goes: a finalizer keeps it.
    const finalizers = ['example.com/hold']
    await plane.client.patch(PODS, { namespace, name: 'p' }, { type: 'merge', body: { metadata: { finalizers } } })
    await pass(6_000, ['n1', 'n2'])
    await plane.client.delete(NODES, { name: 'n2' })
    await pass(38_000, ['n1'])
    expect((await plane.client.get(PODS, { namespace, name: 'p' })).metadata.deletionTimestamp).toBeUndefined()
    await inTime(['n1'], async () => {
      const { metadata, status } = await plane.client.get(PODS, { namespace, name: 'p' })
      expect(metadata.deletionTimestamp).toBeDefined()
      expect(status).toMatchObject({ phase: 'Failed', observedGeneration: 1 })
    })
    expect(await podCondition('p', 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
    })
    expect(await events('RemovingNode')).toEqual(['Node n2 event: Removing Node n2 from Controller'])
  })

  it('go at once when their node is declared out of service', async () => {
    await readyNode('n1')
    await readyNode('n2')
    await runningPod('p', 'n2')
    await plane.client.delete(PODS, { namespace, name: 'p' })
    expect(await isThere('p')).toBe(true)
    await setConditions(plane.client, clock, 'n2', { Ready: 'False' })
    const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }]
    await plane.client.patch(NODES, { name: 'n2' }, { type: 'merge', body: { spec: { taints } } })
    await inTime(['n1', 'n2'], async () => expect(await isThere('p')).toBe(false))
  })

  it('go, oldest first, when there are too many finished ones', async () => {
    await readyNode('n1')
    for (const name of ['a', 'b', 'c']) {
      await runningPod(name, 'n1')
      const body = { status: { phase: 'Succeeded' } }
      await plane.client.patch(PODS, { namespace, name }, { type: 'strategic', body }, { subresource: 'status' })
      await pass(1_000, ['n1'])
    }
    await inTime(['n1'], async () => expect(await isThere('a')).toBe(false))
    expect([await isThere('b'), await isThere('c')]).toEqual([true, true])
  })
})

describe('pod networks', () => {
  it('are given out once, and again when a node has gone', async () => {
    for (const name of ['a', 'b', 'c']) await createNode(plane.client, name)
    const cidr = async (name: string) => (await plane.client.get(NODES, { name })).spec?.podCIDR
    const given = await eventually(async () => {
      const all = await Promise.all(['a', 'b', 'c'].map(cidr))
      expect(all).not.toContain(undefined)
      return all
    })
    expect([...given].sort()).toEqual(['10.42.1.0/24', '10.42.2.0/24', '10.42.3.0/24'])
    await createNode(plane.client, 'd')
    await eventually(async () =>
      expect(await events('CIDRNotAvailable')).toEqual(['Node d status is now: CIDRNotAvailable']),
    )
    await plane.client.delete(NODES, { name: 'b' })
    await eventually(async () => expect(await cidr('d')).toBe(given[1]))
  })
})
