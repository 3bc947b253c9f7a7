/**
 * Which Pods are a Job's: adopts matching orphans, releases owned Pods that no longer match.
 * Upstream: pkg/controller/controller_ref_manager.go.
 */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isInvalid, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { controllerOf, newControllerReference } from '#sdk'
import type { PodControl } from '../manager/pod-control.ts'
import { hasTrackingFinalizer, TRACKING_FINALIZER } from './pod-facts.ts'

/** `candidates`: Pods the Job controls, and Pods of its namespace that nobody controls. */
export async function claimPods(
  job: DeepReadonly<Job>,
  candidates: readonly DeepReadonly<Pod>[],
  tools: { readonly client: Client; readonly pods: PodControl },
  signal: AbortSignal,
): Promise<readonly DeepReadonly<Pod>[]> {
  const selector = labelSelectorAsMatcher(job.spec.selector)
  const isGoing = job.metadata.deletionTimestamp !== undefined
  const claimed: DeepReadonly<Pod>[] = []
  let isAdoptionAllowed: boolean | undefined
  for (const pod of candidates) {
    const controller = controllerOf(pod)
    const isMatching = selector.matches(pod.metadata.labels)
    if (controller !== undefined) {
      if (controller.uid !== job.metadata.uid) continue
      if (isMatching || isGoing) claimed.push(pod)
      else await ignoreGone(tools.pods.patch(pod, releasePatch(job, pod), signal))
      continue
    }
    if (!isMatching || isGoing || pod.metadata.deletionTimestamp !== undefined) continue
    isAdoptionAllowed ??= await isStillThere(tools.client, job, signal)
    if (!isAdoptionAllowed) continue
    await ignoreGone(tools.pods.patch(pod, adoptPatch(job, pod), signal))
    claimed.push(withFinalizer(pod))
  }
  return claimed
}

/** Adopting for a Job that is gone, or another of its name, would leave Pods nobody deletes. */
async function isStillThere(client: Client, job: DeepReadonly<Job>, signal: AbortSignal): Promise<boolean> {
  const live = await client.get(JOBS, objectKeyOf(job), { signal }).catch(undefinedIfNotFound)
  return live !== undefined && live.metadata.uid === job.metadata.uid && live.metadata.deletionTimestamp === undefined
}

function adoptPatch(job: DeepReadonly<Job>, pod: DeepReadonly<Pod>): object {
  const ownerReferences = [newControllerReference(job, JOBS)]
  return { metadata: { uid: pod.metadata.uid, ownerReferences, finalizers: [TRACKING_FINALIZER] } }
}

function releasePatch(job: DeepReadonly<Job>, pod: DeepReadonly<Pod>): object {
  return {
    metadata: {
      uid: pod.metadata.uid,
      ownerReferences: [{ $patch: 'delete', uid: job.metadata.uid }],
      '$deleteFromPrimitiveList/finalizers': [TRACKING_FINALIZER],
    },
  }
}

/** Invalid: the Pod of this name has another UID by now. */
async function ignoreGone(patched: Promise<void>): Promise<void> {
  await patched.catch((err: unknown) => {
    if (!isNotFound(err) && !isInvalid(err)) throw err
  })
}

function withFinalizer(pod: DeepReadonly<Pod>): DeepReadonly<Pod> {
  if (hasTrackingFinalizer(pod)) return pod
  const copy = deepCopy<Pod>(pod)
  copy.metadata.finalizers = [...(copy.metadata.finalizers ?? []), TRACKING_FINALIZER]
  return copy
}
