/**
 * Update: compare-and-swap against the current object, again when somebody else was faster. PUT, PATCH and the `view`
 * subresources all end here. Upstream: apiserver pkg/registry/rest/update.go; registry/store.go Update.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { StatusError } from '#machinery/meta/errors.ts'
import { newConflict, newInvalid, newModifiedConflict, newNotFound, newTimeout } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'
import { StorageError } from '../../storage/interface.ts'
import { checkAdmittedOwners } from '../managed-fields/admitted-owners.ts'
import { admissionAttributes } from './admission-chain.ts'
import { storedApiVersion } from './conversion.ts'
import { createObject, ensureNamespace, ttlOf } from './create.ts'
import { hasPendingFinalizers } from './finalizers.ts'
import type { UpdateRequest } from './interfaces.ts'
import { interpretError } from './interpret-error.ts'
import { validateFinalizerNames, validateMetadata, validateMetadataUpdate } from './metadata-validation.ts'
import { inStoredOrder, isUnchanged, withRevisionOf } from './object-order.ts'
import { dropDuplicateOwners } from './owner-references.ts'
import type { StoreParts } from './store.ts'
import { transientObject } from './transient-object.ts'
import { writeUntrackedIfTooLarge } from './untracked.ts'

/** Upstream tries until its deadline. Every round has a winner, so this outlasts all the writes that can be in flight at once. */
const ATTEMPTS_MAX = 1000

interface UpdateResult {
  readonly object: CachedObject
  readonly isCreated: boolean
}

export async function updateObject(parts: StoreParts, request: UpdateRequest): Promise<UpdateResult> {
  const { definition, objects } = parts
  const key = objects.keyOf(definition.namespaced ? request.context.namespace : '', request.name)
  for (let attempt = 0; attempt < ATTEMPTS_MAX && !(attempt > 0 && request.context.signal.aborted); attempt++) {
    const current = await objects.get(key)
    if (current === undefined) return { object: await createOnUpdate(parts, request), isCreated: true }
    try {
      return { object: await replace(parts, request, current), isCreated: false }
    } catch (err) {
      const isLostRace = err instanceof StorageError && (err.code === 'Conflict' || err.code === 'KeyNotFound')
      if (!isLostRace) throw interpretError(err, 'update', definition, request.name)
    }
  }
  throw newTimeout('too many concurrent writes to the object', 1)
}

async function createOnUpdate(parts: StoreParts, request: UpdateRequest): Promise<CachedObject> {
  const mayCreate = request.strategy.allowCreateOnUpdate === true || request.forcesCreate === true
  const made = mayCreate ? request.makeNew?.() : undefined
  if (made === undefined) throw newNotFound(parts.definition, request.name)
  const draft = made instanceof Promise ? await made : made
  const { uid = '' } = draft.metadata
  const key = parts.objects.keyOf(draft.metadata.namespace ?? '', request.name)
  if (uid !== '') throw uidConflict(parts, request.name, key, uid, '')
  delete draft.metadata.resourceVersion // Meant for an object that is there; upstream does not look at it.
  return createObject(parts, draft, request)
}

async function replace(parts: StoreParts, request: UpdateRequest, current: CachedObject): Promise<CachedObject> {
  const { definition, objects, admission, fieldManager } = parts
  const { context } = request
  const draft = request.makeDraft(current)
  ensureNamespace(draft, definition, context.namespace)
  checkPreconditions(parts, draft, current, request)
  const subject = { operation: 'UPDATE', name: request.name, object: draft, oldObject: current.object } as const
  // A patch may have left the stored ones in: upstream looks at what admission makes of it.
  if (context.verb !== 'patch') dropDuplicateOwners(draft, context, false)
  fieldManager.updated(draft, current.object, request)
  const { managedFields } = draft.metadata
  const admitted = admission.admit(admissionAttributes(definition, request, subject))
  if (admitted instanceof Promise) await admitted
  checkAdmittedOwners(draft, managedFields, context)
  dropDuplicateOwners(draft, context, true)
  prepare(parts, draft, current, request)
  const stored = inStoredOrder(draft, definition.kind, storedApiVersion(definition))
  const validated = admission.validate(admissionAttributes(definition, request, { ...subject, object: stored }))
  if (validated instanceof Promise) await validated
  if (isRemoval(request, stored, current)) return remove(parts, stored, current, request)
  if (isUnchanged(stored, current)) return current
  const rollback = definition.hooks?.beginUpdate?.(stored, current.object, context)
  if (context.isDryRun) {
    rollback?.()
    return transientObject(current.key, withRevisionOf(stored, current))
  }
  try {
    return await writeUntrackedIfTooLarge(stored, request, (object) =>
      objects.update(current, object, ttlOf(definition)),
    )
  } catch (err) {
    rollback?.()
    throw err
  }
}

function checkPreconditions(parts: StoreParts, draft: KubeObject, current: CachedObject, request: UpdateRequest): void {
  const { definition } = parts
  const { uid, resourceVersion = '' } = draft.metadata
  const { metadata } = current.object
  // A patch has no precondition: to it the uid is a field that cannot be changed.
  if (request.context.verb !== 'patch' && uid !== undefined && uid !== '' && uid !== metadata.uid) {
    throw uidConflict(parts, request.name, current.key, uid, metadata.uid ?? '')
  }
  if (resourceVersion === '' || resourceVersion === '0') {
    if (request.strategy.allowUnconditionalUpdate !== false) return
    const error = fieldInvalid('metadata.resourceVersion', 0, 'must be specified for an update')
    throw newInvalid(definition, request.name, [error])
  }
  if (resourceVersion !== metadata.resourceVersion) throw newModifiedConflict(definition, request.name)
}

function uidConflict({ definition }: StoreParts, name: string, key: string, asked: string, found: string): StatusError {
  const why = `Precondition failed: UID in precondition: ${asked}, UID in object meta: ${found}`
  const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`
  return newConflict(definition, name, text)
}

/** Upstream's BeforeUpdate: what an update cannot touch, the strategy's turn, validation. */
function prepare(parts: StoreParts, draft: KubeObject, current: CachedObject, request: UpdateRequest): void {
  const { context, strategy } = request
  const old = current.object
  keepSystemFields(draft, current, context.clock.now())
  const { managedFields } = draft.metadata
  strategy.prepareForUpdate?.(draft, old, context)
  // A view may have put the old metadata back.
  assign(draft.metadata, 'managedFields', managedFields)
  const errors: FieldError[] = []
  // Names that were valid when the object was created stay valid.
  if (draft.metadata.name !== old.metadata.name) {
    const rules = { namespaced: parts.definition.namespaced, validateName: strategy.validateName }
    validateMetadata(draft.metadata, rules, errors)
  }
  validateMetadataUpdate(draft.metadata, old.metadata, errors)
  validateFinalizerNames(draft.metadata, parts.definition.group, errors)
  const ownErrors = strategy.validateUpdate?.(draft, old, context)
  if (ownErrors !== undefined) errors.push(...ownErrors)
  if (errors.length > 0) throw newInvalid(parts.definition, request.name, errors)
  for (const warning of strategy.warnings?.(draft, old) ?? []) context.warn(warning)
  strategy.canonicalize?.(draft)
}

function keepSystemFields(draft: KubeObject, current: CachedObject, now: Date): void {
  const meta = draft.metadata
  const old = current.object.metadata
  delete meta.selfLink
  if (old.generation === undefined) delete meta.generation
  else meta.generation = old.generation
  if (meta.uid === undefined || meta.uid === '') assign(meta, 'uid', old.uid)
  meta.creationTimestamp = old.creationTimestamp ?? formatTime(now)
  // An update can neither start, undo nor reschedule a deletion.
  assign(meta, 'deletionTimestamp', old.deletionTimestamp)
  assign(meta, 'deletionGracePeriodSeconds', old.deletionGracePeriodSeconds)
}

function assign<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value === undefined) delete target[key]
  else target[key] = value
}

/** The last finalizer of an object under deletion has just gone. Upstream: ShouldDeleteDuringUpdate. */
function isRemoval(request: UpdateRequest, stored: KubeObject, current: CachedObject): boolean {
  const old = current.object.metadata
  if (old.deletionTimestamp === undefined || (old.deletionGracePeriodSeconds ?? 0) !== 0) return false
  return !hasPendingFinalizers(stored, request.strategy)
}

async function remove(
  parts: StoreParts,
  stored: KubeObject,
  current: CachedObject,
  request: UpdateRequest,
): Promise<CachedObject> {
  const { definition, objects } = parts
  const last = transientObject(current.key, withRevisionOf(stored, current))
  if (request.context.isDryRun) return last
  await objects.delete(current)
  await definition.hooks?.afterDelete?.(current.object, request.context)
  return last
}
