/**
 * Runs Jobs: keeps the wanted number of Pods, counts those that finish exactly once, ends the Job.
 *
 * Reads: jobs and pods from the cache.  Writes: pods (create, delete, patch of owner and finalizer), jobs/status, events.
 * Upstream: pkg/controller/job.
 * Differs: Pod changes are batched for 100 ms, not 1 s; one queue for Jobs and for Pods that lost theirs.
 */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { keyString } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { controllerOf, DONE, defineController, requeueAfter, requeueSoonest } from '#sdk'
import { claim } from '../manager/claim.ts'
import { Expectations } from '../manager/expectations.ts'
import { JOB_CONTROLLER } from '../manager/names.ts'
import { OwnWrites } from '../manager/own-writes.ts'
import { PodControl } from '../manager/pod-control.ts'
import { setCondition } from './conditions.ts'
import { FinalizerExpectations } from './finalizer-expectations.ts'
import type { JobSync } from './job-sync.ts'
import { newJobSync } from './job-sync.ts'
import type { BackoffRecord } from './pod-backoff.ts'
import { NO_FAILURES } from './pod-backoff.ts'
import { hasTrackingFinalizer, isJobFinished, isManagedByUs, isSuspended, TRACKING_FINALIZER } from './pod-facts.ts'
import { JOB_INDEX, jobIndexOf, orphanOf, podWatch } from './pod-watch.ts'
import { JobScaler } from './scale.ts'
import { completeCondition, decideTermination, isComplete } from './termination.ts'
import { JobTracker } from './tracking.ts'

export const jobController = defineController({
  name: JOB_CONTROLLER,
  reconciles: JOBS, // Pods are watched in `create`: their changes also settle expectations.
  permissions: [
    { resource: JOBS, verbs: ['get', 'list', 'watch', 'update', 'patch'] },
    { resource: JOBS, subresource: 'status', verbs: ['update'] },
    { resource: JOBS, subresource: 'finalizers', verbs: ['update'] },
    { resource: PODS, verbs: ['create', 'delete', 'list', 'watch', 'patch'] },
  ],
  concurrency: 5,
  backoff: { baseMs: 1_000, maxMs: 60_000 },
  create: (context) => new JobReconciler(context),
})

class JobReconciler implements Reconciler {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #jobs: Lister<Job>
  readonly #pods: Lister<Pod>
  readonly #expectations: Expectations
  readonly #removals = new FinalizerExpectations()
  readonly #backoffs = new Map<string, BackoffRecord>()
  /** What is remembered of a Job is remembered by UID: another Job of its name starts afresh. By key. */
  readonly #uids = new Map<string, string>()
  readonly #writes: OwnWrites<Job>
  readonly #podControl: PodControl
  readonly #scaler: JobScaler
  readonly #tracker: JobTracker

  constructor(context: ReconcilerContext) {
    const { client, clock, events } = context
    this.#client = client
    this.#clock = clock
    this.#events = events
    this.#jobs = context.lister(JOBS)
    const pods = context.informer(PODS)
    pods.addIndex(JOB_INDEX, jobIndexOf)
    this.#pods = pods.lister
    this.#expectations = new Expectations(clock)
    this.#podControl = new PodControl(client, events)
    this.#scaler = new JobScaler({ pods: this.#podControl, expectations: this.#expectations, clock })
    this.#writes = new OwnWrites(this.#jobs, clock)
    const shared = { client, clock, events, pods: this.#podControl }
    this.#tracker = new JobTracker({ ...shared, removals: this.#removals, writes: this.#writes })
    const { enqueue } = context
    pods.addHandler(podWatch({ jobs: this.#jobs, expectations: this.#expectations, removals: this.#removals, enqueue }))
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const orphan = orphanOf(key)
    if (orphan !== undefined) return this.#releaseOrphan(orphan, signal)
    const job = this.#jobs.get(key)
    const name = keyString(key)
    const controlled = this.#pods.byIndex(JOB_INDEX, name)
    // Pods of an earlier Job of this name will not be counted by anyone.
    const strangers = controlled.filter((pod) => controllerOf(pod)?.uid !== job?.metadata.uid)
    if (strangers.length > 0) await this.#tracker.release(strangers, signal)
    this.#remember(key, job)
    if (job === undefined || !isManagedByUs(job)) return DONE
    if (isJobFinished(job)) {
      await this.#tracker.release(controlled, signal)
      this.#backoffs.delete(job.metadata.uid ?? '')
      return DONE
    }
    if (!isKnownMode(job)) {
      const message = 'Skipped Job sync because completion mode is unknown'
      this.#events.record(job, 'Warning', 'UnknownCompletionMode', message)
      return DONE
    }
    // A Job as it was before our last write would be given Pods for what has been counted since.
    const staleMs = this.#writes.waitMs(job.metadata.uid ?? '')
    if (staleMs !== undefined) return requeueAfter(staleMs)
    return this.#sync(job, name, signal)
  }

  async #sync(job: DeepReadonly<Job>, name: string, signal: AbortSignal): Promise<Result> {
    // Asked before the Pods are read: a Pod that appears in between must not make a stale count look current.
    const { uid = '' } = job.metadata
    const waitMs = this.#expectations.waitMs(uid)
    const isCurrent = waitMs === undefined
    const expectedRemovals = this.#removals.of(uid)
    const owned = this.#pods.byIndex(JOB_INDEX, name)
    const unowned = this.#pods.byIndex(JOB_INDEX, `${job.metadata.namespace ?? ''}/`)
    const selector = labelSelectorAsMatcher(job.spec.selector)
    const how = { owner: job, resource: JOBS, children: PODS, selector, finalizer: TRACKING_FINALIZER }
    const pods = await claim<Pod>(how, [...owned, ...unowned], this.#client, signal)
    const backoff = this.#backoffs.get(uid) ?? NO_FAILURES
    const sync = newJobSync({ job, pods, expectedRemovals, backoff })
    const isStarting = sync.job.status.startTime === undefined && !isSuspended(job)
    if (isStarting) sync.job.status.startTime = formatTime(this.#clock.now())

    decideTermination(sync, this.#clock.now())
    const before = sync.finished
    const { error, hasConditionChanged } =
      before === undefined ? await this.#scale(sync, isCurrent, signal) : await this.#end(sync, isCurrent, signal)
    const hasCountsChanged = writeCounts(sync)
    const remember = (): void => {
      this.#backoffs.set(uid, sync.backoff)
    }
    await this.#tracker.track(sync, hasConditionChanged || hasCountsChanged, remember, signal)
    if (error !== undefined) throw error
    return requeueSoonest(sync.requeueAfterMs, waitMs)
  }

  /** The Job is over: its Pods end. It is declared over only when all are known and all have been told. */
  async #end(sync: JobSync, isCurrent: boolean, signal: AbortSignal): Promise<Step> {
    const error = await this.#scaler.deleteActive(sync, signal)
    if (sync.active > 0 || !isCurrent) sync.finished = undefined
    return { error, hasConditionChanged: false }
  }

  async #scale(sync: JobSync, isCurrent: boolean, signal: AbortSignal): Promise<Step> {
    const canScale = isCurrent && sync.job.metadata.deletionTimestamp === undefined
    const error = canScale ? await this.#scaler.scale(sync, signal) : undefined
    if (isComplete(sync)) {
      sync.finished = completeCondition(this.#clock.now())
      return { error, hasConditionChanged: false }
    }
    return { error, hasConditionChanged: canScale && this.#writeSuspended(sync) }
  }

  #writeSuspended({ job }: JobSync): boolean {
    const now = this.#clock.now()
    job.status.conditions ??= []
    if (isSuspended(job)) {
      const suspended = { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' } as const
      if (!setCondition(job.status.conditions, suspended, now)) return false
      this.#events.record(job, 'Normal', 'Suspended', 'Job suspended')
      delete job.status.startTime
      return true
    }
    const resumed = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' } as const
    if (!setCondition(job.status.conditions, resumed, now)) return false
    this.#events.record(job, 'Normal', 'Resumed', 'Job resumed')
    // activeDeadlineSeconds counts only the time the Job is not suspended.
    job.status.startTime = formatTime(now)
    return true
  }

  async #releaseOrphan(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const pod = this.#pods.get(key)
    if (pod !== undefined && controllerOf(pod) === undefined && hasTrackingFinalizer(pod))
      await this.#tracker.release([pod], signal)
    return DONE
  }

  /** Forgets the Job that had this name before. */
  #remember(key: ObjectKey, job: DeepReadonly<Job> | undefined): void {
    const name = keyString(key)
    const before = this.#uids.get(name)
    if (before === job?.metadata.uid) return
    if (before !== undefined) {
      this.#expectations.forget(before)
      this.#removals.forget(before)
      this.#backoffs.delete(before)
      this.#writes.forget(before)
    }
    if (job?.metadata.uid === undefined) this.#uids.delete(name)
    else this.#uids.set(name, job.metadata.uid)
  }
}

interface Step {
  readonly error: unknown
  readonly hasConditionChanged: boolean
}

function isKnownMode({ spec }: DeepReadonly<Job>): boolean {
  return spec.completionMode === undefined || ['NonIndexed', 'Indexed'].includes(spec.completionMode)
}

function writeCounts({ job, active, ready, terminating }: JobSync): boolean {
  const { status } = job
  const hasChanged =
    active !== (status.active ?? 0) || ready !== (status.ready ?? -1) || terminating !== (status.terminating ?? -1)
  if (active === 0) delete status.active
  else status.active = active
  status.ready = ready
  status.terminating = terminating
  return hasChanged
}
