/**
 * Which Pods (or ReplicaSets) belong to a workload: adopts matching orphans, releases owned ones that no longer match.
 * Upstream: pkg/controller/controller_ref_manager.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { combined } from '#machinery/meta/error-context.ts'
import { isInvalid, isNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { controllerOf, newControllerReference } from '#sdk'
import { isStillThere } from './owner-recheck.ts'

/** Index of what nobody controls, by `namespace/`. */
export const ORPHAN_INDEX = 'orphan'

export function orphanIndexOf(object: DeepReadonly<KubeObject>): readonly string[] {
  return controllerOf(object) === undefined ? [orphanIndexValue(object.metadata.namespace)] : []
}

export const orphanIndexValue = (namespace: string | undefined): string => `${namespace ?? ''}/`

/** Who claims, and how. */
export interface Claim {
  readonly owner: DeepReadonly<KubeObject>
  readonly resource: Resource
  /** What is claimed. */
  readonly children: Resource
  readonly selector: LabelSelectorMatcher
  /** What else a child must be to belong to the owner. */
  accepts?(child: DeepReadonly<KubeObject>): boolean
  /** Set on what is adopted, removed from what is released. */
  readonly finalizer?: string
}

/**
 * `candidates`: objects the owner controls, and objects of its namespace that nobody controls. One that cannot be adopted or
 * released keeps no other from it; then it throws.
 */
export async function claim<T extends KubeObject>(
  how: Claim,
  candidates: readonly DeepReadonly<T>[],
  client: Client,
  signal: AbortSignal,
): Promise<readonly DeepReadonly<T>[]> {
  const { owner, selector } = how
  const isGoing = owner.metadata.deletionTimestamp !== undefined
  const claimed: DeepReadonly<T>[] = []
  let isAdoptionAllowed: boolean | undefined
  const errors: unknown[] = []
  const patch = (child: DeepReadonly<T>, body: object): Promise<boolean> =>
    ignoreGone(client.patch(how.children, objectKeyOf(child), { type: 'strategic', body }, { signal })).catch(
      (err: unknown) => {
        signal.throwIfAborted()
        errors.push(err)
        return false
      },
    )
  for (const child of candidates) {
    const controller = controllerOf(child)
    const isMatching = selector.matches(child.metadata.labels) && (how.accepts?.(child) ?? true)
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue
      if (isMatching || isGoing) claimed.push(child)
      else await patch(child, releasePatch(how, child))
      continue
    }
    if (!isMatching || isGoing || child.metadata.deletionTimestamp !== undefined) continue
    // Adopting for an owner that is gone, or another of its name, would leave Pods nobody deletes.
    isAdoptionAllowed ??= await isStillThere(client, how.resource, how.owner, signal)
    if (isAdoptionAllowed && (await patch(child, adoptPatch(how, child)))) claimed.push(withFinalizer(how, child))
  }
  const error = combined(errors)
  if (error !== undefined) throw error
  return claimed
}

function adoptPatch({ owner, resource, finalizer }: Claim, child: DeepReadonly<KubeObject>): object {
  const ownerReferences = [newControllerReference(owner, resource)]
  const finalizers = finalizer === undefined ? {} : { finalizers: [finalizer] }
  return { metadata: { uid: child.metadata.uid, ownerReferences, ...finalizers } }
}

function releasePatch({ owner, finalizer }: Claim, child: DeepReadonly<KubeObject>): object {
  return {
    metadata: {
      uid: child.metadata.uid,
      ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
      ...(finalizer === undefined ? {} : { '$deleteFromPrimitiveList/finalizers': [finalizer] }),
    },
  }
}

/** False: it is gone. Invalid: what has its name has another UID by now. */
async function ignoreGone(patched: Promise<unknown>): Promise<boolean> {
  try {
    await patched
    return true
  } catch (err: unknown) {
    if (!isNotFound(err) && !isInvalid(err)) throw err
    return false
  }
}

function withFinalizer<T extends KubeObject>({ finalizer }: Claim, child: DeepReadonly<T>): DeepReadonly<T> {
  if (finalizer === undefined || child.metadata.finalizers?.includes(finalizer) === true) return child
  const copy = deepCopy<T>(child)
  copy.metadata.finalizers = [...(copy.metadata.finalizers ?? []), finalizer]
  return copy as DeepReadonly<T>
}
