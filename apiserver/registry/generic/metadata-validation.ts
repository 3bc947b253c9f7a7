/**
 * Rules every object's metadata obeys, on create and on update.
 * Upstream: apimachinery pkg/api/validation/objectmeta.go.
 */
import type { ObjectMeta, OwnerReference } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong } from '#machinery/meta/field-error.ts'
import {
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isPathSegmentName,
  isQualifiedName,
} from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Meta = DeepReadonly<ObjectMeta>
type Members = Readonly<Record<string, string>>

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024
export const ORPHAN_FINALIZER = 'orphan'
export const FOREGROUND_FINALIZER = 'foregroundDeletion'
const IMMUTABLE = 'field is immutable'
const OWNERS = 'metadata.ownerReferences'

export interface MetadataRules {
  readonly namespaced: boolean
  /** Default: DNS subdomain. */
  readonly validateName: ((name: string) => string[]) | undefined
}

export function validateMetadata(meta: Meta, rules: MetadataRules, errors: FieldError[]): void {
  validateName(meta, rules, errors)
  validateNamespace(meta, rules, errors)
  if (meta.generation !== undefined && meta.generation < 0) {
    errors.push(fieldInvalid('metadata.generation', meta.generation, 'must be greater than or equal to 0'))
  }
  validateSharedParts(meta, errors)
}

function validateName(meta: Meta, rules: MetadataRules, errors: FieldError[]): void {
  const validate = rules.validateName ?? isDns1123Subdomain
  const { name = '', generateName = '' } = meta
  if (generateName !== '') {
    // The generated suffix makes a trailing '-' or '.' legal; upstream masks it the same way.
    const prefix = validate === isPathSegmentName ? generateName : maskTrailingDash(generateName)
    for (const message of validate(prefix)) {
      errors.push(fieldInvalid('metadata.generateName', generateName, message))
    }
  }
  if (name === '') {
    errors.push(fieldRequired('metadata.name', 'name or generateName is required'))
    return
  }
  for (const message of validate(name)) errors.push(fieldInvalid('metadata.name', name, message))
}

function maskTrailingDash(prefix: string): string {
  return prefix.endsWith('-') && prefix.length > 1 ? `${prefix.slice(0, -2)}a` : prefix
}

function validateNamespace(meta: Meta, rules: MetadataRules, errors: FieldError[]): void {
  const { namespace = '' } = meta
  if (!rules.namespaced) {
    if (namespace !== '') errors.push(fieldForbidden('metadata.namespace', 'not allowed on this type'))
    return
  }
  if (namespace === '') errors.push(fieldRequired('metadata.namespace', ''))
  else
    for (const message of isDns1123Label(namespace)) errors.push(fieldInvalid('metadata.namespace', namespace, message))
}

export function validateMetadataUpdate(meta: Meta, old: Meta, errors: FieldError[]): void {
  if (old.deletionTimestamp !== undefined) validateNoNewFinalizers(meta.finalizers ?? [], old.finalizers ?? [], errors)
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(fieldInvalid('metadata.generation', meta.generation ?? 0, 'must not be decremented'))
  }
  const immutable = [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const
  for (const field of immutable) {
    if (meta[field] !== old[field]) errors.push(fieldInvalid(`metadata.${field}`, meta[field], IMMUTABLE))
  }
  // What has not changed was valid when it was written; it is not looked at again.
  if (!deepEqual(meta.labels, old.labels)) validateLabels(meta.labels, 'metadata.labels', errors)
  if (!deepEqual(meta.annotations, old.annotations)) validateAnnotations(meta.annotations, errors)
  if (!deepEqual(meta.ownerReferences, old.ownerReferences)) validateOwnerReferences(meta.ownerReferences, errors)
  validateFinalizers(meta.finalizers, errors)
}

function validateSharedParts(meta: Meta, errors: FieldError[]): void {
  validateLabels(meta.labels, 'metadata.labels', errors)
  validateAnnotations(meta.annotations, errors)
  validateOwnerReferences(meta.ownerReferences, errors)
  validateFinalizers(meta.finalizers, errors)
}

function validateLabels(labels: Members | undefined, field: string, errors: FieldError[]): void {
  if (labels === undefined) return
  for (const key of Object.keys(labels)) {
    for (const message of isQualifiedName(key)) errors.push(fieldInvalid(field, key, message))
    const value = labels[key] ?? ''
    for (const message of isLabelValue(value)) errors.push(fieldInvalid(field, value, message))
  }
}

function validateAnnotations(annotations: Members | undefined, errors: FieldError[]): void {
  if (annotations === undefined) return
  let bytes = 0
  for (const key of Object.keys(annotations)) {
    for (const message of isQualifiedName(key.toLowerCase())) {
      errors.push(fieldInvalid('metadata.annotations', key, message))
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? '')
  }
  if (bytes > ANNOTATIONS_LIMIT_BYTES) errors.push(fieldTooLong('metadata.annotations', ANNOTATIONS_LIMIT_BYTES))
}

function validateOwnerReferences(
  references: readonly DeepReadonly<OwnerReference>[] | undefined,
  errors: FieldError[],
) {
  if (references === undefined) return
  let controller = ''
  for (const reference of references) {
    validateOwnerReference(reference, errors)
    if (reference.controller !== true) continue
    const current = `${reference.kind}/${reference.name}`
    if (controller === '') controller = current
    else {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${current}`
      errors.push(fieldInvalid(OWNERS, references, detail))
    }
  }
}

/** Upstream's paths do not say which reference it is. */
function validateOwnerReference(reference: DeepReadonly<OwnerReference>, errors: FieldError[]): void {
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference
  const version = /^(?:[^/]*\/)?([^/]+)$/.exec(apiVersion)?.[1]
  if (version === undefined) {
    errors.push(fieldInvalid(`${OWNERS}.apiVersion`, apiVersion, 'version must not be empty'))
  }
  if (kind === '') errors.push(fieldInvalid(`${OWNERS}.kind`, kind, 'must not be empty'))
  if (name === '') errors.push(fieldInvalid(`${OWNERS}.name`, name, 'must not be empty'))
  if (uid === '') errors.push(fieldInvalid(`${OWNERS}.uid`, uid, 'must not be empty'))
  if ((apiVersion === 'v1' || apiVersion === '/v1') && kind === 'Event') {
    errors.push(fieldInvalid(OWNERS, reference, '/v1, Kind=Event is disallowed from being an owner'))
  }
}

function validateFinalizers(finalizers: readonly string[] | undefined, errors: FieldError[]): void {
  if (finalizers === undefined) return
  for (const finalizer of finalizers) {
    for (const message of isQualifiedName(finalizer)) {
      errors.push(fieldInvalid('metadata.finalizers', finalizer, message))
    }
  }
  if (finalizers.includes(ORPHAN_FINALIZER) && finalizers.includes(FOREGROUND_FINALIZER)) {
    const detail = `finalizer ${ORPHAN_FINALIZER} and ${FOREGROUND_FINALIZER} cannot be both set`
    errors.push(fieldInvalid('metadata.finalizers', finalizers, detail))
  }
}

const MANAGER_MAX_BYTES = 128
const SUBRESOURCE_MAX_BYTES = 256

/** Of objects inside others only: what the server itself keeps is well-formed. */
export function validateManagedFields(entries: Meta['managedFields'], errors: FieldError[]): void {
  entries?.forEach(({ operation = '', fieldsType = '', manager = '', subresource = '' }, i) => {
    const field = `metadata.managedFields[${i}]`
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(fieldInvalid(`${field}.operation`, operation, 'must be `Apply` or `Update`'))
    }
    if (fieldsType !== '' && fieldsType !== 'FieldsV1') {
      errors.push(fieldInvalid(`${field}.fieldsType`, fieldsType, 'must be `FieldsV1`'))
    }
    if (Buffer.byteLength(manager) > MANAGER_MAX_BYTES) {
      errors.push(fieldTooLong(`${field}.manager`, MANAGER_MAX_BYTES))
    }
    if (Buffer.byteLength(subresource) > SUBRESOURCE_MAX_BYTES) {
      errors.push(fieldTooLong(`${field}.subresource`, SUBRESOURCE_MAX_BYTES))
    }
  })
}

/** Groups that ask more of a finalizer than upstream's machinery does. */
const STRICT_GROUPS: ReadonlySet<string> = new Set([
  '',
  'apps',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'discovery.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
])
const STANDARD_FINALIZERS: ReadonlySet<string> = new Set(['kubernetes', ORPHAN_FINALIZER, FOREGROUND_FINALIZER])

/** Upstream: pkg/apis/core/validation validateKubeFinalizerName. */
export function validateFinalizerNames({ finalizers }: Meta, group: string, errors: FieldError[]): void {
  if (finalizers === undefined || !STRICT_GROUPS.has(group)) return
  finalizers.forEach((finalizer, i) => {
    if (finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) return
    const detail = 'name is neither a standard finalizer name nor is it fully qualified'
    errors.push(fieldInvalid(`metadata.finalizers[${i}]`, finalizer, detail))
  })
}

function validateNoNewFinalizers(finalizers: readonly string[], old: readonly string[], errors: FieldError[]): void {
  const extra = finalizers.filter((finalizer) => !old.includes(finalizer)).sort()
  if (extra.length === 0) return
  const list = extra.map((finalizer) => JSON.stringify(finalizer)).join(', ')
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
  errors.push(fieldForbidden('metadata.finalizers', detail))
}
