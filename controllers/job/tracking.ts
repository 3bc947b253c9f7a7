/**
 * Counts each finished Pod exactly once, whatever crashes in between: its UID goes into
 * status.uncountedTerminatedPods (or its index into completedIndexes), then its finalizer is removed, then the counter
 * is raised and the UID dropped. The terminal condition comes last.
 * Upstream: pkg/controller/job/job_controller.go trackJobStatusAndRemoveFinalizers.
 */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job, JobStatus } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder } from '#sdk'
import type { OwnWrites } from '../manager/own-writes.ts'
import type { PodControl } from '../manager/pod-control.ts'
import { newCondition, setCondition, trueCondition } from './conditions.ts'
import type { FinalizerExpectations } from './finalizer-expectations.ts'
import type { JobSync } from './job-sync.ts'
import { completionIndexOf, hasTrackingFinalizer, isIndexed, isPodFailed } from './pod-facts.ts'
import { matchPodFailurePolicy } from './pod-failure-policy.ts'
import { REMOVE_FINALIZER } from './scale.ts'

/** Keeps the UIDs in a status under about 20 kB, and big Jobs from starving small ones. */
const UNCOUNTED_MAX = 500

export interface JobTrackerDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly events: EventRecorder
  readonly pods: PodControl
  readonly removals: FinalizerExpectations
  readonly writes: OwnWrites<Job>
}

export class JobTracker {
  readonly #client: Client
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #pods: PodControl
  readonly #removals: FinalizerExpectations
  readonly #writes: OwnWrites<Job>

  constructor({ client, clock, events, pods, removals, writes }: JobTrackerDependencies) {
    this.#client = client
    this.#clock = clock
    this.#events = events
    this.#pods = pods
    this.#removals = removals
    this.#writes = writes
  }

  /** `hasStatusChanged`: the status differs from the stored one already. Calls `onCounted` after the first write. */
  async track(sync: JobSync, hasStatusChanged: boolean, onCounted: () => void, signal: AbortSignal): Promise<void> {
    const withFinalizer = new Set(sync.pods.filter((pod) => isTracked(sync, pod)).map((pod) => pod.metadata.uid ?? ''))
    let needsWrite = countRemoved(sync.job.status, withFinalizer) || hasStatusChanged
    const counting = countFinished(sync)
    needsWrite = counting.hasChanged || needsWrite
    needsWrite = writeIndexes(sync) || needsWrite
    needsWrite = this.#writeInterimCondition(sync) || needsWrite
    if (needsWrite) {
      await this.#writeStatus(sync, signal)
      onCounted()
    }
    const removalError = await this.#removeFinalizers(sync, counting.toRelease, withFinalizer, signal)
    let isPending = countRemoved(sync.job.status, withFinalizer)
    if (removalError !== undefined) {
      if (isPending) await this.#writeStatus(sync, signal)
      throw removalError
    }
    const isFinished = !counting.isCutShort && this.#enactFinished(sync)
    isPending = isPending || isFinished
    if (isPending) await this.#writeStatus(sync, signal)
    if (isFinished) this.#recordFinished(sync)
  }

  /** Removes the finalizer of Pods that nobody will count any more. Tries all of them before it throws the first error. */
  async release(pods: readonly DeepReadonly<Pod>[], signal: AbortSignal): Promise<void> {
    let firstError: unknown
    for (const pod of pods)
      if (hasTrackingFinalizer(pod))
        await this.#pods.patch(pod, REMOVE_FINALIZER, signal).catch((err: unknown) => {
          if (!isNotFound(err)) firstError ??= err
        })
    if (firstError !== undefined) throw firstError
  }

  #writeInterimCondition(sync: JobSync): boolean {
    const { finished, job } = sync
    if (finished === undefined || (finished.type !== 'FailureTarget' && finished.type !== 'SuccessCriteriaMet'))
      return false
    const { type, reason = '', message = '' } = finished
    const isNew = trueCondition(job, type) === undefined
    if (isNew) job.status.conditions = [...(job.status.conditions ?? []), finished]
    const finalType = type === 'FailureTarget' ? 'Failed' : 'Complete'
    sync.finished = newCondition({ type: finalType, status: 'True', reason, message }, this.#clock.now())
    return isNew
  }

  async #writeStatus(sync: JobSync, signal: AbortSignal): Promise<void> {
    const written = await this.#client.update(JOBS, sync.job, { subresource: 'status', signal })
    this.#writes.wrote(written.metadata.uid ?? '', written)
    const copy = deepCopy<Job>(written)
    const status = copy.status ?? {}
    status.uncountedTerminatedPods ??= {}
    sync.job = { ...copy, status }
  }

  /** Returns the first error; Pods it could not reach stay in `withFinalizer`. */
  async #removeFinalizers(
    sync: JobSync,
    pods: readonly DeepReadonly<Pod>[],
    withFinalizer: Set<string>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const key = sync.job.metadata.uid ?? ''
    this.#removals.expect(
      key,
      pods.map((pod) => pod.metadata.uid ?? ''),
    )
    let firstError: unknown
    await Promise.all(
      pods.map(async (pod) => {
        const { uid = '' } = pod.metadata
        try {
          await this.#pods.patch(pod, REMOVE_FINALIZER, signal)
        } catch (err: unknown) {
          // Who is gone already is let go as well: while the cache shows it, it must not be counted again. Differs: upstream forgets it.
          if (!isNotFound(err)) {
            this.#removals.observed(key, uid)
            firstError ??= err
            return
          }
        }
        withFinalizer.delete(uid)
      }),
    )
    return firstError
  }

  #enactFinished({ job, finished, terminating }: JobSync): boolean {
    if (finished === undefined || terminating > 0) return false
    const { succeeded = [], failed = [] } = job.status.uncountedTerminatedPods ?? {}
    if (succeeded.length + failed.length > 0) return false
    const { type, reason = '', message = '' } = finished
    job.status.conditions ??= []
    setCondition(
      job.status.conditions,
      { type: type === 'Complete' ? 'Complete' : 'Failed', status: 'True', reason, message },
      this.#clock.now(),
    )
    if (type === 'Complete' && finished.lastTransitionTime !== undefined)
      job.status.completionTime = finished.lastTransitionTime
    return true
  }

  #recordFinished({ job, finished }: JobSync): void {
    if (finished?.type !== 'Complete') {
      this.#events.record(job, 'Warning', finished?.reason ?? '', finished?.message ?? '')
      return
    }
    const { completions } = job.spec
    if (completions !== undefined && (job.status.succeeded ?? 0) > completions)
      this.#events.record(
        job,
        'Warning',
        'TooManySucceededPods',
        'Too many succeeded pods running after completion count reached',
      )
    this.#events.record(job, 'Normal', 'Completed', 'Job completed')
  }
}

function isTracked({ expectedRemovals }: JobSync, pod: DeepReadonly<Pod>): boolean {
  return hasTrackingFinalizer(pod) && !expectedRemovals.has(pod.metadata.uid ?? '')
}

/** Moves UIDs whose finalizer is gone from the uncounted lists into the counters. */
function countRemoved(status: JobStatus, withFinalizer: ReadonlySet<string>): boolean {
  const uncounted = status.uncountedTerminatedPods ?? {}
  const { succeeded = [], failed = [] } = uncounted
  const stillSucceeded = succeeded.filter((uid) => withFinalizer.has(uid))
  const stillFailed = failed.filter((uid) => withFinalizer.has(uid))
  const newSucceeded = succeeded.length - stillSucceeded.length
  const newFailed = failed.length - stillFailed.length
  if (newSucceeded + newFailed === 0) return false
  // A count of zero is no field.
  if (newSucceeded > 0) status.succeeded = (status.succeeded ?? 0) + newSucceeded
  if (newFailed > 0) status.failed = (status.failed ?? 0) + newFailed
  status.uncountedTerminatedPods = uncountedOf(stillSucceeded, stillFailed)
  return true
}

function uncountedOf(succeeded: string[], failed: string[]): { succeeded?: string[]; failed?: string[] } {
  return { ...(succeeded.length === 0 ? {} : { succeeded }), ...(failed.length === 0 ? {} : { failed }) }
}

interface Counting {
  readonly toRelease: readonly DeepReadonly<Pod>[]
  readonly hasChanged: boolean
  /** There are more; the next look takes them. */
  readonly isCutShort: boolean
}

function countFinished(sync: JobSync): Counting {
  const { job, uncounted, completions } = sync
  const succeeded = [...(job.status.uncountedTerminatedPods?.succeeded ?? [])]
  const failed = [...(job.status.uncountedTerminatedPods?.failed ?? [])]
  const before = succeeded.length + failed.length
  const newIndexes: number[] = []
  const toRelease: DeepReadonly<Pod>[] = []
  let isCutShort = false
  for (const pod of inIndexOrder(sync)) {
    if (!isTracked(sync, pod) || !canRelease(sync, pod)) continue
    toRelease.push(pod)
    const { uid = '' } = pod.metadata
    const index = completionIndexOf(pod, completions)
    if (pod.status?.phase === 'Succeeded' && !uncounted.failed.has(uid)) {
      if (isIndexed(job)) {
        if (index !== undefined && !sync.previousIndexes.has(index)) newIndexes.push(index)
      } else if (!uncounted.succeeded.has(uid)) succeeded.push(uid)
    } else if (countsAsFailed(sync, pod) && !uncounted.failed.has(uid) && (!isIndexed(job) || index !== undefined)) {
      if (matchPodFailurePolicy(job.spec.podFailurePolicy, pod).isCounted) failed.push(uid)
    }
    if (newIndexes.length + succeeded.length + failed.length >= UNCOUNTED_MAX) {
      isCutShort = true
      break
    }
  }
  job.status.uncountedTerminatedPods = uncountedOf(succeeded, failed)
  sync.succeededIndexes = sync.previousIndexes.with(newIndexes)
  return { toRelease, hasChanged: succeeded.length + failed.length > before, isCutShort }
}

function inIndexOrder({ job, pods }: JobSync): readonly DeepReadonly<Pod>[] {
  if (!isIndexed(job)) return pods
  return [...pods].sort((a, b) => (completionIndexOf(a) ?? -1) - (completionIndexOf(b) ?? -1))
}

function canRelease({ job, finished, keptPods }: JobSync, pod: DeepReadonly<Pod>): boolean {
  if (job.metadata.deletionTimestamp !== undefined || finished !== undefined) return true
  if (pod.status?.phase === 'Succeeded') return true
  if (!isPodFailed(pod, job)) return false
  const index = completionIndexOf(pod)
  return index === undefined || keptPods.get(index)?.metadata.uid !== pod.metadata.uid
}

/** When the Job has failed, whatever has not finished counts as failed. */
function countsAsFailed({ job, finished }: JobSync, pod: DeepReadonly<Pod>): boolean {
  return isPodFailed(pod, job) || (finished !== undefined && finished.type !== 'SuccessCriteriaMet')
}

function writeIndexes(sync: JobSync): boolean {
  const { job, succeededIndexes, failedIndexes } = sync
  if (!isIndexed(job)) return false
  const completed = succeededIndexes.toString()
  const failed = failedIndexes?.toString()
  const hasChanged = completed !== (job.status.completedIndexes ?? '') || failed !== job.status.failedIndexes
  if (succeededIndexes.total === 0) delete job.status.succeeded
  else job.status.succeeded = succeededIndexes.total
  if (completed === '') delete job.status.completedIndexes
  else job.status.completedIndexes = completed
  if (failed === undefined) delete job.status.failedIndexes
  else job.status.failedIndexes = failed
  return hasChanged
}
