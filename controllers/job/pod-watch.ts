/**
 * What Pod changes mean to the Job controller: expectations met, Jobs to look at, orphans to release. Runs inside the
 * informer's handler, so it only notes things. Upstream: pkg/controller/job/job_controller.go addPod, updatePod, deletePod.
 */
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { keyString, objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'
import { controllerOf } from '#sdk'
import type { Expectations } from '../manager/expectations.ts'
import type { FinalizerExpectations } from './finalizer-expectations.ts'
import { hasTrackingFinalizer } from './pod-facts.ts'

/** Index over Pods: `namespace/job` for those a Job controls, `namespace/` for those nobody does. */
export const JOB_INDEX = 'job'
/** A burst of Pod changes is one look at the Job. Upstream: 1 s. */
const BATCH_MS = 100

export interface PodWatchDependencies {
  readonly jobs: Lister<Job>
  readonly expectations: Expectations
  readonly removals: FinalizerExpectations
  enqueue(key: ObjectKey, afterMs?: number): void
}

export function jobIndexOf(pod: DeepReadonly<Pod>): readonly string[] {
  const { namespace = '' } = pod.metadata
  const controller = controllerOf(pod)
  if (controller === undefined) return [`${namespace}/`]
  return controller.kind === 'Job' ? [`${namespace}/${controller.name}`] : []
}

export function podWatch({ jobs, expectations, removals, enqueue }: PodWatchDependencies): InformerHandler<Pod> {
  const jobKeyOf = (pod: DeepReadonly<Pod>): ObjectKey | undefined => {
    const controller = controllerOf(pod)
    const { namespace = '' } = pod.metadata
    return controller?.kind === 'Job' ? { namespace, name: controller.name } : undefined
  }
  const wake = (pod: DeepReadonly<Pod>): void => {
    const jobKey = jobKeyOf(pod)
    if (jobKey !== undefined) enqueue(jobKey, BATCH_MS)
    if (controllerOf(pod) !== undefined) return
    let isWanted = false
    for (const job of jobs.list(pod.metadata.namespace)) {
      if (!labelSelectorAsMatcher(job.spec.selector).matches(pod.metadata.labels)) continue
      isWanted = true
      enqueue(objectKeyOf(job), BATCH_MS)
    }
    if (!isWanted && hasTrackingFinalizer(pod)) enqueue(orphanKeyOf(pod))
  }
  const going = (pod: DeepReadonly<Pod>, isGone: boolean): void => {
    const jobKey = jobKeyOf(pod)
    const { uid = '' } = pod.metadata
    if (jobKey !== undefined) expectations.deletionObserved(keyString(jobKey), uid)
    if (jobKey !== undefined && (isGone || !hasTrackingFinalizer(pod))) removals.observed(keyString(jobKey), uid)
    wake(pod)
  }
  return {
    onAdd(pod) {
      const jobKey = jobKeyOf(pod)
      if (pod.metadata.deletionTimestamp !== undefined) going(pod, false)
      else if (jobKey !== undefined) expectations.creationObserved(keyString(jobKey))
      wake(pod)
    },
    onUpdate(old, pod) {
      const jobKey = jobKeyOf(pod)
      if (jobKey !== undefined && hasTrackingFinalizer(old) && !hasTrackingFinalizer(pod))
        removals.observed(keyString(jobKey), pod.metadata.uid ?? '')
      if (old.metadata.uid !== pod.metadata.uid) going(old, true)
      if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) wake(old)
      if (pod.metadata.deletionTimestamp !== undefined) going(pod, false)
      else wake(pod)
    },
    onDelete: (pod) => going(pod, true),
  }
}

/** Pods left without a Job are keys of their own, marked as no object's name can be. */
const ORPHAN_MARK = '!'

function orphanKeyOf(pod: DeepReadonly<Pod>): ObjectKey {
  return { namespace: pod.metadata.namespace ?? '', name: `${ORPHAN_MARK}${pod.metadata.name ?? ''}` }
}

/** The Pod an orphan key stands for; undefined for the key of a Job. */
export function orphanOf({ namespace = '', name }: ObjectKey): ObjectKey | undefined {
  return name.startsWith(ORPHAN_MARK) ? { namespace, name: name.slice(ORPHAN_MARK.length) } : undefined
}
