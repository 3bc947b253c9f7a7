/**
 * One look at a Job and its Pods: the counts and sets every later decision is made from. Made fresh for each reconcile;
 * `job` is the reconcile's own copy, whose status the steps fill in. Upstream: syncJobCtx.
 */
import type { Job, JobCondition, JobStatus } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodActive, isPodReady, isPodTerminating } from '../manager/pod-control.ts'
import { CompletionIndexes } from './completion-indexes.ts'
import type { BackoffRecord } from './pod-backoff.ts'
import { nextBackoffRecord } from './pod-backoff.ts'
import {
  completionIndexOf,
  finishedMs,
  hasBackoffLimitPerIndex,
  hasTrackingFinalizer,
  indexFailuresOf,
  isIndexed,
  isPodFailed,
} from './pod-facts.ts'
import { matchPodFailurePolicy } from './pod-failure-policy.ts'

export interface JobSync {
  job: Job & { status: JobStatus }
  readonly pods: readonly DeepReadonly<Pod>[]
  readonly activePods: readonly DeepReadonly<Pod>[]
  /** Pods whose finalizer has been removed already, though the cache does not show it yet. */
  readonly expectedRemovals: ReadonlySet<string>
  readonly uncounted: { readonly succeeded: ReadonlySet<string>; readonly failed: ReadonlySet<string> }
  readonly completions: number
  readonly backoff: BackoffRecord
  /** Counts that go on while the reconcile creates and deletes. */
  active: number
  ready: number
  terminating: number
  succeeded: number
  readonly failed: number
  /** Indexed Jobs only: before and with this look. */
  readonly previousIndexes: CompletionIndexes
  succeededIndexes: CompletionIndexes
  /** With backoffLimitPerIndex only. */
  readonly failedIndexes: CompletionIndexes | undefined
  /** The failed Pod of an index that is kept until its replacement has taken over the failure count. */
  readonly keptPods: ReadonlyMap<number, DeepReadonly<Pod>>
  /** The Job is to end like this. */
  finished: JobCondition | undefined
  /** When to look again even if nothing happens. */
  requeueAfterMs: number | undefined
}

export interface JobView {
  readonly job: DeepReadonly<Job>
  readonly pods: readonly DeepReadonly<Pod>[]
  readonly expectedRemovals: ReadonlySet<string>
  readonly backoff: BackoffRecord
}

export function newJobSync(view: JobView): JobSync {
  const { pods, expectedRemovals } = view
  const copy = deepCopy<Job>(view.job)
  const job = { ...copy, status: copy.status ?? {} }
  job.status.uncountedTerminatedPods ??= {}
  const completions = job.spec.completions ?? Number.POSITIVE_INFINITY
  const { succeeded = [], failed = [] } = job.status.uncountedTerminatedPods
  const uncounted = { succeeded: new Set(succeeded), failed: new Set(failed) }
  const isNew = (pod: DeepReadonly<Pod>, counted: ReadonlySet<string>): boolean => {
    const { uid = '' } = pod.metadata
    if (!hasTrackingFinalizer(pod) || counted.has(uid) || expectedRemovals.has(uid)) return false
    return !isIndexed(job) || completionIndexOf(pod, completions) !== undefined
  }
  const hasSucceeded = succeedsUnless(uncounted.failed, expectedRemovals)
  const newSucceeded = pods.filter((pod) => hasSucceeded(pod) && isNew(pod, uncounted.succeeded))
  const newFailed = pods.filter((pod) => isPodFailed(pod, job) && isNew(pod, uncounted.failed))
  const counted = newFailed.filter((pod) => matchPodFailurePolicy(job.spec.podFailurePolicy, pod).isCounted)
  const activePods = pods.filter(isPodActive)
  const indexes = indexSets(job, pods, completions, hasSucceeded)
  return {
    job,
    pods,
    activePods,
    expectedRemovals,
    uncounted,
    completions,
    backoff: nextBackoffRecord(view.backoff, newSucceeded, newFailed),
    active: activePods.length,
    ready: activePods.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    succeeded: isIndexed(job)
      ? indexes.succeededIndexes.total
      : (job.status.succeeded ?? 0) + newSucceeded.length + succeeded.length,
    failed: (job.status.failed ?? 0) + counted.length + failed.length,
    ...indexes,
    keptPods: keptPods(job, newFailedCandidates(pods, isNew), activePods, indexes),
    finished: undefined,
    requeueAfterMs: undefined,
  }
}

/**
 * One that was noted as a failure while it was being deleted stays one, though it ends well: it is replaced. So it does when it has been
 * counted and let go, and the cache shows it still: whatever it was counted as stands in the status. Differs: upstream counts it here as a
 * success as well, and may complete a Job one short.
 */
const succeedsUnless =
  (noted: ReadonlySet<string>, released: ReadonlySet<string>) =>
  ({ metadata: { uid = '' }, status }: DeepReadonly<Pod>): boolean =>
    status?.phase === 'Succeeded' && !noted.has(uid) && !released.has(uid)

/** Asks for a look at the earliest of all times asked for. */
export function lookAgain(sync: JobSync, delayMs: number): void {
  sync.requeueAfterMs = Math.min(sync.requeueAfterMs ?? Number.POSITIVE_INFINITY, delayMs)
}

interface IndexSets {
  readonly previousIndexes: CompletionIndexes
  readonly succeededIndexes: CompletionIndexes
  readonly failedIndexes: CompletionIndexes | undefined
}

function indexSets(
  job: Job,
  pods: readonly DeepReadonly<Pod>[],
  completions: number,
  hasSucceeded: (pod: DeepReadonly<Pod>) => boolean,
): IndexSets {
  const { NONE } = CompletionIndexes
  if (!isIndexed(job)) return { previousIndexes: NONE, succeededIndexes: NONE, failedIndexes: undefined }
  const indexesOf = (matches: (pod: DeepReadonly<Pod>) => boolean): number[] =>
    pods
      .filter((pod) => hasTrackingFinalizer(pod) && matches(pod))
      .map((pod) => completionIndexOf(pod, completions))
      .filter((index) => index !== undefined)
  const previousIndexes = CompletionIndexes.parse(job.status?.completedIndexes, completions)
  const succeededIndexes = previousIndexes.with(indexesOf(hasSucceeded))
  if (!hasBackoffLimitPerIndex(job)) return { previousIndexes, succeededIndexes, failedIndexes: undefined }
  const failedBefore = CompletionIndexes.parse(job.status?.failedIndexes, completions)
  return {
    previousIndexes,
    succeededIndexes,
    failedIndexes: failedBefore.with(indexesOf((pod) => isIndexFailed(pod, job))),
  }
}

function isIndexFailed(pod: DeepReadonly<Pod>, job: Job): boolean {
  if (!isPodFailed(pod, job)) return false
  const { action, isCounted } = matchPodFailurePolicy(job.spec.podFailurePolicy, pod)
  if (action === 'FailIndex') return true
  return isCounted && indexFailuresOf(pod).counted >= (job.spec.backoffLimitPerIndex ?? 0)
}

function newFailedCandidates(
  pods: readonly DeepReadonly<Pod>[],
  isNew: (pod: DeepReadonly<Pod>, counted: ReadonlySet<string>) => boolean,
): readonly DeepReadonly<Pod>[] {
  const none = new Set<string>()
  return pods.filter((pod) => isNew(pod, none))
}

function keptPods(
  job: Job,
  candidates: readonly DeepReadonly<Pod>[],
  activePods: readonly DeepReadonly<Pod>[],
  { succeededIndexes, failedIndexes }: IndexSets,
): ReadonlyMap<number, DeepReadonly<Pod>> {
  const kept = new Map<number, DeepReadonly<Pod>>()
  if (failedIndexes === undefined) return kept
  const activeIndexes = new Set(activePods.map((pod) => completionIndexOf(pod)))
  for (const pod of candidates) {
    const index = completionIndexOf(pod)
    if (index === undefined || !isPodFailed(pod, job) || activeIndexes.has(index)) continue
    if (succeededIndexes.has(index) || failedIndexes.has(index)) continue
    const other = kept.get(index)
    if (other === undefined || failuresOf(other) <= failuresOf(pod)) {
      const isLater = other === undefined || finishedMs(pod) >= finishedMs(other)
      if (isLater) kept.set(index, pod)
    }
  }
  return kept
}

export function failuresOf(pod: DeepReadonly<Pod>): number {
  const { counted, ignored } = indexFailuresOf(pod)
  return counted + ignored
}
