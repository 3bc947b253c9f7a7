/** Simulated nodes against a real control plane: what other parts and users see of them. Pods are bound by hand. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { startSimulatedNodes, type TestNodes, type TestNodesOptions } from '#test/support/simulated-nodes.ts'

const namespace = 'default'
let clock: FakeClock
let plane: TestControlPlane
let nodes: TestNodes | undefined

beforeEach(async () => {
  clock = new FakeClock()
  plane = await startTestControlPlane({ clock })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
})
afterEach(async () => {
  await nodes?.stop()
  nodes = undefined
  await plane.stop()
})

async function start(options: Omit<TestNodesOptions, 'clock'> = {}): Promise<TestNodes> {
  nodes = await startSimulatedNodes(plane.client, { ...options, clock })
  return nodes
}

interface PodOptions {
  readonly annotations?: Record<string, string>
  readonly spec?: Partial<PodSpec>
  readonly metadata?: Pod['metadata']
}

const ANNOTATION = 'simulated.knarr.io/'

function createPod(name: string, { annotations = {}, spec, metadata }: PodOptions = {}): Promise<DeepReadonly<Pod>> {
  const own = Object.entries(annotations).map(([key, value]) => [ANNOTATION + key, value])
  return plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, annotations: Object.fromEntries(own), ...metadata },
    spec: { nodeName: 'node-0', containers: [{ name: 'c', image: 'i' }], ...spec },
  })
}

const getPod = (name: string): Promise<DeepReadonly<Pod>> => plane.client.get(PODS, { namespace, name })

/** The Pod, once the assertion holds; time moves on meanwhile in steps of `stepMs`. */
function eventuallyPod(
  name: string,
  assertion: (pod: DeepReadonly<Pod>) => void,
  stepMs = 0,
): Promise<DeepReadonly<Pod>> {
  return eventually(async () => {
    clock.advance(stepMs)
    const pod = await getPod(name)
    assertion(pod)
    return pod
  })
}

const condition = ({ status }: DeepReadonly<Pod>, type: string) =>
  status?.conditions?.find((candidate) => candidate.type === type)

describe('simulated nodes and their pods', () => {
  it('register Ready, labelled as simulated, with a lease each', async () => {
    const { names } = await start({ nodes: 3 })
    for (const name of names) {
      const node = await plane.client.get(NODES, { name })
      expect(node.metadata.labels).toMatchObject({ 'knarr.io/simulated': 'true', 'kubernetes.io/hostname': name })
      expect(node.status?.nodeInfo).toMatchObject({ kubeletVersion: 'v1.36.0-simulated' })
      expect(node.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
        'MemoryPressure=False',
        'DiskPressure=False',
        'PIDPressure=False',
        'Ready=True',
      ])
      const lease = await eventually(() => plane.client.get(LEASES, { namespace: 'kube-node-lease', name }))
      expect(lease.spec).toMatchObject({ holderIdentity: name, leaseDurationSeconds: 40 })
    }
  })

  it('run a pod at once', async () => {
    await start()
    await createPod('web')
    const pod = await eventuallyPod('web', ({ status }) => expect(status?.phase).toBe('Running'))
    expect(pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ])
    expect(pod.status?.containerStatuses?.[0]).toMatchObject({ name: 'c', ready: true, started: true, restartCount: 0 })
    expect(pod.status?.containerStatuses?.[0]?.containerID).toMatch(/^simulated:\/\/[0-9a-f]{64}$/)
    expect(pod.status).toMatchObject({ hostIP: '198.18.0.2', podIP: '100.64.0.2', qosClass: 'BestEffort' })
  })

  it('remove a deleted pod', async () => {
    await start()
    await createPod('web')
    await eventuallyPod('web', ({ status }) => expect(status?.phase).toBe('Running'))
    await plane.client.delete(PODS, { namespace, name: 'web' })
    await eventually(async () => expect(await getPod('web').catch(isNotFound)).toBe(true))
  })

  it('complete the pods of a Job', async () => {
    await start()
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u', controller: true }
    await createPod('work', { metadata: { ownerReferences: [owner] }, spec: { restartPolicy: 'Never' } })
    const pod = await eventuallyPod('work', ({ status }) => expect(status?.phase).toBe('Succeeded'))
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' })
    expect(condition(pod, 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' })
  })

  it('write the start of a pod once', async () => {
    await start()
    const created = await createPod('web')
    const stop = new AbortController()
    const phases: string[] = []
    const { resourceVersion = '' } = created.metadata
    for await (const { type, object } of plane.client.watch(PODS, {
      namespace,
      resourceVersion,
      signal: stop.signal,
    })) {
      phases.push(`${type} ${object.status?.phase}`)
      if (type === 'MODIFIED' && object.metadata.deletionTimestamp === undefined && object.status?.phase === 'Running')
        await plane.client.delete(PODS, { namespace, name: 'web' })
      if (type === 'DELETED') stop.abort()
    }
    // Running; marked for deletion; its containers ended; gone.
    expect(phases).toEqual(['MODIFIED Running', 'MODIFIED Running', 'MODIFIED Succeeded', 'DELETED Succeeded'])
  })

  it('leave a deleted pod to its finalizers, with its end reported', async () => {
    await start()
    await createPod('held', { spec: { restartPolicy: 'Never' }, metadata: { finalizers: ['example.dev/hold'] } })
    await eventuallyPod('held', ({ status }) => expect(status?.phase).toBe('Running'))
    await plane.client.delete(PODS, { namespace, name: 'held' })
    const pod = await eventuallyPod('held', ({ status }) => expect(status?.phase).toBe('Failed'))
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(143)
    await plane.client.patch(
      PODS,
      { namespace, name: 'held' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    )
    await eventually(async () => expect(await getPod('held').catch(isNotFound)).toBe(true))
  })

  it('restart a container that crashes, with backoff', async () => {
    await start()
    await createPod('crash', { annotations: { 'run-duration': '1s', 'exit-code': '1' } })
    await eventuallyPod('crash', ({ status }) => expect(status?.phase).toBe('Running'))
    const pod = await eventuallyPod(
      'crash',
      ({ status }) => expect(status?.containerStatuses?.[0]?.restartCount).toBe(2),
      1_000,
    )
    expect(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(1)
    expect(pod.status?.phase).toBe('Running')
  })

  it('keep the conditions of others and wait for readiness gates', async () => {
    await start()
    await createPod('gated', { spec: { readinessGates: [{ conditionType: 'example.dev/gate' }] } })
    const waiting = await eventuallyPod('gated', ({ status }) => expect(status?.phase).toBe('Running'))
    expect(condition(waiting, 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady' })
    const gate = { type: 'example.dev/gate', status: 'True' }
    await plane.client.patch(
      PODS,
      { namespace, name: 'gated' },
      { type: 'strategic', body: { status: { conditions: [gate] } } },
      { subresource: 'status' },
    )
    const ready = await eventuallyPod('gated', (pod) => expect(condition(pod, 'Ready')?.status).toBe('True'))
    expect(condition(ready, 'Ready')).not.toHaveProperty('reason')
    expect(condition(ready, 'example.dev/gate')).toMatchObject(gate)
  })

  it.each<[string, Partial<PodSpec>, string, string]>([
    [
      'more CPU than there is',
      { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '33' } } }] },
      'OutOfcpu',
      "Pod was rejected: Node didn't have enough resource: cpu, requested: 33000, used: 0, capacity: 32000",
    ],
    [
      'other labels',
      { nodeSelector: { zone: 'b' } },
      'NodeAffinity',
      "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    ],
    [
      'another system',
      { os: { name: 'windows' } },
      'PodOSNotSupported',
      "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS",
    ],
  ])('refuse a pod that wants %s', async (_what, spec, reason, message) => {
    await start()
    await createPod('wrong', { spec })
    const pod = await eventuallyPod('wrong', ({ status }) => expect(status?.phase).toBe('Failed'))
    expect(pod.status).toMatchObject({ reason, message })
    expect(pod.status?.containerStatuses).toBeUndefined()
  })

  it('take a pod in for a label set just before', async () => {
    await start()
    for (let i = 0; i < 10; i++) {
      const body = { metadata: { labels: { wanted: `${i}` } } }
      await plane.client.patch(NODES, { name: 'node-0' }, { type: 'merge', body })
      await createPod(`p${i}`, { spec: { nodeSelector: { wanted: `${i}` } } })
      await eventuallyPod(`p${i}`, ({ status }) => expect(status?.phase).toBe('Running'))
    }
  })

  it('take no more pods than their capacity, and free it again', async () => {
    await start({ nodes: [{ name: 'node-0', capacity: { pods: '1' } }] })
    await createPod('first')
    await eventuallyPod('first', ({ status }) => expect(status?.phase).toBe('Running'))
    await createPod('second')
    await eventuallyPod('second', ({ status }) => expect(status?.reason).toBe('OutOfpods'))
    await plane.client.delete(PODS, { namespace, name: 'first' })
    await eventually(async () => expect(await getPod('first').catch(isNotFound)).toBe(true))
    await createPod('third')
    await eventuallyPod('third', ({ status }) => expect(status?.phase).toBe('Running'))
  })

  it('give pods addresses of the node network when there is one', async () => {
    await start()
    const node = await plane.client.get(NODES, { name: 'node-0' })
    await plane.client.update(NODES, {
      ...node,
      spec: { ...node.spec, podCIDR: '10.42.7.0/24', podCIDRs: ['10.42.7.0/24'] },
    })
    await createPod('host', { spec: { hostNetwork: true } })
    const host = await eventuallyPod('host', ({ status }) => expect(status?.podIP).toBeDefined())
    expect(host.status?.podIP).toBe(host.status?.hostIP)
    // The node's cache may be behind its network for a moment: pods until then have another address.
    await eventually(async () => {
      clock.advance(1)
      const name = `web-${clock.monotonicMs()}`
      await createPod(name)
      const { status } = await eventuallyPod(name, (pod) => expect(pod.status?.podIP).toBeDefined())
      expect(status?.podIP).toMatch(/^10\.42\.7\./)
    })
  })

  it('make a running pod unready and ready again when its annotation says so', async () => {
    await start()
    await createPod('web')
    const ready = (value: string | null): Promise<unknown> => {
      const body = { metadata: { annotations: { [`${ANNOTATION}ready`]: value } } }
      return plane.client.patch(PODS, { namespace, name: 'web' }, { type: 'merge', body })
    }
    await eventuallyPod('web', (pod) => expect(condition(pod, 'Ready')?.status).toBe('True'))
    await ready('false')
    await eventuallyPod('web', (pod) => expect(condition(pod, 'Ready')?.status).toBe('False'))
    await ready(null)
    await eventuallyPod('web', (pod) => expect(condition(pod, 'Ready')?.status).toBe('True'))
  })

  it('renew their leases, until told to stop and after told to go on', async () => {
    const { alive } = await start()
    const key = { namespace: 'kube-node-lease', name: 'node-0' }
    const renewal = async () => (await plane.client.get(LEASES, key)).spec?.renewTime ?? ''
    const first = await eventually(renewal)
    await eventually(async () => {
      clock.advance(1_000)
      expect((await renewal()) > first).toBe(true)
    })
    const heartbeat = (value: string | null): Promise<unknown> => {
      const body = { metadata: { annotations: { 'simulated.knarr.io/heartbeat': value } } }
      return plane.client.patch(NODES, { name: 'node-0' }, { type: 'merge', body })
    }
    await heartbeat('stopped')
    await eventually(() => expect(alive()).toBe(0))
    await createPod('stuck')
    // What the node still had under way ends; then nothing is written however far time goes.
    await clock.advanceInSteps(30_000, 1_000)
    const last = await renewal()
    await clock.advanceInSteps(60_000, 1_000)
    expect(await renewal()).toBe(last)
    expect((await getPod('stuck')).status?.phase).toBe('Pending')
    await heartbeat(null)
    await eventuallyPod('stuck', ({ status }) => expect(status?.phase).toBe('Running'))
    await eventually(async () => expect((await renewal()) > last).toBe(true))
  })

  it('say they are Ready again when somebody took them for dead', async () => {
    await start()
    const body = { status: { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }] } }
    const key = { name: 'node-0' }
    await plane.client.patch(NODES, key, { type: 'strategic', body }, { subresource: 'status' })
    await eventually(async () => {
      const { status } = await plane.client.get(NODES, key)
      expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
        status: 'True',
        reason: 'KubeletReady',
      })
    })
  })

  it('offer resources that others give them, and no longer those that others take', async () => {
    await start()
    const key = { name: 'node-0' }
    const give = (capacity: Record<string, string | null>) =>
      plane.client.patch(NODES, key, { type: 'merge', body: { status: { capacity } } }, { subresource: 'status' })
    /** Well before they would report anyway. */
    const offeredSoon = async (amount: string | undefined): Promise<void> => {
      let seconds = 0
      await eventually(async () => {
        if (seconds++ < 30) clock.advance(1_000)
        const { status } = await plane.client.get(NODES, key)
        expect(status?.allocatable?.['example.com/dongle']).toBe(amount)
      })
    }
    await give({ 'example.com/dongle': '4' })
    await offeredSoon('4')
    await give({ 'example.com/dongle': null })
    await offeredSoon(undefined)
  })

  it('stay away when they are deleted', async () => {
    const { alive } = await start()
    await plane.client.delete(NODES, { name: 'node-0' })
    await eventually(() => expect(alive()).toBe(0))
    await createPod('orphan')
    await clock.advanceInSteps(60_000, 1_000)
    expect(await plane.client.get(NODES, { name: 'node-0' }).catch(isNotFound)).toBe(true)
    expect((await getPod('orphan')).status?.phase).toBe('Pending')
  })

  it('go on with their pods after a restart', async () => {
    const first = await start()
    await createPod('web')
    await createPod('work', { annotations: { 'run-duration': '20s' }, spec: { restartPolicy: 'Never' } })
    for (const name of ['web', 'work']) await eventuallyPod(name, ({ status }) => expect(status?.phase).toBe('Running'))
    const before = await getPod('web')
    await first.stop()
    clock.advance(5_000)
    await start()
    await createPod('new')
    const fresh = await eventuallyPod('new', ({ status }) => expect(status?.podIP).toBeDefined())
    expect([before.status?.podIP, (await getPod('work')).status?.podIP]).not.toContain(fresh.status?.podIP)
    const work = await eventuallyPod('work', ({ status }) => expect(status?.phase).toBe('Succeeded'), 1_000)
    expect(work.status?.containerStatuses?.[0]?.restartCount).toBe(0)
    expect(await getPod('web')).toEqual(before)
  })

  it('keep after a restart the pods they had, whatever was bound meanwhile', async () => {
    const options = { nodes: [{ name: 'node-0', capacity: { pods: '1' } }] }
    const first = await start(options)
    await createPod('z-first')
    await eventuallyPod('z-first', ({ status }) => expect(status?.phase).toBe('Running'))
    await first.stop()
    await createPod('a-second')
    await start(options)
    await eventuallyPod('a-second', ({ status }) => expect(status?.reason).toBe('OutOfpods'))
    expect((await getPod('z-first')).status?.phase).toBe('Running')
  })
})
