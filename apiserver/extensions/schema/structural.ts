/**
 * Whether a schema is structural: every field has a type outside of allOf/anyOf/oneOf/not, and those only restrict values.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/{convert,validation,complete}.go.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  childField,
  fieldErrorString,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  indexField,
  keyField,
} from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { lazyPattern } from './pattern.ts'
import type { SchemaProps } from './props.ts'
import { additionalSchemaOf, itemsOf } from './props.ts'

const INT_OR_STRING_ANY_OF = [{ type: 'integer' }, { type: 'string' }]

type Level = 'root' | 'item' | 'field'

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

/** Why the schema uses what no structural schema can express (upstream's NewStructural), or undefined. */
export function structuralProblem(schema: SchemaProps): string | undefined {
  const unsupported = unsupportedConstruct(schema)
  if (unsupported !== undefined) return `OpenAPIV3Schema '${unsupported}' is not supported`
  if (Array.isArray(schema.items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  }
  const nested = [itemsOf(schema), additionalSchemaOf(schema), schema.not]
  for (const list of [schema.allOf, schema.anyOf, schema.oneOf, Object.values(schema.properties ?? {})]) {
    nested.push(...(list ?? []))
  }
  for (const child of nested) {
    const problem = child === undefined ? undefined : structuralProblem(child)
    if (problem !== undefined) return problem
  }
  return undefined
}

function unsupportedConstruct(schema: SchemaProps): string | undefined {
  if (schema.id !== undefined && schema.id !== '') return 'id'
  if (schema.$schema !== undefined && schema.$schema !== '') return 'schema'
  if (schema.$ref !== undefined && schema.$ref !== '') return '$ref'
  if (Object.keys(schema.patternProperties ?? {}).length > 0) return 'patternProperties'
  if (Object.keys(schema.dependencies ?? {}).length > 0) return 'dependencies'
  if (schema.additionalItems !== undefined) return 'additionalItems'
  if (Object.keys(schema.definitions ?? {}).length > 0) return 'definitions'
  return undefined
}

/** Every violation, sorted by text. */
export function validateStructural(schema: SchemaProps, field: string): FieldError[] {
  const errors: FieldError[] = []
  checkInvariants(schema, 'root', field, errors)
  checkCompleteness(schema, schema, field, field, errors)
  return errors
    .map((error) => ({ error, text: fieldErrorString(error) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ error }) => error)
}

function checkInvariants(schema: SchemaProps, level: Level, field: string, errors: FieldError[]): void {
  checkChildren(schema, level, field, errors)
  checkExtensions(schema, field, errors)
  checkValueRules(schema, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf), field, errors)
  checkType(schema, level, field, errors)
  checkMeta(schema, level, field, errors)
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true
  if (isEmbedded && !isOpen && Object.keys(schema.properties ?? {}).length === 0) {
    const detail =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    errors.push(fieldRequired(childField(field, 'properties'), detail))
  }
}

function isIntOrString(anyOf: readonly SchemaProps[] | undefined): boolean {
  return anyOf !== undefined && deepEqual(anyOf, INT_OR_STRING_ANY_OF)
}

function checkChildren(schema: SchemaProps, level: Level, field: string, errors: FieldError[]): void {
  const items = itemsOf(schema)
  const itemsField = childField(field, 'items')
  if (schema.type === 'array' && items === undefined) errors.push(fieldRequired(itemsField, 'must be specified'))
  if (items !== undefined) checkInvariants(items, 'item', itemsField, errors)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkInvariants(property, 'field', keyField(childField(field, 'properties'), name), errors)
  }
  if (schema.additionalProperties === undefined) return
  const additionalField = childField(field, 'additionalProperties')
  if (level === 'root') errors.push(fieldForbidden(additionalField, 'must not be used at the root'))
  const additional = additionalSchemaOf(schema)
  if (additional !== undefined) checkInvariants(additional, 'field', additionalField, errors)
}

function checkExtensions(schema: SchemaProps, field: string, errors: FieldError[]): void {
  if (schema['x-kubernetes-int-or-string'] !== true) return
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
    if (schema[name] !== true) continue
    errors.push(fieldInvalid(childField(field, name), true, 'must be false if x-kubernetes-int-or-string is true'))
  }
}

function checkType(schema: SchemaProps, level: Level, field: string, errors: FieldError[]): void {
  const type = schema.type ?? ''
  const typeField = childField(field, 'type')
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  if (isEmbedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type === '' ? fieldRequired(typeField, detail) : fieldInvalid(typeField, type, detail))
  } else if (
    type === '' &&
    schema['x-kubernetes-int-or-string'] !== true &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true
  ) {
    errors.push(fieldRequired(typeField, EMPTY_TYPE[level]))
  }
  if (isEmbedded && schema.additionalProperties !== undefined) {
    const detail = 'must not be used if x-kubernetes-embedded-resource is set'
    errors.push(fieldForbidden(childField(field, 'additionalProperties'), detail))
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.push(fieldInvalid(typeField, type, 'must be object at the root'))
  }
}

/** apiVersion, kind and metadata may be mentioned, but not changed. */
function checkMeta(schema: SchemaProps, level: Level, field: string, errors: FieldError[]): void {
  const properties = schema.properties ?? {}
  const isResource = level === 'root' || schema['x-kubernetes-embedded-resource'] === true
  const at = (name: string): string => keyField(childField(field, 'properties'), name)
  for (const name of ['kind', 'apiVersion']) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (property === undefined || !isResource || property.type === 'string') continue
    errors.push(fieldInvalid(childField(at(name), 'type'), property.type ?? '', 'must be string'))
  }
  const metadata = Object.hasOwn(properties, 'metadata') ? properties['metadata'] : undefined
  if (metadata === undefined) return
  if (isResource && metadata.type !== 'object') {
    errors.push(fieldInvalid(childField(at('metadata'), 'type'), metadata.type ?? '', 'must be object'))
  }
  if (level === 'root' && !isPlainMetadata(metadata)) {
    const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
    errors.push(fieldForbidden(at('metadata'), detail))
  }
}

function isPlainMetadata(metadata: SchemaProps): boolean {
  const { type: _type, default: _default, properties = {}, ...rest } = metadata
  if (rest.additionalProperties !== undefined) return false
  const names = Object.keys(properties)
  if (!names.every((name) => name === 'name' || name === 'generateName')) return false
  return Object.values(rest).every(isZero)
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true
  return Array.isArray(value) && value.length === 0
}

function checkValueRules(
  schema: SchemaProps,
  isAnyOfExempt: boolean,
  isFirstAllOfExempt: boolean,
  field: string,
  errors: FieldError[],
): void {
  if (!isAnyOfExempt) {
    schema.anyOf?.forEach((one, i) => {
      checkNested(one, false, indexField(childField(field, 'anyOf'), i), errors)
    })
  }
  schema.allOf?.forEach((one, i) => {
    checkNested(one, isFirstAllOfExempt && i === 0, indexField(childField(field, 'allOf'), i), errors)
  })
  schema.oneOf?.forEach((one, i) => {
    checkNested(one, false, indexField(childField(field, 'oneOf'), i), errors)
  })
  if (schema.not !== undefined) checkNested(schema.not, false, childField(field, 'not'), errors)
  if (schema.pattern === undefined || schema.pattern === '') return
  const problem = lazyPattern(schema.pattern).problem()
  if (problem === '') return
  const detail = `must be a valid regular expression, but isn't: ${problem}`
  errors.push(fieldInvalid(childField(field, 'pattern'), schema.pattern, detail))
}

/** A schema below allOf, anyOf, oneOf or not: it may restrict values, nothing else. */
function checkNested(schema: SchemaProps, isAnyOfExempt: boolean, field: string, errors: FieldError[]): void {
  checkValueRules(schema, isAnyOfExempt, false, field, errors)
  const items = itemsOf(schema)
  if (items !== undefined) checkNested(items, false, childField(field, 'items'), errors)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkNested(property, false, keyField(childField(field, 'properties'), name), errors)
  }
  const forbid = (name: string, detail: string): void => {
    errors.push(fieldForbidden(childField(field, name), detail))
  }
  const isSet = (value: unknown): boolean => !isZero(value)
  if (isSet(schema.type)) forbid('type', 'must be empty to be structural')
  if (isSet(schema.additionalProperties)) forbid('additionalProperties', 'must be undefined to be structural')
  if (schema.default !== undefined && schema.default !== null) forbid('default', 'must be undefined to be structural')
  if (isSet(schema.title)) forbid('title', 'must be empty to be structural')
  if (isSet(schema.description)) forbid('description', 'must be empty to be structural')
  for (const name of FALSE_WHEN_NESTED) if (schema[name] === true) forbid(name, 'must be false to be structural')
  for (const [name, adjective] of UNSET_WHEN_NESTED) {
    if (isSet(schema[name])) forbid(name, `must be ${adjective} to be structural`)
  }
  if (Object.hasOwn(schema.properties ?? {}, 'metadata')) {
    const detail = 'must not be specified in a nested context'
    errors.push(fieldForbidden(keyField(childField(field, 'properties'), 'metadata'), detail))
  }
}

const FALSE_WHEN_NESTED = [
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const

const UNSET_WHEN_NESTED = [
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
] as const

/** Everything a nested schema speaks of must be specified outside as well. Upstream asks this of the root's only. */
function checkCompleteness(
  rules: SchemaProps,
  structure: SchemaProps,
  structureField: string,
  rulesField: string,
  errors: FieldError[],
): void {
  const check = (nested: SchemaProps, step: string): void =>
    checkNestedCompleteness(nested, structure, structureField, step, errors)
  if (rules.not !== undefined) check(rules.not, childField(rulesField, 'not'))
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
    rules[junctor]?.forEach((nested, i) => {
      check(nested, indexField(childField(rulesField, junctor), i))
    })
  }
}

function checkNestedCompleteness(
  rules: SchemaProps,
  structure: SchemaProps | undefined,
  structureField: string,
  rulesField: string,
  errors: FieldError[],
): void {
  if (structure === undefined) {
    errors.push(fieldRequired(structureField, `because it is defined in ${rulesField}`))
    return
  }
  checkCompleteness(rules, structure, structureField, rulesField, errors)
  const items = itemsOf(rules)
  if (items !== undefined) {
    const at = childField(structureField, 'items')
    checkNestedCompleteness(items, itemsOf(structure), at, childField(rulesField, 'items'), errors)
  }
  for (const [name, property] of Object.entries(rules.properties ?? {})) {
    const known = structure.properties ?? {}
    const at = keyField(childField(structureField, 'properties'), name)
    const from = keyField(childField(rulesField, 'properties'), name)
    checkNestedCompleteness(property, Object.hasOwn(known, name) ? known[name] : undefined, at, from, errors)
  }
}
