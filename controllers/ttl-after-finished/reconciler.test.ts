/** When a finished Job may go. */
import { afterEach, describe, expect, it } from 'vitest'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { ReconcilerContext } from '#sdk'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { millisecondsUntilExpiry, ttlAfterFinishedController } from './reconciler.ts'

const KEY = { namespace: 'default', name: 'job' }

const NOW = new Date('2026-01-01T00:01:00Z')

function job(
  ttlSecondsAfterFinished: number | undefined,
  conditions: [type: string, status: string][],
  deletionTimestamp?: string,
): Job {
  const lastTransitionTime = '2026-01-01T00:00:00Z'
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { namespace: 'a', name: 'b', ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
    spec: { template: {}, ...(ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished }) },
    status: { conditions: conditions.map(([type, status]) => ({ type, status, lastTransitionTime })) },
  }
}

describe('millisecondsUntilExpiry', () => {
  it.each<[string, Job | undefined, number | undefined]>([
    ['a Job that is gone', undefined, undefined],
    ['no TTL', job(undefined, [['Complete', 'True']]), undefined],
    ['unfinished', job(10, [['Suspended', 'True']]), undefined],
    ['finished and not any more', job(10, [['Complete', 'False']]), undefined],
    ['being deleted', job(10, [['Complete', 'True']], '2026-01-01T00:00:30Z'), undefined],
    ['complete, with time left', job(90, [['Complete', 'True']]), 30_000],
    ['failed, with time left', job(61, [['Failed', 'True']]), 1_000],
    ['due', job(60, [['Complete', 'True']]), 0],
    ['overdue', job(0, [['Complete', 'True']]), -60_000],
  ])('%s', (_name, subject, expected) => {
    expect(millisecondsUntilExpiry(subject, NOW)).toBe(expected)
  })
})

describe('ttl-after-finished-controller', () => {
  let plane: TestControlPlane | undefined

  afterEach(async () => {
    await plane?.stop()
  })

  async function finishedJob(ttlSecondsAfterFinished?: number): Promise<{ client: Client; clock: FakeClock }> {
    const clock = new FakeClock()
    plane = await startTestControlPlane({ clock, controllers: [ttlAfterFinishedController] })
    const { client } = plane
    await create(client, ttlSecondsAfterFinished)
    return { client, clock }
  }

  async function create(client: Client, ttlSecondsAfterFinished?: number): Promise<void> {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } }
    const ttl = ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished }
    const spec: Job['spec'] = { template, ...ttl }
    const created = await client.create(JOBS, { apiVersion: 'batch/v1', kind: 'Job', metadata: KEY, spec })
    const time = created.metadata.creationTimestamp ?? ''
    const failed = ['FailureTarget', 'Failed'].map((type) => ({
      type,
      status: 'True',
      reason: 'Test',
      lastTransitionTime: time,
    }))
    const body = { status: { startTime: time, conditions: failed } }
    await client.patch(JOBS, KEY, { type: 'merge', body }, { subresource: 'status' })
  }

  const deletionOf = async (client: Client): Promise<string | undefined> =>
    (await client.get(JOBS, KEY)).metadata.deletionTimestamp

  it('deletes a Job in the foreground when its time is over, not before', async () => {
    const { client, clock } = await finishedJob(60)
    await clock.advanceInSteps(59_000, 1_000)
    expect(await deletionOf(client)).toBeUndefined()
    await eventually(async () => {
      await clock.advanceInSteps(1_000, 500)
      expect(await deletionOf(client)).toBeDefined()
    })
    expect((await client.get(JOBS, KEY)).metadata.finalizers).toEqual(['foregroundDeletion'])
  })

  it('keeps a Job whose TTL was raised meanwhile, and one of the same name made anew', async () => {
    const { client, clock } = await finishedJob(60)
    await clock.advanceInSteps(30_000, 1_000)
    await client.patch(JOBS, KEY, { type: 'merge', body: { spec: { ttlSecondsAfterFinished: 600 } } })
    await clock.advanceInSteps(120_000, 1_000)
    expect(await deletionOf(client)).toBeUndefined()
    await client.delete(JOBS, KEY, { propagationPolicy: 'Background' })
    await create(client, 600)
    await clock.advanceInSteps(540_000, 5_000)
    expect(await deletionOf(client)).toBeUndefined()
  })

  it('does nothing without a TTL', async () => {
    const { client, clock } = await finishedJob()
    await clock.advanceInSteps(3_600_000, 60_000)
    expect(await deletionOf(client)).toBeUndefined()
  })

  it('reads the Job again before it deletes it', async () => {
    const clock = new FakeClock()
    plane = await startTestControlPlane({ clock })
    const { client } = plane
    await create(client, 600)
    // A cache that has not heard of the raised TTL.
    const stale = { ...job(0, [['Failed', 'True']]), metadata: { ...KEY } }
    const reconciler = ttlAfterFinishedController.create({
      client,
      clock,
      lister: () => ({ get: () => stale, list: () => [stale], byIndex: () => [stale], size: 1 }),
    } as unknown as ReconcilerContext)
    const result = await reconciler.reconcile(KEY, new AbortController().signal)
    expect(result.requeueAfterMs).toBe(600_000)
    expect(await deletionOf(client)).toBeUndefined()
  })
})
