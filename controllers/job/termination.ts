/**
 * Whether and why a Job is to end: the first reason in upstream's order. Pure.
 * Upstream: pkg/controller/job/job_controller.go syncJob.
 */
import type { Job, JobCondition } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newCondition, trueCondition } from './conditions.ts'
import type { JobSync } from './job-sync.ts'
import { lookAgain } from './job-sync.ts'
import { hasBackoffLimitPerIndex, isIndexed, isPodFailed, isSuspended } from './pod-facts.ts'
import { matchPodFailurePolicy } from './pod-failure-policy.ts'
import { matchSuccessPolicy } from './success-policy.ts'

const DEFAULT_BACKOFF_LIMIT = 6

/** Sets `sync.finished`, or when to look again for the active deadline. */
export function decideTermination(sync: JobSync, now: Date): void {
  const failure = (reason: string, message: string): JobCondition =>
    newCondition({ type: 'FailureTarget', status: 'True', reason, message }, now)
  sync.finished =
    decidedBefore(sync.job, now) ??
    failedByPolicy(sync, failure) ??
    failedByLimit(sync, now, failure) ??
    failedByIndexes(sync, failure) ??
    succeededByPolicy(sync, now)
}

type NewFailure = (reason: string, message: string) => JobCondition

function decidedBefore(job: DeepReadonly<Job>, now: Date): JobCondition | undefined {
  const success = trueCondition(job, 'SuccessCriteriaMet')
  if (success !== undefined) return deepCopy<JobCondition>(success)
  const failure = trueCondition(job, 'FailureTarget')
  if (failure === undefined) return undefined
  const { reason = '', message = '' } = failure
  return newCondition({ type: 'Failed', status: 'True', reason, message }, now)
}

function failedByPolicy({ job, pods }: JobSync, failure: NewFailure): JobCondition | undefined {
  const policy = job.spec.podFailurePolicy
  if (policy === undefined) return undefined
  for (const pod of pods) {
    if (!isPodFailed(pod, job)) continue
    const { failJobMessage } = matchPodFailurePolicy(policy, pod)
    if (failJobMessage !== undefined) return failure('PodFailurePolicy', failJobMessage)
  }
  return undefined
}

function failedByLimit(sync: JobSync, now: Date, failure: NewFailure): JobCondition | undefined {
  const { job, pods, failed } = sync
  const limit = backoffLimitOf(job)
  if (failed > limit || isPastLimitOnFailure(job, pods, limit))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  const { activeDeadlineSeconds } = job.spec
  const { startTime } = job.status
  if (activeDeadlineSeconds === undefined || startTime === undefined || isSuspended(job)) return undefined
  const leftMs = Date.parse(startTime) + activeDeadlineSeconds * 1_000 - now.getTime()
  if (leftMs <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline')
  lookAgain(sync, leftMs)
  return undefined
}

function backoffLimitOf(job: DeepReadonly<Job>): number {
  const fallback = hasBackoffLimitPerIndex(job) ? Number.POSITIVE_INFINITY : DEFAULT_BACKOFF_LIMIT
  return job.spec.backoffLimit ?? fallback
}

/** With restartPolicy OnFailure the kubelet restarts containers in place: restarts count as failures. */
function isPastLimitOnFailure(job: DeepReadonly<Job>, pods: readonly DeepReadonly<Pod>[], limit: number): boolean {
  if (job.spec.template.spec?.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const { status } of pods) {
    if (status?.phase !== 'Running' && status?.phase !== 'Pending') continue
    for (const { restartCount } of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
      restarts += restartCount
  }
  return limit === 0 ? restarts > 0 : restarts >= limit
}

function failedByIndexes(
  { job, failedIndexes, succeededIndexes, completions }: JobSync,
  failure: NewFailure,
): JobCondition | undefined {
  if (failedIndexes === undefined) return undefined
  const { maxFailedIndexes } = job.spec
  if (maxFailedIndexes !== undefined && failedIndexes.total > maxFailedIndexes)
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  if (failedIndexes.total > 0 && failedIndexes.total + succeededIndexes.total >= completions)
    return failure('FailedIndexes', 'Job has failed indexes')
  return undefined
}

function succeededByPolicy({ job, succeededIndexes, completions }: JobSync, now: Date): JobCondition | undefined {
  if (!isIndexed(job)) return undefined
  const message = matchSuccessPolicy(job.spec.successPolicy, succeededIndexes, completions)
  if (message === undefined) return undefined
  return newCondition({ type: 'SuccessCriteriaMet', status: 'True', reason: 'SuccessPolicy', message }, now)
}

/** Enough Pods have succeeded and none is left. */
export function isComplete({ job, succeeded, active }: JobSync): boolean {
  if (active > 0) return false
  return job.spec.completions === undefined ? succeeded > 0 : succeeded >= job.spec.completions
}

export function completeCondition(now: Date): JobCondition {
  const reason = 'CompletionsReached'
  const message = 'Reached expected number of succeeded pods'
  return newCondition({ type: 'SuccessCriteriaMet', status: 'True', reason, message }, now)
}
