/** What a Job needs to know of its Pods: index, finalizer, success or failure, when they finished. Pure. Upstream: pkg/controller/job. */
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking'
export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index'
const INDEX_FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count'
const INDEX_IGNORED_FAILURE_COUNT = 'batch.kubernetes.io/job-index-ignored-failure-count'

export interface IndexFailures {
  /** Failures that count towards backoffLimitPerIndex. */
  readonly counted: number
  readonly ignored: number
}

export function isIndexed(job: DeepReadonly<Job>): boolean {
  return job.spec.completionMode === 'Indexed'
}

export function isSuspended(job: DeepReadonly<Job>): boolean {
  return job.spec.suspend === true
}

/** spec.managedBy of Jobs that are ours. */
const MANAGED_BY_US = 'kubernetes.io/job-controller'

export function isManagedByUs({ spec }: DeepReadonly<Job>): boolean {
  return spec.managedBy === undefined || spec.managedBy === MANAGED_BY_US
}

export function isJobFinished(job: DeepReadonly<Job>): boolean {
  return (
    job.status?.conditions?.some(
      ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
    ) ?? false
  )
}

export function hasBackoffLimitPerIndex(job: DeepReadonly<Job>): boolean {
  return job.spec.backoffLimitPerIndex !== undefined
}

/** Terminating Pods count as still there: they are replaced only once they have failed. */
export function replacesOnlyFailedPods(job: DeepReadonly<Job>): boolean {
  return job.spec.podReplacementPolicy === 'Failed' || job.spec.podFailurePolicy !== undefined
}

export function hasTrackingFinalizer(pod: DeepReadonly<Pod>): boolean {
  return pod.metadata.finalizers?.includes(TRACKING_FINALIZER) ?? false
}

/** Undefined when the Pod has none, or none this Job could have given it. */
export function completionIndexOf(pod: DeepReadonly<Pod>, completions = Number.POSITIVE_INFINITY): number | undefined {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX]
  if (text === undefined || !/^\d+$/.test(text)) return undefined
  const index = Number(text)
  return index < completions ? index : undefined
}

/** A Pod that is being deleted without having finished counts as failed: it may never get the chance. */
export function isPodFailed(pod: DeepReadonly<Pod>, job: DeepReadonly<Job>): boolean {
  if (pod.status?.phase === 'Failed') return true
  if (replacesOnlyFailedPods(job)) return false
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded'
}

export function indexFailuresOf(pod: DeepReadonly<Pod>): IndexFailures {
  const count = (name: string): number => Number(pod.metadata.annotations?.[name] ?? '0') || 0
  return { counted: count(INDEX_FAILURE_COUNT), ignored: count(INDEX_IGNORED_FAILURE_COUNT) }
}

export function indexFailureAnnotations({ counted, ignored }: IndexFailures): Record<string, string> {
  const annotations: Record<string, string> = { [INDEX_FAILURE_COUNT]: String(counted) }
  if (ignored > 0) annotations[INDEX_IGNORED_FAILURE_COUNT] = String(ignored)
  return annotations
}

/** When the last container or sidecar ended; for Pods that never ran, the best approximation there is. */
export function finishedMs(pod: DeepReadonly<Pod>): number {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const isSidecar = ({ name }: { readonly name: string }): boolean =>
    pod.spec?.initContainers?.some((container) => container.name === name && container.restartPolicy === 'Always') ??
    false
  const ends = [...containerStatuses, ...initContainerStatuses.filter(isSidecar)].map(({ state }) =>
    Date.parse(state?.terminated?.finishedAt ?? ''),
  )
  if (ends.length > 0 && ends.every((end) => !Number.isNaN(end))) return Math.max(...ends)
  const notReady = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'False')
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata
  if (notReady?.lastTransitionTime !== undefined) return Date.parse(notReady.lastTransitionTime)
  if (deletionTimestamp !== undefined) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1_000
  return Date.parse(creationTimestamp ?? '') || 0
}
