/** Pods with the tracking finalizer that no Job counts: who releases them, and who does not. */
import { afterEach, describe, expect, it } from 'vitest'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { Store } from '#machinery/informers/store.ts'
import type { EventRecorder } from '#sdk'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { OwnWrites } from '../manager/own-writes.ts'
import { PodControl } from '../manager/pod-control.ts'
import { FinalizerExpectations } from './finalizer-expectations.ts'
import { TRACKING_FINALIZER } from './pod-facts.ts'
import { jobController } from './reconciler.ts'
import { JobTracker } from './tracking.ts'

const namespace = 'default'
const CONTAINERS = [{ name: 'c', image: 'c' }]
const LABELS = { app: 'work' }
let plane: TestControlPlane
let clock: FakeClock

afterEach(() => plane.stop())

async function start(): Promise<void> {
  clock = new FakeClock()
  plane = await startTestControlPlane({ clock, controllers: [jobController] })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } } as const
  await plane.client.create(SERVICE_ACCOUNTS, account)
}

async function createPod(metadata: Partial<Pod['metadata']>): Promise<void> {
  const tracked = { name: 'p', namespace, labels: LABELS, finalizers: [TRACKING_FINALIZER], ...metadata }
  await plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: tracked,
    spec: { containers: CONTAINERS },
  })
  await clock.advanceInSteps(2_000)
}

async function createJob(metadata: { finalizers?: string[] }, managedBy?: string): Promise<void> {
  const spec = {
    ...(managedBy === undefined ? {} : { managedBy }),
    manualSelector: true,
    selector: { matchLabels: LABELS },
    template: { metadata: { labels: LABELS }, spec: { restartPolicy: 'Never', containers: CONTAINERS } },
  }
  await plane.client.create(JOBS, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace, ...metadata },
    spec,
  })
}

const finalizers = async () => (await plane.client.get(PODS, { namespace, name: 'p' })).metadata.finalizers

describe('a tracked Pod', () => {
  it('without a controller is released', async () => {
    await start()
    await createPod({})
    expect(await finalizers()).toBeUndefined()
  })

  it('of a Job that does not exist is released', async () => {
    await start()
    const gone = { apiVersion: 'batch/v1', kind: 'Job', name: 'gone', uid: 'gone', controller: true }
    await createPod({ ownerReferences: [gone] })
    expect(await finalizers()).toBeUndefined()
  })

  it("of another group's Job keeps its finalizer", async () => {
    await start()
    const foreign = {
      apiVersion: 'batch.volcano.sh/v1alpha1',
      kind: 'Job',
      name: 'j',
      uid: 'foreign',
      controller: true,
    }
    await createPod({ ownerReferences: [foreign] })
    expect(await finalizers()).toEqual([TRACKING_FINALIZER])
  })

  it('that a Job can adopt is adopted and keeps its finalizer', async () => {
    await start()
    await createJob({})
    await createPod({})
    expect(await finalizers()).toEqual([TRACKING_FINALIZER])
  })

  it('is released when the matching Job is managed by somebody else', async () => {
    await start()
    await createJob({}, 'example.com/other')
    await createPod({})
    expect(await finalizers()).toBeUndefined()
  })

  it('is released when the matching Job is being deleted', async () => {
    await start()
    await createJob({ finalizers: ['example.com/wait'] })
    await plane.client.delete(JOBS, { namespace, name: 'j' }, { propagationPolicy: 'Background' })
    await createPod({})
    expect(await finalizers()).toBeUndefined()
  })

  it('that is being deleted before a Job has adopted it goes', async () => {
    await start()
    await plane.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace, labels: LABELS, finalizers: ['example.com/wait', TRACKING_FINALIZER] },
      spec: { containers: CONTAINERS },
    })
    await plane.client.delete(PODS, { namespace, name: 'p' })
    await createJob({})
    await clock.advanceInSteps(2_000)
    expect(await finalizers()).toEqual(['example.com/wait'])
  })
})

it('the Pod that cannot be released does not keep the others', async () => {
  clock = new FakeClock()
  plane = await startTestControlPlane({ clock })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } } as const
  await plane.client.create(SERVICE_ACCOUNTS, account)
  for (const name of ['p', 'q', 'r']) await createPod({ name })
  const refused = new Error('refused')
  const client: Client = {
    ...plane.client,
    patch: (resource, key, patch, options) =>
      key.name === 'p' ? Promise.reject(refused) : plane.client.patch(resource, key, patch, options),
  }
  const events = { record: () => undefined } as unknown as EventRecorder
  const writes = new OwnWrites<Job>(new Store<Job>(), clock)
  const pods = new PodControl(client, events)
  const tracker = new JobTracker({ client, clock, events, pods, removals: new FinalizerExpectations(), writes })
  const { items } = await plane.client.list(PODS, { namespace })
  await expect(tracker.release(items, new AbortController().signal)).rejects.toBe(refused)
  const left = (await plane.client.list(PODS, { namespace })).items.filter(({ metadata }) => metadata.finalizers)
  expect(left.map(({ metadata }) => metadata.name)).toEqual(['p'])
})
