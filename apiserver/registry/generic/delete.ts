/**
 * Delete: at once, or by marking the object and waiting for finalizers or for the grace period.
 * Upstream: apiserver pkg/registry/rest/delete.go; registry/store.go Delete.
 */
import type { DeleteOptions, KubeObject } from '#machinery/api/meta/v1.ts'
import { newConflict, newNotFound, newTimeout } from '#machinery/meta/errors.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'
import { StorageError } from '../../storage/interface.ts'
import { admissionAttributes } from './admission-chain.ts'
import { storedApiVersion } from './conversion.ts'
import { finalizersFor, hasPendingFinalizers } from './finalizers.ts'
import type { DeleteRequest, ResourceDefinition } from './interfaces.ts'
import { interpretError } from './interpret-error.ts'
import { inStoredOrder, isUnchanged } from './object-order.ts'
import type { StoreParts } from './store.ts'
import { transientObject } from './transient-object.ts'

const ATTEMPTS_MAX = 100

interface DeleteResult {
  readonly object: CachedObject
  readonly isDeleted: boolean
}

export async function deleteObject(parts: StoreParts, request: DeleteRequest): Promise<DeleteResult> {
  const { definition, objects } = parts
  const key = objects.keyOf(definition.namespaced ? request.context.namespace : '', request.name)
  for (let attempt = 0; attempt < ATTEMPTS_MAX && !(attempt > 0 && request.context.signal.aborted); attempt++) {
    const current = await objects.get(key)
    if (current === undefined) throw newNotFound(definition, request.name)
    try {
      return await deleteCurrent(parts, request, current)
    } catch (err) {
      // Somebody changed it meanwhile: decide again on what is there now. Gone counts as not found.
      const isLostRace = err instanceof StorageError && err.code === 'Conflict'
      if (!isLostRace) throw interpretError(err, 'delete', definition, request.name)
    }
  }
  throw newTimeout('too many concurrent writes to the object', 1)
}

async function deleteCurrent(parts: StoreParts, request: DeleteRequest, current: CachedObject): Promise<DeleteResult> {
  const { definition, objects, admission } = parts
  const { context, deleteOptions } = request
  checkPreconditions(definition, request.name, deleteOptions, current)
  const plan = planDeletion(definition, request, current)
  if (plan.type === 'pending') return { object: current, isDeleted: false }
  // Of a collection it is the request that is admitted, object by object: it has no name.
  const name = request.isCollection === true ? '' : request.name
  const subject = { operation: 'DELETE', name, object: undefined, oldObject: current.object } as const
  const attributes = admissionAttributes(definition, request, subject)
  const admitted = admission.admit(attributes)
  if (admitted instanceof Promise) await admitted
  const validated = admission.validate(attributes)
  if (validated instanceof Promise) await validated

  if (plan.type === 'unchanged') return { object: current, isDeleted: false }
  if (plan.type === 'mark') {
    if (context.isDryRun) return { object: transientObject(current.key, plan.draft), isDeleted: false }
    return { object: await objects.update(current, plan.draft), isDeleted: false }
  }
  if (context.isDryRun) return { object: current, isDeleted: true }
  const deleted = await objects.delete(current)
  await definition.hooks?.afterDelete?.(current.object, context)
  return { object: deleted, isDeleted: true }
}

function checkPreconditions(
  definition: ResourceDefinition,
  name: string,
  options: DeleteOptions,
  current: CachedObject,
): void {
  const { uid, resourceVersion } = options.preconditions ?? {}
  const meta = current.object.metadata
  // Upstream names the kind here, where other errors name the resource.
  const { group, kind: resource } = definition
  if (uid !== undefined && uid !== meta.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${meta.uid ?? ''}). The object might have been deleted and then recreated`
    throw newConflict({ group, resource }, name, why)
  }
  if (resourceVersion !== undefined && resourceVersion !== meta.resourceVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${meta.resourceVersion ?? ''}). The object might have been modified`
    throw newConflict({ group, resource }, name, why)
  }
}

type DeletionPlan =
  | { readonly type: 'now' }
  /** The grace period runs and is not shortened: not even admission is asked. */
  | { readonly type: 'pending' }
  /** Waits for finalizers already. */
  | { readonly type: 'unchanged' }
  | { readonly type: 'mark'; readonly draft: KubeObject }

function planDeletion(definition: ResourceDefinition, request: DeleteRequest, current: CachedObject): DeletionPlan {
  const { strategy, deleteOptions, context } = request
  const old = current.object
  const graceSeconds = strategy.gracePeriodSeconds?.(old, deleteOptions)
  const newFinalizers = finalizersFor(old, strategy, deleteOptions)
  const isUnencumbered = newFinalizers === undefined && !hasPendingFinalizers(old, strategy)
  if (graceSeconds === undefined && isUnencumbered && strategy.beforeDelete === undefined) return { type: 'now' }

  const draft = deepCopy<KubeObject>(old)
  const grace = markGracefully(draft, deleteOptions, graceSeconds, context.clock.now())
  if (grace === 'pending') return { type: 'pending' }
  if (newFinalizers !== undefined) draft.metadata.finalizers = newFinalizers
  if (old.metadata.deletionTimestamp === undefined) strategy.beforeDelete?.(draft, context)
  const isPending = hasPendingFinalizers(draft, strategy)
  if (grace === 'none' && !isPending) return { type: 'now' }
  if (grace === 'marked' && !isPending && draft.metadata.deletionGracePeriodSeconds === 0) return { type: 'now' }
  if (grace === 'none') markForFinalizers(draft, context.clock.now())
  delete draft.metadata.resourceVersion
  const stored = inStoredOrder(draft, definition.kind, storedApiVersion(definition))
  return isUnchanged(stored, current) ? { type: 'unchanged' } : { type: 'mark', draft: stored }
}

/** Upstream's BeforeDelete: a running grace period can only be shortened. */
function markGracefully(
  draft: KubeObject,
  options: DeleteOptions,
  graceSeconds: number | undefined,
  now: Date,
): 'none' | 'marked' | 'pending' {
  if (graceSeconds === undefined) return 'none'
  const meta = draft.metadata
  if (meta.deletionTimestamp !== undefined) {
    const running = meta.deletionGracePeriodSeconds ?? 0
    if (running === 0) return 'none'
    const requested = requestedSeconds(options)
    if (requested === undefined || requested >= running) return 'pending'
    const endMs = Date.parse(meta.deletionTimestamp) + (requested - running) * 1000
    const isOver = endMs < now.getTime()
    meta.deletionTimestamp = formatTime(isOver ? now : new Date(endMs))
    // What is to be graceful stays so: whoever runs the object still has the last word.
    meta.deletionGracePeriodSeconds = isOver && requested !== 0 ? 1 : requested
    return 'marked'
  }
  meta.deletionTimestamp = formatTime(new Date(now.getTime() + graceSeconds * 1000))
  meta.deletionGracePeriodSeconds = graceSeconds
  if (meta.generation !== undefined && meta.generation > 0) meta.generation++
  return 'marked'
}

/** Negative means as soon as it can be done gracefully. */
function requestedSeconds({ gracePeriodSeconds }: DeleteOptions): number | undefined {
  return gracePeriodSeconds !== undefined && gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds
}

/** Upstream's markAsDeleting. */
function markForFinalizers(draft: KubeObject, now: Date): void {
  const meta = draft.metadata
  const isFirst = meta.deletionGracePeriodSeconds === undefined && meta.deletionTimestamp === undefined
  if (isFirst && meta.generation !== undefined && meta.generation > 0) meta.generation++
  if (meta.deletionTimestamp === undefined || Date.parse(meta.deletionTimestamp) > now.getTime()) {
    meta.deletionTimestamp = formatTime(now)
  }
  meta.deletionGracePeriodSeconds = 0
}
