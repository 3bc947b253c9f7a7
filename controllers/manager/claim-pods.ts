/**
 * Which Pods belong to a workload: adopts matching orphans, releases owned Pods that no longer match.
 * Upstream: pkg/controller/controller_ref_manager.go.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isInvalid, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { controllerOf, newControllerReference } from '#sdk'
import type { PodControl } from './pod-control.ts'

/** Index over Pods: `namespace/` for those nobody controls. */
export const ORPHAN_INDEX = 'orphan'

export function orphanIndexOf(pod: DeepReadonly<Pod>): readonly string[] {
  return controllerOf(pod) === undefined ? [orphanIndexValue(pod.metadata.namespace)] : []
}

export const orphanIndexValue = (namespace: string | undefined): string => `${namespace ?? ''}/`

/** Who claims, and how. */
export interface Claim {
  readonly owner: DeepReadonly<KubeObject>
  readonly resource: Resource
  readonly selector: LabelSelectorMatcher
  /** Set on what is adopted, removed from what is released. */
  readonly finalizer?: string
}

/** `candidates`: Pods the owner controls, and Pods of its namespace that nobody controls. */
export async function claimPods(
  claim: Claim,
  candidates: readonly DeepReadonly<Pod>[],
  tools: { readonly client: Client; readonly pods: PodControl },
  signal: AbortSignal,
): Promise<readonly DeepReadonly<Pod>[]> {
  const { owner, selector } = claim
  const isGoing = owner.metadata.deletionTimestamp !== undefined
  const claimed: DeepReadonly<Pod>[] = []
  let isAdoptionAllowed: boolean | undefined
  for (const pod of candidates) {
    const controller = controllerOf(pod)
    const isMatching = selector.matches(pod.metadata.labels)
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue
      if (isMatching || isGoing) claimed.push(pod)
      else await ignoreGone(tools.pods.patch(pod, releasePatch(claim, pod), signal))
      continue
    }
    if (!isMatching || isGoing || pod.metadata.deletionTimestamp !== undefined) continue
    isAdoptionAllowed ??= await isStillThere(tools.client, claim, signal)
    if (!isAdoptionAllowed) continue
    if (await ignoreGone(tools.pods.patch(pod, adoptPatch(claim, pod), signal))) claimed.push(withFinalizer(claim, pod))
  }
  return claimed
}

/** Adopting for an owner that is gone, or another of its name, would leave Pods nobody deletes. */
async function isStillThere(client: Client, { owner, resource }: Claim, signal: AbortSignal): Promise<boolean> {
  const live = await client.get(resource, objectKeyOf(owner), { signal }).catch(undefinedIfNotFound)
  return live !== undefined && live.metadata.uid === owner.metadata.uid && live.metadata.deletionTimestamp === undefined
}

function adoptPatch({ owner, resource, finalizer }: Claim, pod: DeepReadonly<Pod>): object {
  const ownerReferences = [newControllerReference(owner, resource)]
  const finalizers = finalizer === undefined ? {} : { finalizers: [finalizer] }
  return { metadata: { uid: pod.metadata.uid, ownerReferences, ...finalizers } }
}

function releasePatch({ owner, finalizer }: Claim, pod: DeepReadonly<Pod>): object {
  return {
    metadata: {
      uid: pod.metadata.uid,
      ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
      ...(finalizer === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': [finalizer] }),
    },
  }
}

/** False: the Pod is gone. Invalid: the Pod of this name has another UID by now. */
async function ignoreGone(patched: Promise<void>): Promise<boolean> {
  try {
    await patched
    return true
  } catch (err: unknown) {
    if (!isNotFound(err) && !isInvalid(err)) throw err
    return false
  }
}

function withFinalizer({ finalizer }: Claim, pod: DeepReadonly<Pod>): DeepReadonly<Pod> {
  if (finalizer === undefined || pod.metadata.finalizers?.includes(finalizer) === true) return pod
  const copy = deepCopy<Pod>(pod)
  copy.metadata.finalizers = [...(copy.metadata.finalizers ?? []), finalizer]
  return copy
}
