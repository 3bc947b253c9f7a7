/**
 * Policy of one version of a custom resource: generation, status, validation by its schema.
 * Upstream: apiextensions-apiserver pkg/registry/customresource/{strategy,status_strategy,validator}.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newMethodNotSupported, StatusError } from '#machinery/meta/errors.ts'
import { type FieldError, type FieldErrorType, fieldInvalid } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from '../../registry/generic/interfaces.ts'
import { evaluateRules } from '../rules/evaluate.ts'
import { validateListTypes } from '../schema/list-types.ts'
import { validateEmbedded } from '../schema/object-meta.ts'
import { validateValue } from '../schema/validate.ts'
import { validateScaleSpec, validateScaleStatus } from './scale.ts'
import type { ServedVersion } from './version.ts'

type Members = Record<string, unknown>
type ReadonlyObject = DeepReadonly<KubeObject>

interface CustomResourceContext {
  readonly group: string
  readonly resource: string
  readonly version: ServedVersion
  /** No object may be created while the CRD is being deleted. */
  isTerminating(): boolean
}

const membersOf = (object: object): Members => object as Members

export function customResourceStrategy(resource: CustomResourceContext): Strategy {
  const { version } = resource
  return {
    allowUnconditionalUpdate: false,
    prepareForCreate(draft) {
      if (resource.isTerminating()) throw creationDuringTermination(resource)
      if (version.hasStatus) delete membersOf(draft)['status']
      draft.metadata.generation = 1
    },
    prepareForUpdate(draft, old) {
      if (version.hasStatus) keepStatus(membersOf(draft), membersOf(old))
      if (!isEqualButMetadata(draft, old)) draft.metadata.generation = (old.metadata.generation ?? 0) + 1
    },
    validate(object) {
      const errors = validateWhole(object, undefined, version)
      errors.push(...validateListTypes(object, version.schema.node))
      return withRules(errors, object, undefined, version)
    },
    validateUpdate(object, old) {
      const errors = validateWhole(object, old, version)
      const { node } = version.schema
      const listErrors = validateListTypes(object, node)
      if (listErrors.length > 0 && validateListTypes(old, node).length === 0) errors.push(...listErrors)
      return withRules(errors, object, old, version)
    },
    warnings: finalizerWarnings,
  }
}

function creationDuringTermination(resource: CustomResourceContext): StatusError {
  const { status } = newMethodNotSupported(resource, 'create')
  return new StatusError({
    ...status,
    message: 'create not allowed while custom resource definition is terminating',
  })
}

function keepStatus(draft: Members, old: Members): void {
  if (Object.hasOwn(old, 'status')) draft['status'] = deepCopy(old['status'])
  else delete draft['status']
}

/** apiVersion differs by the version the client speaks and is no change. */
function isEqualButMetadata(draft: KubeObject, old: ReadonlyObject): boolean {
  const { metadata: _draftMetadata, apiVersion: _draftVersion, ...rest } = draft
  const { metadata: _oldMetadata, apiVersion: _oldVersion, ...oldRest } = old
  return deepEqual(rest, oldRest)
}

function validateWhole(object: ReadonlyObject, old: ReadonlyObject | undefined, version: ServedVersion): FieldError[] {
  const { node } = version.schema
  const errors = validateValue(object, node, old === undefined ? {} : { old })
  if (version.scale !== undefined) {
    errors.push(...validateScaleSpec(object, version.scale), ...validateScaleStatus(object, version.scale))
  }
  if (node.hasEmbedded) errors.push(...validateEmbedded(object, node))
  return errors
}

/** Errors after which rules would only repeat them, or fail in a confusing way. */
const BLOCKING: ReadonlySet<FieldErrorType> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])
const NOT_CHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'

function withRules(
  errors: FieldError[],
  object: ReadonlyObject,
  old: ReadonlyObject | undefined,
  { schema }: ServedVersion,
): FieldError[] {
  const { rules } = schema
  if (rules === undefined) return errors
  if (errors.some(({ type }) => BLOCKING.has(type))) return [...errors, fieldInvalid('', undefined, NOT_CHECKED)]
  return [...errors, ...evaluateRules(object, old, rules)]
}

/** Only status changes here: metadata and everything else are the old object's. */
export function customResourceStatusStrategy(version: ServedVersion): Strategy {
  return {
    allowUnconditionalUpdate: false,
    resetFields: ['metadata', 'spec'],
    prepareForUpdate(draft, old) {
      const members = membersOf(draft)
      const hasStatus = Object.hasOwn(members, 'status')
      const status = members['status']
      const { resourceVersion } = draft.metadata
      for (const name of Object.keys(members)) if (name !== 'apiVersion' && name !== 'kind') delete members[name]
      for (const [name, value] of Object.entries(membersOf(old))) {
        if (name !== 'apiVersion' && name !== 'kind' && name !== 'status') members[name] = deepCopy(value)
      }
      if (resourceVersion === undefined) delete draft.metadata.resourceVersion
      else draft.metadata.resourceVersion = resourceVersion
      if (hasStatus) members['status'] = status
    },
    validateUpdate(object, old) {
      const { node } = version.schema
      const errors: FieldError[] = []
      const statusNode = node.properties?.get('status')
      const status = membersOf(object)['status']
      if (statusNode !== undefined && status !== undefined) {
        errors.push(...validateValue(status, statusNode, { prefix: 'status', old: membersOf(old)['status'] }))
      }
      if (version.scale !== undefined) errors.push(...validateScaleStatus(object, version.scale))
      const listErrors = validateListTypes(object, node)
      if (listErrors.length > 0 && validateListTypes(old, node).length === 0) errors.push(...listErrors)
      return withRules(errors, object, old, version)
    },
  }
}

const STANDARD_FINALIZERS = new Set(['orphan', 'foregroundDeletion', 'kubernetes'])

function finalizerWarnings(object: ReadonlyObject, old: ReadonlyObject | undefined): string[] {
  const finalizers = object.metadata.finalizers
  if (finalizers === undefined || finalizers.length === 0) return []
  const known = old?.metadata.finalizers ?? []
  const added = [...new Set(finalizers)].filter((finalizer) => !known.includes(finalizer)).sort()
  const warnings: string[] = []
  for (const finalizer of added) {
    const at = `metadata.finalizers: ${JSON.stringify(finalizer)}`
    for (const problem of isQualifiedName(finalizer)) warnings.push(`${at}: ${problem}`)
    if (finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)) continue
    const how = finalizer.includes('.') ? ' including a path (/)' : ''
    warnings.push(
      `${at}: prefer a domain-qualified finalizer name${how} to avoid accidental conflicts with other finalizer writers`,
    )
  }
  return warnings
}
