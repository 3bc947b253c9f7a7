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

describe('simulated nodes', () => {
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
})
