/**
 * CronJobs under seeded random fates: Jobs end or do not, vanish, the CronJob is suspended and resumed, time leaps, the control plane
 * is restarted. Always: the concurrency policy holds, no time runs twice. In the end: only as many finished Jobs as wanted.
 */
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { cronJobController } from '#controllers/cronjob/reconciler.ts'
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TestControlPlane } from '../support/control-plane.ts'
import { startTestControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { seededRandom } from '../support/random-object.ts'

const namespace = 'default'
const KEY = { namespace, name: 'tick' }
const STEPS = 50
const KEPT = 2

const isFinished = ({ status }: DeepReadonly<Job>): boolean =>
  status?.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed') ?? false

class World {
  readonly clock = new FakeClock()
  readonly storage = new MemoryStorage({ clock: this.clock })
  readonly random: () => number
  /** UID of the Job each name had: a second one would be the same time run again. */
  readonly seen = new Map<string, string>()
  plane!: TestControlPlane

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  int(max: number): number {
    return Math.floor(this.random() * max)
  }

  async start(): Promise<void> {
    this.plane = await startTestControlPlane({
      clock: this.clock,
      storage: this.storage,
      controllers: [cronJobController],
    })
  }

  async jobs(): Promise<readonly DeepReadonly<Job>[]> {
    const { items } = await this.plane.client.list(JOBS, { namespace })
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advanceInSteps(ms, Math.max(100, ms / 10))
  }

  async check(policy: string): Promise<void> {
    const jobs = await this.jobs()
    for (const { metadata } of jobs) {
      const [name, uid] = [metadata.name ?? '', metadata.uid ?? '']
      expect(this.seen.get(name) ?? uid).toBe(uid)
      this.seen.set(name, uid)
    }
    if (policy !== 'Allow') expect(jobs.filter((job) => !isFinished(job)).length).toBeLessThanOrEqual(1)
  }

  async finish(job: DeepReadonly<Job>, type: 'Complete' | 'Failed'): Promise<void> {
    const draft = deepCopy<Job>(job)
    const time = formatTime(this.clock.now())
    const condition = (name: string) => ({ type: name, status: 'True', lastTransitionTime: time, reason: 'Test' })
    draft.status = {
      startTime: draft.metadata.creationTimestamp ?? time,
      ...(type === 'Complete' ? { completionTime: time, succeeded: 1 } : { failed: 1 }),
      conditions: [condition(type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'), condition(type)],
    }
    await this.plane.client.update(JOBS, draft, { subresource: 'status' }).catch((err: unknown) => {
      if (!isConflict(err) && !isNotFound(err)) throw err
    })
  }

  async step(): Promise<void> {
    const jobs = (await this.jobs()).filter((job) => !isFinished(job))
    const job = jobs[this.int(jobs.length)]
    const what = this.int(12)
    if (what < 6 && job !== undefined) await this.finish(job, this.int(3) === 0 ? 'Failed' : 'Complete')
    else if (what === 6 && job !== undefined)
      await this.plane.client.delete(JOBS, objectKeyOf(job), { propagationPolicy: 'Background' }).catch(() => undefined)
    else if (what === 7) {
      const body = { spec: { suspend: this.int(2) === 0 } }
      await this.plane.client.patch(CRON_JOBS, KEY, { type: 'merge', body })
    } else if (what === 8) {
      await this.plane.stop()
      this.clock.advance(this.int(600_000))
      await this.start()
    }
  }
}

const CASES = ['Allow', 'Forbid', 'Replace'].flatMap((policy) => [1, 2, 3].map((seed) => [policy, seed] as const))

describe('a CronJob', () => {
  it.each(CASES)(
    '%s, seed %i',
    async (concurrencyPolicy, seed) => {
      const world = new World(seed)
      await world.start()
      await world.plane.client.create(CRON_JOBS, {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: KEY,
        spec: {
          schedule: '*/2 * * * *',
          concurrencyPolicy,
          successfulJobsHistoryLimit: KEPT,
          failedJobsHistoryLimit: KEPT,
          jobTemplate: {
            spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
          },
        },
      })
      for (let i = 0; i < STEPS; i++) {
        await world.step()
        await world.pass(1_000 + world.int(120_000))
        await world.check(concurrencyPolicy)
      }
      await world.plane.client.patch(CRON_JOBS, KEY, { type: 'merge', body: { spec: { suspend: true } } })
      await eventually(async () => {
        for (const job of await world.jobs()) if (!isFinished(job)) await world.finish(job, 'Complete')
        await world.pass(1_000)
        const ends = (await world.jobs()).flatMap(({ status }) => status?.conditions?.map(({ type }) => type) ?? [])
        expect(ends.filter((type) => type === 'Complete').length).toBeLessThanOrEqual(KEPT)
        expect(ends.filter((type) => type === 'Failed').length).toBeLessThanOrEqual(KEPT)
        expect((await world.plane.client.get(CRON_JOBS, KEY)).status?.active).toBeUndefined()
      })
      expect(world.seen.size).toBeGreaterThan(5)
      await world.plane.stop()
      await world.storage.close()
    },
    60_000,
  )
})
