/**
 * apiVersion, kind and metadata of custom resources and of resources embedded in them: their types are the server's,
 * whatever the schema says. Unknown members of metadata are dropped and reported, wrong types are an error.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/objectmeta.
 */
import type { ObjectMeta } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { childField, fieldInvalid, fieldRequired, indexField, keyField } from '#machinery/meta/field-error.ts'
import { isDns1035Label, isPathSegmentName } from '#machinery/meta/validation.ts'
import { validateManagedFields, validateMetadata } from '../../registry/generic/metadata-validation.ts'
import type { SchemaNode } from './node.ts'

type Members = Record<string, unknown>

/** A scalar by its Go type, a list ([]T), a map of strings, or a struct. */
type Shape = 'string' | 'int64' | 'bool' | 'time' | 'any' | 'map' | { readonly list: Shape } | Struct
interface Struct {
  readonly name: string
  readonly fields: ReadonlyMap<string, Shape>
}

const struct = (name: string, fields: Record<string, Shape>): Struct => ({
  name,
  fields: new Map(Object.entries(fields)),
})

const OWNER_REFERENCE = struct('OwnerReference', {
  apiVersion: 'string',
  kind: 'string',
  name: 'string',
  uid: 'string',
  controller: 'bool',
  blockOwnerDeletion: 'bool',
})

const MANAGED_FIELDS_ENTRY = struct('ManagedFieldsEntry', {
  manager: 'string',
  operation: 'string',
  apiVersion: 'string',
  time: 'time',
  fieldsType: 'string',
  fieldsV1: 'any',
  subresource: 'string',
})

const OBJECT_META = struct('ObjectMeta', {
  name: 'string',
  generateName: 'string',
  namespace: 'string',
  selfLink: 'string',
  uid: 'string',
  resourceVersion: 'string',
  generation: 'int64',
  creationTimestamp: 'time',
  deletionTimestamp: 'time',
  deletionGracePeriodSeconds: 'int64',
  labels: 'map',
  annotations: 'map',
  ownerReferences: { list: OWNER_REFERENCE },
  finalizers: { list: 'string' },
  managedFields: { list: MANAGED_FIELDS_ENTRY },
})

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

/**
 * Checks `holder.metadata` and drops from it, in place, what ObjectMeta does not have and what is empty. Returns why it is
 * wrong in the words of Go's decoder, or undefined. `field` is where the holder sits, '' at the root.
 */
export function coerceObjectMeta(holder: Members, field: string, unknownFields?: string[]): string | undefined {
  if (!Object.hasOwn(holder, 'metadata')) return undefined
  const metadata = holder['metadata']
  if (metadata === null) {
    holder['metadata'] = {}
    return undefined
  }
  if (typeof metadata !== 'object' || Array.isArray(metadata)) {
    return `json: cannot unmarshal ${jsonTypeOf(metadata)} into Go value of type v1.ObjectMeta`
  }
  return coerceStruct(metadata as Members, OBJECT_META, childField(field, 'metadata'), unknownFields)
}

function coerceStruct(members: Members, shape: Struct, field: string, unknownFields?: string[]): string | undefined {
  for (const name of Object.keys(members)) {
    const memberShape = shape.fields.get(name)
    const value = members[name]
    if (memberShape === undefined) {
      unknownFields?.push(childField(field, name))
      delete members[name]
    } else if (isEmptyValue(value)) {
      delete members[name]
    } else {
      const problem = coerceValue(value, memberShape, `${shape.name}.${name}`, childField(field, name), unknownFields)
      if (problem !== undefined) return problem
    }
  }
  return undefined
}

/** What Go's omitempty leaves out. */
function isEmptyValue(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === undefined) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}

function coerceValue(
  value: unknown,
  shape: Shape,
  goField: string,
  field: string,
  unknownFields: string[] | undefined,
): string | undefined {
  const mismatch = (goType: string, actual = value): string =>
    `json: cannot unmarshal ${jsonTypeOf(actual)} into Go struct field ${goField} of type ${goType}`
  switch (shape) {
    case 'any':
      return undefined
    case 'string':
      return typeof value === 'string' ? undefined : mismatch('string')
    case 'bool':
      return typeof value === 'boolean' ? undefined : mismatch('bool')
    case 'int64':
      return typeof value === 'number' && Number.isInteger(value) ? undefined : mismatch('int64')
    case 'time':
      return timeProblem(value)
    case 'map': {
      if (typeof value !== 'object' || Array.isArray(value)) return mismatch('map[string]string')
      return coerceStringMap(value as Members, mismatch)
    }
  }
  if ('list' in shape) return coerceList(value, shape.list, goField, field, unknownFields)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return mismatch(`v1.${shape.name}`)
  return coerceStruct(value as Members, shape, field, unknownFields)
}

function coerceList(
  value: unknown,
  element: Shape,
  goField: string,
  field: string,
  unknownFields: string[] | undefined,
): string | undefined {
  if (!Array.isArray(value)) {
    const goType = typeof element === 'string' ? element : 'name' in element ? `v1.${element.name}` : 'interface {}'
    return `json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field ${goField} of type []${goType}`
  }
  for (let i = 0; i < value.length; i++) {
    const problem = coerceValue(value[i], element, goField, indexField(field, i), unknownFields)
    if (problem !== undefined) return problem
  }
  return undefined
}

function coerceStringMap(map: Members, mismatch: (goType: string, actual: unknown) => string): string | undefined {
  for (const name in map) {
    const value = map[name]
    if (typeof value === 'string') continue
    if (value !== null) return mismatch('string', value)
    map[name] = ''
  }
  return undefined
}

function timeProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return `json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type string`
  if (RFC_3339.test(value) && !Number.isNaN(Date.parse(value))) return undefined
  const quoted = JSON.stringify(value)
  return `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** Coerces every embedded resource below `value`. Returns the first thing wrong. */
export function coerceEmbedded(
  value: unknown,
  node: SchemaNode,
  unknownFields?: string[],
  field = '',
): FieldError | undefined {
  if (!node.hasEmbedded || typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) {
    for (let i = 0; node.items !== undefined && i < value.length; i++) {
      const error = coerceEmbedded(value[i], node.items, unknownFields, indexField(field, i))
      if (error !== undefined) return error
    }
    return undefined
  }
  const members = value as Members
  if (node.embedded) {
    const error = coerceEmbeddedResource(members, field, unknownFields)
    if (error !== undefined) return error
  }
  for (const [name, member] of Object.entries(members)) {
    const property = node.properties?.get(name)
    const child = property ?? node.additional?.node
    if (child === undefined) continue
    const childPath = property === undefined ? keyField(field, name) : childField(field, name)
    const error = coerceEmbedded(member, child, unknownFields, childPath)
    if (error !== undefined) return error
  }
  return undefined
}

function coerceEmbeddedResource(members: Members, field: string, unknownFields?: string[]): FieldError | undefined {
  for (const name of ['apiVersion', 'kind']) {
    if (Object.hasOwn(members, name) && typeof members[name] !== 'string') {
      return fieldInvalid(childField(field, name), members[name], 'must be a string')
    }
  }
  const problem = coerceObjectMeta(members, field, unknownFields)
  return problem === undefined ? undefined : fieldInvalid(childField(field, 'metadata'), members['metadata'], problem)
}

/** What embedded resources must have beyond their schema. `value` has been coerced. */
export function validateEmbedded(value: unknown, node: SchemaNode, field = ''): FieldError[] {
  const errors: FieldError[] = []
  visitEmbedded(value, node, field, errors)
  return errors
}

function visitEmbedded(value: unknown, node: SchemaNode, field: string, errors: FieldError[]): void {
  if (!node.hasEmbedded || typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    const { items } = node
    if (items !== undefined)
      value.forEach((item, i) => {
        visitEmbedded(item, items, indexField(field, i), errors)
      })
    return
  }
  if (node.embedded) errors.push(...validateResource(value as Members, field))
  for (const [name, member] of Object.entries(value)) {
    const property = node.properties?.get(name)
    if (property !== undefined) visitEmbedded(member, property, childField(field, name), errors)
    else if (node.additional?.node !== undefined) {
      visitEmbedded(member, node.additional.node, keyField(field, name), errors)
    }
  }
}

/** apiVersion, kind and metadata of one resource inside another. */
export function validateResource(members: Readonly<Members>, field: string): FieldError[] {
  const errors: FieldError[] = []
  const { apiVersion, kind } = members
  const versionField = childField(field, 'apiVersion')
  const kindField = childField(field, 'kind')
  if (apiVersion === undefined) errors.push(fieldRequired(versionField, ''))
  else if (typeof apiVersion !== 'string') errors.push(fieldInvalid(versionField, apiVersion, 'must be a string'))
  else if (apiVersion === '') errors.push(fieldInvalid(versionField, apiVersion, 'must not be empty'))
  else if (apiVersion.split('/').length > 2) {
    errors.push(fieldInvalid(versionField, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  }
  if (kind === undefined) errors.push(fieldRequired(kindField, ''))
  else if (typeof kind !== 'string') errors.push(fieldInvalid(kindField, kind, 'must be a string'))
  else if (kind === '') errors.push(fieldInvalid(kindField, kind, 'must not be empty'))
  else {
    const problems = isDns1035Label(kind.toLowerCase())
    const detail = `may have mixed case, but should otherwise match: ${problems.join(',')}`
    if (problems.length > 0) errors.push(fieldInvalid(kindField, kind, detail))
  }
  errors.push(...validateEmbeddedMetadata(members['metadata'], field))
  return errors
}

/** As the metadata of an object of its own, but that a name is not asked for. */
function validateEmbeddedMetadata(metadata: unknown, field: string): FieldError[] {
  if (typeof metadata !== 'object' || metadata === null) return []
  const meta = metadata as ObjectMeta
  const { name = '', namespace = '' } = meta
  const errors: FieldError[] = []
  const rules = { namespaced: namespace !== '', validateName: isPathSegmentName }
  validateMetadata(name === '' ? { ...meta, name: NAME_STAND_IN } : meta, rules, errors)
  validateManagedFields(meta.managedFields, errors)
  return field === '' ? errors : errors.map((error) => ({ ...error, field: childField(field, error.field) }))
}

const NAME_STAND_IN = 'name'
