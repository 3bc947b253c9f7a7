/**
 * Starts the Jobs of CronJobs at their times, follows them in status.active, removes old finished ones.
 *
 * Reads: cronjobs and jobs from the cache; live where a Job is missing from the cache or unexpected.
 * Writes: jobs (create, delete), cronjobs/status, events.
 * Upstream: pkg/controller/cronjob. Differs: Jobs are found by their owner's UID, not its name.
 */
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { CronJob, Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { CronSchedule } from '#machinery/cron/schedule.ts'
import { TimeZone } from '#machinery/cron/time-zone.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, isControlledBy, isNamespaceTerminating, requeueAfter } from '#sdk'
import { CRON_JOB_CONTROLLER } from '../manager/names.ts'
import { OwnWrites } from '../manager/own-writes.ts'
import type { CronJobDraft } from './active-jobs.ts'
import { addActive, isActive, removeActive } from './active-jobs.ts'
import { finishedAs, jobName, newJob, outlivedJobs } from './job.ts'
import { dueTime, nextDelayMs, scheduleOf } from './schedule-times.ts'

export const cronJobController = defineController({
  name: CRON_JOB_CONTROLLER,
  reconciles: CRON_JOBS,
  watches: [{ resource: JOBS }],
  permissions: [
    { resource: CRON_JOBS, verbs: ['get', 'list', 'watch'] },
    { resource: CRON_JOBS, subresource: 'status', verbs: ['update'] },
    { resource: CRON_JOBS, subresource: 'finalizers', verbs: ['update'] },
    { resource: JOBS, verbs: ['get', 'list', 'watch', 'create', 'delete'] },
  ],
  concurrency: 5,
  create: (context) => new CronJobReconciler(context),
})

class CronJobReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #cronJobs: Lister<CronJob>
  readonly #jobs: Lister<Job>
  /** The schedule each was last reconciled with: a new one counts from now, it does not catch up. */
  readonly #schedules = new Map<string, string>()
  readonly #writes: OwnWrites<CronJob>

  constructor(context: ReconcilerContext) {
    this.#client = context.client
    this.#clock = context.clock
    this.#events = context.events
    const cronJobs = context.informer(CRON_JOBS)
    this.#cronJobs = cronJobs.lister
    this.#writes = new OwnWrites(this.#cronJobs, context.clock)
    cronJobs.addHandler({ onDelete: ({ metadata: { uid = '' } }) => this.#writes.forget(uid) })
    this.#jobs = context.lister(JOBS)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const cronJob = this.#cronJobs.get(key)
    if (cronJob === undefined) {
      this.#schedules.delete(keyString(key))
      return DONE
    }
    const { uid = '' } = cronJob.metadata
    // A CronJob as it was before our last write would start again what has come and gone since.
    const staleMs = this.#writes.waitMs(uid)
    if (staleMs !== undefined) return requeueAfter(staleMs)
    const jobs = this.#jobs.byIndex('controller-uid', uid)
    const copy = deepCopy<CronJob>(cronJob)
    const draft: CronJobDraft = { ...copy, status: copy.status ?? {} }
    for (const job of outlivedJobs(draft, jobs)) await this.#delete(draft, job, signal)
    let result = DONE
    let failure: unknown
    try {
      result = await this.#sync(draft, jobs, signal)
    } catch (err: unknown) {
      failure = err
    }
    if (!deepEqual(draft.status, cronJob.status ?? {}))
      this.#writes.wrote(uid, await this.#client.update(CRON_JOBS, draft, { subresource: 'status', signal }))
    if (failure !== undefined) throw failure
    return result
  }

  async #sync(draft: CronJobDraft, jobs: readonly DeepReadonly<Job>[], signal: AbortSignal): Promise<Result> {
    for (const job of jobs) await this.#follow(draft, job, signal)
    await this.#dropMissing(draft, jobs, signal)
    if (draft.metadata.deletionTimestamp !== undefined) return DONE
    const { timeZone, suspend } = draft.spec
    if (timeZone !== undefined && TimeZone.find(timeZone) === undefined) {
      const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`
      this.#events.record(draft, 'Warning', 'UnknownTimeZone', message)
      return DONE
    }
    if (suspend === true) return DONE
    const schedule = this.#readSchedule(draft)
    if (schedule === undefined) return DONE
    if (!this.#isScheduleNew(draft)) await this.#startIfDue(draft, schedule, signal)
    const delayMs = nextDelayMs(draft, schedule, this.#clock.nowMs())
    return delayMs === undefined ? DONE : requeueAfter(delayMs)
  }

  /** What one Job means to the status. */
  async #follow(draft: CronJobDraft, job: DeepReadonly<Job>, signal: AbortSignal): Promise<void> {
    const { uid, name = '' } = job.metadata
    const end = finishedAs(job)
    if (end === undefined) {
      if (isActive(draft, uid)) return
      // The cached CronJob may be older than the Job it has just started.
      const live = await this.#client.get(CRON_JOBS, objectKeyOf(draft), { signal })
      if (isActive(live, uid)) {
        draft.status = { ...deepCopy<CronJob>(live).status }
        return
      }
      const message = `Saw a job that the controller did not create or forgot: ${name}`
      this.#events.record(draft, 'Warning', 'UnexpectedJob', message)
      return
    }
    if (isActive(draft, uid)) {
      removeActive(draft, uid)
      this.#events.record(draft, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`)
    }
    const completed = job.status?.completionTime
    if (end !== 'Complete' || completed === undefined) return
    const { lastSuccessfulTime } = draft.status
    if (lastSuccessfulTime === undefined || Date.parse(completed) > Date.parse(lastSuccessfulTime))
      draft.status.lastSuccessfulTime = completed
  }

  async #dropMissing(draft: CronJobDraft, jobs: readonly DeepReadonly<Job>[], signal: AbortSignal): Promise<void> {
    const present = new Set(jobs.map(({ metadata }) => metadata.uid))
    for (const { uid, name = '', namespace = '' } of draft.status.active ?? []) {
      if (present.has(uid)) continue
      const live = await this.#client.get(JOBS, { namespace, name }, { signal }).catch(undefinedIfNotFound)
      if (live !== undefined) continue
      this.#events.record(draft, 'Normal', 'MissingJob', `Active job went missing: ${name}`)
      removeActive(draft, uid)
    }
  }

  #readSchedule(draft: CronJobDraft): CronSchedule | undefined {
    const { schedule } = draft.spec
    if (schedule.includes('TZ')) {
      const message =
        `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, ` +
        'see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details'
      this.#events.record(draft, 'Warning', 'UnsupportedSchedule', message)
    }
    try {
      return scheduleOf(draft)
    } catch (err: unknown) {
      const message = `unparseable schedule: ${JSON.stringify(schedule)} : ${errorMessage(err)}`
      this.#events.record(draft, 'Warning', 'UnparseableSchedule', message)
      return undefined
    }
  }

  #isScheduleNew(draft: CronJobDraft): boolean {
    const key = keyString(objectKeyOf(draft))
    const schedule = `${draft.metadata.uid} ${draft.spec.timeZone ?? ''} ${draft.spec.schedule}`
    const before = this.#schedules.get(key)
    this.#schedules.set(key, schedule)
    return before !== undefined && before !== schedule && before.startsWith(`${draft.metadata.uid} `)
  }

  async #startIfDue(draft: CronJobDraft, schedule: CronSchedule, signal: AbortSignal): Promise<void> {
    const scheduledMs = this.#dueTime(draft, schedule)
    if (scheduledMs === undefined) return
    const { startingDeadlineSeconds, concurrencyPolicy } = draft.spec
    if (startingDeadlineSeconds !== undefined && scheduledMs + startingDeadlineSeconds * 1_000 < this.#clock.nowMs()) {
      const time = new Date(scheduledMs).toUTCString().replace('GMT', '+0000')
      this.#events.record(draft, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${time}`)
      return
    }
    if (isProcessed(draft, scheduledMs)) return
    if (concurrencyPolicy === 'Forbid' && (draft.status.active ?? []).length > 0) {
      const message = 'Not starting job because prior execution is running and concurrency policy is Forbid'
      this.#events.record(draft, 'Normal', 'JobAlreadyActive', message)
      return
    }
    if (concurrencyPolicy === 'Replace') await this.#replaceActive(draft, signal)
    await this.#start(draft, scheduledMs, signal)
  }

  #dueTime(draft: CronJobDraft, schedule: CronSchedule): number | undefined {
    try {
      const { dueMs, hasMissedTooMany } = dueTime(draft, schedule, this.#clock.nowMs())
      if (dueMs !== undefined && hasMissedTooMany) {
        const message = 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew'
        this.#events.record(draft, 'Warning', 'TooManyMissedTimes', message)
      }
      return dueMs
    } catch (err: unknown) {
      const message = `invalid schedule: ${draft.spec.schedule} : ${errorMessage(err)}`
      this.#events.record(draft, 'Warning', 'InvalidSchedule', message)
      return undefined
    }
  }

  async #replaceActive(draft: CronJobDraft, signal: AbortSignal): Promise<void> {
    for (const { name = '', namespace = '' } of draft.status.active ?? []) {
      let job: DeepReadonly<Job>
      try {
        job = await this.#client.get(JOBS, { namespace, name }, { signal })
      } catch (err: unknown) {
        this.#events.record(draft, 'Warning', 'FailedGet', `Get job: ${errorMessage(err)}`)
        throw err
      }
      if (!(await this.#delete(draft, job, signal))) throw new Error(`could not replace job ${namespace}/${name}`)
    }
  }

  async #start(draft: CronJobDraft, scheduledMs: number, signal: AbortSignal): Promise<void> {
    const job = await this.#createJob(draft, scheduledMs, signal)
    if (job === undefined) return
    addActive(draft, job)
    draft.status.lastScheduleTime = formatTime(new Date(scheduledMs))
  }

  /** Undefined: somebody else's Job has the name, or ours is known already. */
  async #createJob(
    draft: CronJobDraft,
    scheduledMs: number,
    signal: AbortSignal,
  ): Promise<DeepReadonly<Job> | undefined> {
    const wanted = newJob(draft, scheduledMs)
    try {
      const created = await this.#client.create(JOBS, wanted, { signal })
      this.#events.record(draft, 'Normal', 'SuccessfulCreate', `Created job ${created.metadata.name ?? ''}`)
      return created
    } catch (err: unknown) {
      if (isAlreadyExists(err)) {
        const present = await this.#client.get(JOBS, objectKeyOf(wanted), { signal })
        return isControlledBy(present, draft) && !isActive(draft, present.metadata.uid) ? present : undefined
      }
      if (!isNamespaceTerminating(err))
        this.#events.record(draft, 'Warning', 'FailedCreate', `Error creating job: ${errorMessage(err)}`)
      throw err
    }
  }

  /** The Job with its Pods and its reference; false when it could not be. */
  async #delete(draft: CronJobDraft, job: DeepReadonly<Job>, signal: AbortSignal): Promise<boolean> {
    const { name = '', uid = '' } = job.metadata
    try {
      const how = { propagationPolicy: 'Background', preconditions: { uid }, signal } as const
      await this.#client.delete(JOBS, objectKeyOf(job), how)
    } catch (err: unknown) {
      if (!isNotFound(err)) {
        this.#events.record(draft, 'Warning', 'FailedDelete', `Deleted job: ${errorMessage(err)}`)
        return false
      }
    }
    removeActive(draft, uid)
    this.#events.record(draft, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)
    return true
  }
}

function isProcessed(draft: CronJobDraft, scheduledMs: number): boolean {
  const name = jobName(draft, scheduledMs)
  const { active = [], lastScheduleTime } = draft.status
  return active.some((reference) => reference.name === name) || Date.parse(lastScheduleTime ?? '') === scheduledMs
}
