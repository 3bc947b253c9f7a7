/** Create. Upstream: apiserver pkg/registry/rest/create.go, meta.go; registry/store.go Create. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import {
  isAlreadyExists,
  newAlreadyExists,
  newBadRequest,
  newGenerateNameConflict,
  newInvalid,
  newUnknownFailure,
  StatusError,
} from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { randomSuffix } from '#machinery/util/random.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'
import { checkAdmittedOwners } from '../managed-fields/admitted-owners.ts'
import { admissionAttributes } from './admission-chain.ts'
import { storedApiVersion } from './conversion.ts'
import type { RequestContext, ResourceDefinition, WriteRequest } from './interfaces.ts'
import { interpretError } from './interpret-error.ts'
import { validateFinalizerNames, validateMetadata } from './metadata-validation.ts'
import { inStoredOrder } from './object-order.ts'
import { dropDuplicateOwners } from './owner-references.ts'
import type { StoreParts } from './store.ts'
import { transientObject } from './transient-object.ts'
import { writeUntrackedIfTooLarge } from './untracked.ts'

const NAME_TRIES = 8
/** Upstream cuts the prefix so that prefix and suffix fit a DNS label. */
const GENERATED_PREFIX_MAX = 63 - 5
const RETRY_AFTER_SECONDS = 1
const REVISION_SET = 'resourceVersion should not be set on objects to be created'

export async function createObject(parts: StoreParts, draft: KubeObject, request: WriteRequest): Promise<CachedObject> {
  const { definition, admission, fieldManager } = parts
  const { context } = request
  const hasRevision = hasValue(draft.metadata.resourceVersion)
  fillSystemFields(draft, definition, context)
  const subject = { operation: 'CREATE', name: draft.metadata.name ?? '', object: draft, oldObject: undefined } as const
  const attributes = admissionAttributes(definition, request, subject)
  dropDuplicateOwners(draft, context, false)
  fieldManager.created(draft, request)
  const { managedFields } = draft.metadata
  const admitted = admission.admit(attributes)
  if (admitted instanceof Promise) await admitted
  checkAdmittedOwners(draft, managedFields, context)
  dropDuplicateOwners(draft, context, true)
  generateName(parts, draft, request)
  prepare(draft, definition, request)
  const stored = inStoredOrder(draft, definition.kind, storedApiVersion(definition))
  const named = { ...subject, name: stored.metadata.name ?? '', object: stored }
  const validated = admission.validate(admissionAttributes(definition, request, named))
  if (validated instanceof Promise) await validated
  const rollback = definition.hooks?.beginCreate?.(stored, context)
  try {
    if (hasRevision && !context.isDryRun) throw newUnknownFailure(REVISION_SET)
    const created = await writeUntrackedIfTooLarge(stored, request, (object) => write(parts, object, context))
    if (context.isDryRun) rollback?.()
    return created
  } catch (err) {
    rollback?.()
    throw createError(parts, err, stored)
  }
}

async function write(parts: StoreParts, object: KubeObject, context: RequestContext): Promise<CachedObject> {
  const { definition, objects } = parts
  const name = object.metadata.name ?? ''
  const key = objects.keyOf(object.metadata.namespace ?? '', name)
  if (!context.isDryRun) return objects.create(key, object, ttlOf(definition))
  if ((await objects.get(key)) !== undefined) throw newAlreadyExists(definition, name)
  return transientObject(key, object)
}

export function ttlOf(definition: ResourceDefinition): { ttlSeconds?: number } {
  return definition.ttlSeconds === undefined ? {} : { ttlSeconds: definition.ttlSeconds }
}

/** What Go reads as a number other than 0; anything else is no resourceVersion and is dropped. */
const hasValue = (text: string | undefined): boolean =>
  text !== undefined && text !== '' && /^[0-9]+$/.test(text) && Number(text) > 0

/** What only the server may set, and the namespace the request names. */
function fillSystemFields(draft: KubeObject, definition: ResourceDefinition, context: RequestContext): void {
  const meta = draft.metadata
  delete meta.resourceVersion
  delete meta.selfLink
  delete meta.deletionTimestamp
  delete meta.deletionGracePeriodSeconds
  // Kinds that count generations begin at 1 themselves; elsewhere it is the client's.
  if (meta.generation === 0) delete meta.generation
  meta.uid = context.random.uuid()
  meta.creationTimestamp = formatTime(context.clock.now())
  ensureNamespace(draft, definition, context.namespace)
}

/** Upstream's EnsureObjectNamespaceMatchesRequestNamespace. */
export function ensureNamespace(
  draft: KubeObject,
  definition: Pick<ResourceDefinition, 'namespaced'>,
  requestNamespace: string,
): void {
  const meta = draft.metadata
  if (!definition.namespaced) {
    delete meta.namespace
    return
  }
  if (meta.namespace === undefined || meta.namespace === '') meta.namespace = requestNamespace
  else if (meta.namespace !== requestNamespace) {
    throw newBadRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

function generateName(parts: StoreParts, draft: KubeObject, { context, strategy }: WriteRequest): void {
  const meta = draft.metadata
  const { generateName: prefix = '' } = meta
  if (prefix === '' || (meta.name !== undefined && meta.name !== '')) return
  if (strategy.hasPlainGeneratedNames === true) {
    meta.name = prefix
    return
  }
  for (let attempt = 0; attempt < NAME_TRIES; attempt++) {
    meta.name = prefix.slice(0, GENERATED_PREFIX_MAX) + randomSuffix(context.random)
    if (parts.objects.peek(parts.objects.keyOf(meta.namespace ?? '', meta.name)) === undefined) break
  }
}

function prepare(draft: KubeObject, definition: ResourceDefinition, request: WriteRequest): void {
  const { context, strategy } = request
  const { managedFields } = draft.metadata
  strategy.prepareForCreate?.(draft, context)
  if (managedFields !== undefined) draft.metadata.managedFields = managedFields
  const errors: FieldError[] = []
  validateMetadata(draft.metadata, { namespaced: definition.namespaced, validateName: strategy.validateName }, errors)
  validateFinalizerNames(draft.metadata, definition.group, errors)
  const ownErrors = strategy.validate?.(draft, context)
  if (ownErrors !== undefined) errors.push(...ownErrors)
  if (errors.length > 0) throw newInvalid(definition, draft.metadata.name ?? draft.metadata.generateName ?? '', errors)
  for (const warning of strategy.warnings?.(draft, undefined) ?? []) context.warn(warning)
  strategy.canonicalize?.(draft)
}

function createError(parts: StoreParts, thrown: unknown, draft: KubeObject): unknown {
  const { definition, objects } = parts
  const name = draft.metadata.name ?? ''
  const thrownStatus = interpretError(thrown, 'create', definition, name)
  if (!isAlreadyExists(thrownStatus) || !(thrownStatus instanceof StatusError)) return thrownStatus
  const { generateName: prefix = '' } = draft.metadata
  // Also for a name the client chose beside a prefix.
  const err = prefix === '' ? thrownStatus : newGenerateNameConflict(definition, name, RETRY_AFTER_SECONDS)
  const existing = objects.peek(objects.keyOf(draft.metadata.namespace ?? '', name))
  if (existing?.object.metadata.deletionTimestamp === undefined) return err
  return new StatusError({ ...err.status, message: `object is being deleted: ${err.status.message ?? ''}` })
}
