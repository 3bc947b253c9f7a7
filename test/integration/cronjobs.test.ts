/** CronJobs against a whole control plane; time moves by hand, Jobs are ended by hand. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cronJobController } from '#controllers/cronjob/reconciler.ts'
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { CronJob, CronJobSpec, Job } from '#machinery/api/batch/v1/types.gen.ts'
import { EVENTS } from '#machinery/api/core/v1/resources.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TestControlPlane } from '../support/control-plane.ts'
import { startTestControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'

const namespace = 'default'
const KEY = { namespace, name: 'tick' }
const MINUTE_MS = 60_000
const START = '2026-01-01T00:00:30Z'
let plane: TestControlPlane
let clock: FakeClock

beforeEach(async () => {
  clock = new FakeClock(START)
  plane = await startTestControlPlane({ clock, controllers: [cronJobController] })
})
afterEach(() => plane.stop())

function create(spec: Partial<CronJobSpec> = {}): Promise<DeepReadonly<CronJob>> {
  return plane.client.create(CRON_JOBS, {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: KEY,
    spec: {
      schedule: '* * * * *',
      timeZone: 'Europe/Berlin',
      jobTemplate: {
        metadata: { labels: { from: 'tick' }, annotations: { a: 'b' } },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
      },
      ...spec,
    },
  })
}

const cronJob = (): Promise<DeepReadonly<CronJob>> => plane.client.get(CRON_JOBS, KEY)
const reasons = async (): Promise<(string | undefined)[]> =>
  (await plane.client.list(EVENTS, { namespace })).items.map(({ reason }) => reason)

async function jobs(): Promise<readonly DeepReadonly<Job>[]> {
  const { items } = await plane.client.list(JOBS, { namespace })
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

/** Time goes on, in small steps, until there is one more Job than `before`. */
async function nextJob(before: readonly string[] = []): Promise<DeepReadonly<Job>> {
  clock.advance(MINUTE_MS + 200)
  return eventually(async () => {
    const fresh = (await jobs()).find(({ metadata }) => !before.includes(metadata.name ?? ''))
    expect(fresh).toBeDefined()
    // The status names it: the reconcile that made it has ended.
    const { status } = await cronJob()
    expect(status?.active?.map(({ name }) => name)).toContain(fresh?.metadata.name)
    return fresh as DeepReadonly<Job>
  })
}

async function finish(job: DeepReadonly<Job>, type: 'Complete' | 'Failed' = 'Complete'): Promise<void> {
  const draft = deepCopy<Job>(await plane.client.get(JOBS, objectKeyOf(job)))
  const time = new Date(clock.nowMs()).toISOString().replace(/\.\d+/, '')
  const condition = (name: string) => ({ type: name, status: 'True', lastTransitionTime: time, reason: 'Test' })
  draft.status = {
    startTime: time,
    ...(type === 'Complete' ? { completionTime: time, succeeded: 1 } : { failed: 1 }),
    conditions: [condition(type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'), condition(type)],
  }
  await plane.client.update(JOBS, draft, { subresource: 'status' })
  await eventually(async () =>
    expect((await cronJob()).status?.active?.map(({ name }) => name) ?? []).not.toContain(job.metadata.name),
  )
}

describe('a CronJob', () => {
  it('starts a Job at its time, follows it to its end', async () => {
    await create()
    const job = await nextJob()
    const minutes = Date.parse('2026-01-01T00:01:00Z') / MINUTE_MS
    expect(job.metadata).toMatchObject({
      name: `tick-${minutes}`,
      labels: { from: 'tick' },
      annotations: { a: 'b', 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T01:01:00+01:00' },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', controller: true }],
    })
    expect((await cronJob()).status).toMatchObject({
      active: [{ apiVersion: 'batch/v1', kind: 'Job', name: job.metadata.name, namespace, uid: job.metadata.uid }],
      lastScheduleTime: '2026-01-01T00:01:00Z',
    })
    await finish(job)
    expect((await cronJob()).status).toEqual({
      lastScheduleTime: '2026-01-01T00:01:00Z',
      lastSuccessfulTime: '2026-01-01T00:01:30Z',
    })
    const second = await nextJob([job.metadata.name ?? ''])
    expect(second.metadata.name).toBe(`tick-${minutes + 1}`)
    await eventually(async () =>
      expect(await reasons()).toEqual(expect.arrayContaining(['SuccessfulCreate', 'SawCompletedJob'])),
    )
  })

  it('Allow: starts the next beside the one that runs', async () => {
    await create()
    const first = await nextJob()
    await nextJob([first.metadata.name ?? ''])
    expect(await jobs()).toHaveLength(2)
  })

  it('Forbid: waits for the one that runs', async () => {
    await create({ concurrencyPolicy: 'Forbid' })
    const first = await nextJob()
    clock.advance(MINUTE_MS)
    await eventually(async () => expect(await reasons()).toContain('JobAlreadyActive'))
    expect(await jobs()).toHaveLength(1)
    await finish(first)
    // What was put off is still due.
    await eventually(async () => expect((await cronJob()).status?.active).toHaveLength(1))
  })

  it('Replace: removes the one that runs', async () => {
    await create({ concurrencyPolicy: 'Replace' })
    const first = await nextJob()
    const second = await nextJob([first.metadata.name ?? ''])
    await eventually(async () => {
      expect((await jobs()).map(({ metadata }) => metadata.name)).toEqual([second.metadata.name])
      expect((await cronJob()).status?.active).toMatchObject([{ uid: second.metadata.uid }])
    })
    await eventually(async () => expect(await reasons()).toContain('SuccessfulDelete'))
  })

  it('keeps as many finished Jobs as its limits say', async () => {
    await create({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 })
    const first = await nextJob()
    await finish(first)
    const second = await nextJob([first.metadata.name ?? ''])
    await finish(second)
    await eventually(async () =>
      expect((await jobs()).map(({ metadata }) => metadata.name)).toEqual([second.metadata.name]),
    )
    const third = await nextJob([second.metadata.name ?? ''])
    await finish(third, 'Failed')
    await eventually(async () =>
      expect((await jobs()).map(({ metadata }) => metadata.name)).toEqual([second.metadata.name]),
    )
  })

  it('does nothing while suspended; afterwards runs only what is within the deadline', async () => {
    await create({ suspend: true, startingDeadlineSeconds: 200 })
    clock.advance(10 * MINUTE_MS)
    await plane.client.patch(CRON_JOBS, KEY, { type: 'merge', body: { spec: { suspend: false } } })
    await eventually(async () => expect((await cronJob()).status?.lastScheduleTime).toBe('2026-01-01T00:10:00Z'))
    expect(await jobs()).toHaveLength(1)
  })

  it('says so when it has missed very many, and starts one', async () => {
    await create({ suspend: true })
    clock.advance(200 * MINUTE_MS)
    await plane.client.patch(CRON_JOBS, KEY, { type: 'merge', body: { spec: { suspend: false } } })
    await eventually(async () => {
      expect(await reasons()).toContain('TooManyMissedTimes')
      expect(await jobs()).toHaveLength(1)
    })
  })

  it('forgets active Jobs that are gone, and knows again those it had forgotten', async () => {
    await create()
    const job = await nextJob()
    await plane.client.delete(JOBS, objectKeyOf(job), { propagationPolicy: 'Background' })
    await eventually(async () => expect((await cronJob()).status?.active).toBeUndefined())
    await eventually(async () => expect(await reasons()).toContain('MissingJob'))
    const second = await nextJob([job.metadata.name ?? ''])
    // As after a crash between creating the Job and writing the status.
    const draft = deepCopy<CronJob>(await cronJob())
    draft.status = {}
    await plane.client.update(CRON_JOBS, draft, { subresource: 'status' })
    await eventually(async () => {
      const { status } = await cronJob()
      expect(status?.active).toMatchObject([{ uid: second.metadata.uid }])
      expect(status?.lastScheduleTime).toBe('2026-01-01T00:02:00Z')
    })
    expect(await jobs()).toHaveLength(1)
  })

  it('a changed schedule counts from the change', async () => {
    await create({ schedule: '0 12 * * *', timeZone: 'UTC' })
    clock.advance(5 * MINUTE_MS)
    await plane.client.patch(CRON_JOBS, KEY, { type: 'merge', body: { spec: { schedule: '2 * * * *' } } })
    await eventually(async () => {
      clock.advance(MINUTE_MS)
      expect((await cronJob()).status?.lastScheduleTime).toBeDefined()
    })
    // 00:02 has passed since the CronJob was made, but not since this is its schedule.
    expect((await cronJob()).status?.lastScheduleTime).toBe('2026-01-01T01:02:00Z')
  })

  it('reports a schedule without times', async () => {
    await create({ schedule: '59 23 31 2 *' })
    await eventually(async () => expect(await reasons()).toContain('InvalidSchedule'))
  })
})
