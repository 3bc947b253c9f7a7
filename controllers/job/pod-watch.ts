/**
 * What Pod changes mean to the Job controller: expectations met, Jobs to look at, orphans to release. Runs inside the
 * informer's handler, so it only notes things. Upstream: pkg/controller/job/job_controller.go addPod, updatePod, deletePod.
 */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { OwnerReference } from '#machinery/api/meta/v1.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'
import { controllerOf } from '#sdk'
import type { Expectations } from '../manager/expectations.ts'
import type { FinalizerExpectations } from './finalizer-expectations.ts'
import { hasTrackingFinalizer, isJobFinished, isManagedByUs } from './pod-facts.ts'

/** Index over Pods: `namespace/job` for those a batch/v1 Job controls, `namespace/` for those nobody does. */
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
  return isJob(controller) ? [`${namespace}/${controller.name}`] : []
}

/** Other groups have Jobs too, and may use our finalizer on their Pods. */
function isJob({ apiVersion, kind }: DeepReadonly<OwnerReference>): boolean {
  return kind === JOBS.kind && apiVersion === apiVersionOf(JOBS)
}

export function podWatch({ jobs, expectations, removals, enqueue }: PodWatchDependencies): InformerHandler<Pod> {
  const ownerOf = (pod: DeepReadonly<Pod>): DeepReadonly<OwnerReference> | undefined => {
    const controller = controllerOf(pod)
    return controller !== undefined && isJob(controller) ? controller : undefined
  }
  const wakeOwner = (pod: DeepReadonly<Pod>): void => {
    const owner = ownerOf(pod)
    if (owner !== undefined) enqueue({ namespace: pod.metadata.namespace ?? '', name: owner.name }, BATCH_MS)
  }
  const wake = (pod: DeepReadonly<Pod>): void => {
    wakeOwner(pod)
    if (controllerOf(pod) !== undefined) return
    const adopters = pod.metadata.deletionTimestamp === undefined ? jobs.list(pod.metadata.namespace, adopts(pod)) : []
    for (const job of adopters) enqueue(objectKeyOf(job), BATCH_MS)
    if (adopters.length === 0 && hasTrackingFinalizer(pod)) enqueue(orphanKeyOf(pod))
  }
  const removalObserved = (pod: DeepReadonly<Pod>, uid: string | undefined): void => {
    const owner = ownerOf(pod)
    if (owner !== undefined) removals.observed(owner.uid, uid ?? '')
  }
  const going = (pod: DeepReadonly<Pod>, isGone: boolean): void => {
    const owner = ownerOf(pod)
    const { uid = '' } = pod.metadata
    if (owner !== undefined) expectations.deletionObserved(owner.uid, uid)
    if (isGone || !hasTrackingFinalizer(pod)) removalObserved(pod, uid)
    wake(pod)
  }
  return {
    onAdd(pod) {
      const owner = ownerOf(pod)
      if (pod.metadata.deletionTimestamp !== undefined) return going(pod, false)
      if (owner !== undefined) expectations.creationObserved(owner.uid)
      wake(pod)
    },
    onUpdate(old, pod) {
      if (isSameToAll(old, pod)) return
      if (old.metadata.uid !== pod.metadata.uid) {
        going(old, true)
        const owner = ownerOf(pod)
        if (owner !== undefined) expectations.creationObserved(owner.uid)
      }
      if (!hasTrackingFinalizer(pod)) for (const state of [old, pod]) removalObserved(state, pod.metadata.uid)
      if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) wakeOwner(old)
      if (pod.metadata.deletionTimestamp !== undefined) going(pod, false)
      else wake(pod)
    },
    onDelete: (pod) => going(pod, true),
  }
}

/** Pods that are no Job's change often: nobody has to look at what no Job could adopt before either. */
function isSameToAll(old: DeepReadonly<Pod>, pod: DeepReadonly<Pod>): boolean {
  const isFree = controllerOf(old) === undefined && controllerOf(pod) === undefined && !hasTrackingFinalizer(pod)
  return isFree && old.metadata.uid === pod.metadata.uid && deepEqual(old.metadata.labels, pod.metadata.labels)
}

/** Jobs that would take the orphan; whoever ends or belongs to another controller takes none. */
function adopts(pod: DeepReadonly<Pod>): (job: DeepReadonly<Job>) => boolean {
  return (job) =>
    job.metadata.deletionTimestamp === undefined &&
    !isJobFinished(job) &&
    isManagedByUs(job) &&
    labelSelectorAsMatcher(job.spec.selector).matches(pod.metadata.labels)
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
