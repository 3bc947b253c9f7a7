import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import { NAMESPACES, PODS, SERVICE_ACCOUNTS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Namespace, Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import { FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS } from '#machinery/api/flowcontrol/v1/resources.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import { PRIORITY_CLASSES } from '#machinery/api/scheduling/v1/resources.gen.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { bootstrapObjects } from './bootstrap.ts'

const config = { serviceCidr: '10.43.0.0/16' }
const { signal } = new AbortController()

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane()
  await bootstrapObjects(plane.client, config, signal)
})
afterAll(() => plane.stop())

async function refusal(run: Promise<unknown>): Promise<unknown> {
  return run.then(
    () => undefined,
    (err: unknown) => err,
  )
}

describe('bootstrapObjects', () => {
  it('makes the objects every cluster starts with', async () => {
    const { client } = plane
    const namespaces = await client.list(NAMESPACES)
    expect(namespaces.items.map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(['default', 'kube-node-lease', 'kube-public', 'kube-system']),
    )
    const service = await client.get(SERVICES, { namespace: 'default', name: 'kubernetes' })
    expect(service.spec.clusterIP).toBe('10.43.0.1')
    const classes = await client.list(PRIORITY_CLASSES)
    expect(classes.items.map(({ metadata }) => metadata.name)).toEqual([
      'system-cluster-critical',
      'system-node-critical',
    ])
    expect((await client.list(FLOW_SCHEMAS)).items).toHaveLength(11)
    expect((await client.list(PRIORITY_LEVEL_CONFIGURATIONS)).items).toHaveLength(8)
  })
})

it('puts back what an administrator deletes, within a minute', async () => {
  const clock = new FakeClock()
  const short = await startTestControlPlane({ clock })
  try {
    await short.client.delete(FLOW_SCHEMAS, { name: 'probes' })
    const isBack = async (): Promise<boolean> =>
      (await short.client.list(FLOW_SCHEMAS)).items.some(({ metadata }) => metadata.name === 'probes')
    expect(await isBack()).toBe(false)
    await clock.advanceInSteps(60_000, 5_000)
    await eventually(async () => expect(await isBack()).toBe(true))
  } finally {
    await short.stop()
  }
})

describe('kinds with a life of their own', () => {
  it('a namespace stays Terminating until it is finalized', async () => {
    const { client } = plane
    const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gone' }, spec: {} }
    const created = await client.create(NAMESPACES, namespace)
    expect(created).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } })
    expect(created.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'gone' })
    await client.delete(NAMESPACES, { name: 'gone' })
    const going = await client.get(NAMESPACES, { name: 'gone' })
    expect(going.status?.phase).toBe('Terminating')
    await client.update(NAMESPACES, { ...going, spec: {} }, { subresource: 'finalize' })
    expect(isNotFound(await refusal(client.get(NAMESPACES, { name: 'gone' })))).toBe(true)
  })

  it('a pod is bound once, and goes at once while nobody runs it', async () => {
    const { client } = plane
    const pod: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'kube-public' },
      spec: { containers: [{ name: 'c', image: 'a:1' }], automountServiceAccountToken: false, serviceAccountName: 'x' },
    }
    const key = { namespace: 'kube-public', name: 'p' }
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x', namespace: 'kube-public' } }
    await client.create(SERVICE_ACCOUNTS, account)
    const admitted = await client.create(PODS, pod)
    expect(admitted.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } }
    await client.createSubresource(PODS, key, 'binding', binding)
    const bound = await client.get(PODS, key)
    expect(bound.spec.nodeName).toBe('n1')
    expect(bound.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }])
    expect(isConflict(await refusal(client.createSubresource(PODS, key, 'binding', binding)))).toBe(true)
    await client.delete(PODS, key, { gracePeriodSeconds: 0 })
    expect(isNotFound(await refusal(client.get(PODS, key)))).toBe(true)
  })

  it('a running pod is evicted only as far as its budget allows', async () => {
    const { client } = plane
    const key = { namespace: 'kube-public', name: 'guarded' }
    const metadata = { ...key, labels: { app: 'guarded' } }
    await client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'y', namespace: key.namespace },
    })
    const spec = { containers: [{ name: 'c', image: 'a:1' }], serviceAccountName: 'y', nodeName: 'n1' }
    const pod = await client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
    const conditions = [{ type: 'Ready', status: 'True' }]
    await client.update(PODS, { ...pod, status: { phase: 'Running', conditions } }, { subresource: 'status' })
    const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { ...key } }
    const guarded = { ...budget, spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } } }
    const stored = await client.create(POD_DISRUPTION_BUDGETS, guarded)
    const full = { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, observedGeneration: 1 }
    const blocked = await client.update(POD_DISRUPTION_BUDGETS, { ...stored, status: full }, { subresource: 'status' })
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { ...key } }
    const err = await refusal(client.createSubresource(PODS, key, 'eviction', eviction))
    expect(err).toMatchObject({ code: 429, status: { details: { causes: [{ reason: 'DisruptionBudget' }] } } })
    await client.update(
      POD_DISRUPTION_BUDGETS,
      { ...blocked, status: { ...full, disruptionsAllowed: 1 } },
      { subresource: 'status' },
    )
    await client.createSubresource(PODS, key, 'eviction', eviction)
    const going = await client.get(PODS, key)
    expect(going.metadata.deletionGracePeriodSeconds).toBe(30)
    const charged = await client.get(POD_DISRUPTION_BUDGETS, key)
    expect(charged.status).toMatchObject({ disruptionsAllowed: 0 })
    expect(Object.keys(charged.status?.disruptedPods ?? {})).toEqual(['guarded'])
  })

  it('a job gets a selector of its own', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'a:1' }] } }
    const metadata = { generateName: 'j-', namespace: 'kube-public' }
    const job = await plane.client.create(JOBS, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template } })
    const uid = job.metadata.uid ?? ''
    expect(job.spec.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': uid } })
    expect(job.spec.template.metadata?.labels).toEqual({
      'controller-uid': uid,
      'job-name': job.metadata.name,
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': job.metadata.name,
    })
  })

  it('a service gets its address and the next one another', async () => {
    const make = (name: string): Service => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { ports: [{ port: 80 }] },
    })
    const first = await plane.client.create(SERVICES, make('a'))
    const second = await plane.client.create(SERVICES, make('b'))
    expect(first.spec.clusterIP).toMatch(/^10\.43\./)
    expect(second.spec.clusterIP).not.toBe(first.spec.clusterIP)
  })
})
