/**
 * What a CRD's schema may contain, beyond being structural: no unsupported keywords, consistent x-kubernetes-* extensions.
 * Upstream: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go
 * (ValidateCustomResourceDefinitionOpenAPISchema). CEL rules are checked for form
 * here, rules/definition.ts compiles them.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  childField,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  indexField,
  keyField,
} from '#machinery/meta/field-error.ts'
import type { SchemaProps } from '../schema/props.ts'
import { additionalSchemaOf, itemsOf } from '../schema/props.ts'

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const LIST_TYPES = ['atomic', 'set', 'map']
const MAP_TYPES = ['atomic', 'granular']
const RULE_REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']

/** Which rules bind: an update may not be stopped by what the stored CRD already violates. */
export interface SchemaRuleOptions {
  readonly requireValidType: boolean
  readonly requireAtomicSetItems: boolean
  readonly requireSoundListKeys: boolean
}

export const ALL_SCHEMA_RULES: SchemaRuleOptions = {
  requireValidType: true,
  requireAtomicSetItems: true,
  requireSoundListKeys: true,
}

interface Scope {
  readonly options: SchemaRuleOptions
  readonly isInsideMeta: boolean
  /** Undefined: defaults are allowed. */
  readonly whyNoDefaults: string | undefined
}

export function validateSchemaRules(schema: SchemaProps, field: string, options: SchemaRuleOptions): FieldError[] {
  const errors: FieldError[] = []
  visit(schema, field, { options, isInsideMeta: false, whyNoDefaults: undefined }, true, errors)
  return errors
}

function visit(schema: SchemaProps, field: string, scope: Scope, isRoot: boolean, errors: FieldError[]): void {
  checkKeywords(schema, field, scope, errors)
  if (schema.uniqueItems === true) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    errors.push(fieldForbidden(childField(field, 'uniqueItems'), detail))
  }
  visitAdditional(schema, field, scope, errors)
  visitProperties(schema, field, scope, isRoot, errors)
  if (schema.not !== undefined) visit(schema.not, childField(field, 'not'), scope, false, errors)
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const) {
    schema[junctor]?.forEach((one, i) => {
      visit(one, indexField(childField(field, junctor), i), scope, false, errors)
    })
  }
  for (const [name, definition] of Object.entries(schema.definitions ?? {})) {
    visit(definition, keyField(childField(field, 'definitions'), name), scope, false, errors)
  }
  const itemsField = childField(field, 'items')
  if (Array.isArray(schema.items)) {
    schema.items.forEach((item, i) => {
      visit(item, indexField(itemsField, i), scope, false, errors)
    })
  } else if (schema.items !== undefined) {
    visit(schema.items, itemsField, scope, false, errors)
  }
  for (const [name, dependency] of Object.entries(schema.dependencies ?? {})) {
    if (!Array.isArray(dependency))
      visit(dependency, keyField(childField(field, 'dependencies'), name), scope, false, errors)
  }
  checkExtensions(schema, field, scope.options, errors)
  checkRules(schema, field, errors)
}

function checkKeywords(schema: SchemaProps, field: string, scope: Scope, errors: FieldError[]): void {
  const type = schema.type ?? ''
  if (scope.options.requireValidType && type !== '' && !TYPES.includes(type)) {
    errors.push(fieldNotSupported(childField(field, 'type'), type, TYPES))
  }
  const forbid = (name: string, detail = `${name} is not supported`): void => {
    errors.push(fieldForbidden(childField(field, name), detail))
  }
  if (schema.default !== undefined && schema.default !== null && scope.whyNoDefaults !== undefined) {
    forbid('default', `must not be set ${scope.whyNoDefaults}`)
  }
  if (schema.id !== undefined && schema.id !== '') forbid('id')
  if (schema.additionalItems !== undefined) forbid('additionalItems')
  if (Object.keys(schema.patternProperties ?? {}).length > 0) forbid('patternProperties')
  if (Object.keys(schema.definitions ?? {}).length > 0) forbid('definitions')
  if (schema.dependencies !== undefined) forbid('dependencies')
  if (schema.$ref !== undefined) forbid('$ref')
  if (type === 'null') forbid('type', 'type cannot be set to null, use nullable as an alternative')
  if (Array.isArray(schema.items)) forbid('items', 'items must be a schema object and not an array')
  if (scope.isInsideMeta && schema['x-kubernetes-embedded-resource'] === true) {
    forbid('x-kubernetes-embedded-resource', 'must not be used inside of resource meta')
  }
}

function visitAdditional(schema: SchemaProps, field: string, scope: Scope, errors: FieldError[]): void {
  if (schema.additionalProperties === undefined) return
  const at = childField(field, 'additionalProperties')
  const hasProperties = Object.keys(schema.properties ?? {}).length > 0
  if (hasProperties && schema.additionalProperties !== true) {
    errors.push(fieldForbidden(at, 'additionalProperties and properties are mutual exclusive'))
  }
  const additional = additionalSchemaOf(schema)
  if (additional === undefined) return
  const whyNoDefaults = scope.isInsideMeta
    ? 'inside additionalProperties applying to object metadata'
    : scope.whyNoDefaults
  visit(additional, at, { ...scope, whyNoDefaults }, false, errors)
}

function visitProperties(
  schema: SchemaProps,
  field: string,
  scope: Scope,
  isRoot: boolean,
  errors: FieldError[],
): void {
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = isResource && (name === 'metadata' || name === 'kind' || name === 'apiVersion')
    const inner: Scope = isMeta
      ? { ...scope, isInsideMeta: true, whyNoDefaults: isRoot ? `in top-level ${name}` : scope.whyNoDefaults }
      : scope
    visit(property, keyField(childField(field, 'properties'), name), inner, false, errors)
  }
}

function checkExtensions(schema: SchemaProps, field: string, options: SchemaRuleOptions, errors: FieldError[]): void {
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    const at = childField(field, 'x-kubernetes-preserve-unknown-fields')
    errors.push(fieldInvalid(at, false, 'must be true or undefined'))
  }
  const mapType = schema['x-kubernetes-map-type']
  if (mapType !== undefined) {
    requireType(schema, 'object', 'must be object if x-kubernetes-map-type is specified', field, errors)
    if (!MAP_TYPES.includes(mapType)) {
      errors.push(fieldNotSupported(childField(field, 'x-kubernetes-map-type'), mapType, MAP_TYPES))
    }
  }
  checkListType(schema, field, options, errors)
  checkListMapKeys(schema, field, errors)
  if (options.requireSoundListKeys) errors.push(...listKeyProblems(schema, field))
}

function requireType(schema: SchemaProps, type: string, detail: string, field: string, errors: FieldError[]): boolean {
  if (schema.type === type) return true
  const at = childField(field, 'type')
  const isMissing = schema.type === undefined || schema.type === ''
  errors.push(isMissing ? fieldRequired(at, detail) : fieldInvalid(at, schema.type, detail))
  return false
}

function checkListType(schema: SchemaProps, field: string, options: SchemaRuleOptions, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type']
  if (listType === undefined) return
  const isArray = requireType(schema, 'array', 'must be array if x-kubernetes-list-type is specified', field, errors)
  if (isArray && options.requireAtomicSetItems) {
    const problem = nonAtomicSetItem(schema)
    const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set'
    if (problem !== undefined) {
      errors.push(fieldInvalid(childField(childField(field, 'items'), problem.keyword), problem.value, detail))
    }
  }
  if (!LIST_TYPES.includes(listType)) {
    errors.push(fieldNotSupported(childField(field, 'x-kubernetes-list-type'), listType, LIST_TYPES))
  }
}

/** The keyword that makes the items of a set something else than atomic. */
export function nonAtomicSetItem(
  schema: SchemaProps,
): { readonly keyword: string; readonly value: unknown } | undefined {
  const items = itemsOf(schema)
  if (schema['x-kubernetes-list-type'] !== 'set' || items === undefined) return undefined
  const listType = items['x-kubernetes-list-type']
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    return { keyword: 'x-kubernetes-list-type', value: listType }
  }
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    return { keyword: 'x-kubernetes-map-type', value: listType }
  }
  return undefined
}

function checkListMapKeys(schema: SchemaProps, field: string, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const typeField = childField(field, 'x-kubernetes-list-type')
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(listType === undefined ? fieldRequired(typeField, detail) : fieldInvalid(typeField, listType, detail))
  }
  if (listType !== 'map') return
  const keysField = childField(field, 'x-kubernetes-list-map-keys')
  if (keys.length === 0) {
    errors.push(fieldRequired(keysField, 'must not be empty if x-kubernetes-list-type is map'))
  }
  const itemsField = childField(field, 'items')
  const items = itemsOf(schema)
  if (schema.items === undefined) {
    errors.push(fieldRequired(itemsField, 'must have a schema if x-kubernetes-list-type is map'))
  } else if (items === undefined) {
    const detail = 'must only have a single schema if x-kubernetes-list-type is map'
    errors.push(fieldInvalid(itemsField, schema.items, detail))
  } else if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map"
    errors.push(fieldInvalid(childField(itemsField, 'type'), items.type ?? '', detail))
  } else {
    checkKeyProperties(keys, items, field, errors)
  }
}

function checkKeyProperties(keys: readonly string[], items: SchemaProps, field: string, errors: FieldError[]): void {
  const keysField = childField(field, 'x-kubernetes-list-map-keys')
  const properties = items.properties ?? {}
  const seen = new Set<string>()
  for (const key of keys) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (property === undefined) {
      errors.push(fieldInvalid(keysField, keys, 'entries must all be names of item properties'))
    } else if (property.type === 'array' || property.type === 'object') {
      const at = childField(keyField(childField(childField(field, 'items'), 'properties'), key), 'type')
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(fieldInvalid(at, items.type, detail))
    }
    if (seen.has(key)) errors.push(fieldInvalid(keysField, keys, 'must not contain duplicate entries'))
    seen.add(key)
  }
}

/** Keys of a list-map identify items only if every item has them. */
export function listKeyProblems(schema: SchemaProps, field: string): FieldError[] {
  const items = itemsOf(schema)
  const listType = schema['x-kubernetes-list-type']
  if (items === undefined || (listType !== 'set' && listType !== 'map')) return []
  const errors: FieldError[] = []
  const itemsField = childField(field, 'items')
  if (items.nullable === true) {
    const detail = `cannot be nullable when x-kubernetes-list-type is ${listType}`
    errors.push(fieldForbidden(childField(itemsField, 'nullable'), detail))
  }
  if (listType !== 'map') return errors
  const properties = items.properties ?? {}
  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (property === undefined) continue
    const at = keyField(childField(itemsField, 'properties'), key)
    if (items.required?.includes(key) !== true && (property.default === undefined || property.default === null)) {
      const detail =
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'
      errors.push(fieldRequired(childField(at, 'default'), detail))
    }
    if (property.nullable === true) {
      const detail = 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'
      errors.push(fieldForbidden(childField(at, 'nullable'), detail))
    }
  }
  return errors
}

function checkRules(schema: SchemaProps, field: string, errors: FieldError[]): void {
  schema['x-kubernetes-validations']?.forEach((rule, i) => {
    const at = (name: string): string => childField(indexField(childField(field, 'x-kubernetes-validations'), i), name)
    const message = rule.message ?? ''
    const trimmedMessage = message.trim()
    const trimmedRule = (rule.rule ?? '').trim()
    if (trimmedRule === '') errors.push(fieldRequired(at('rule'), 'rule is not specified'))
    else if (message !== '' && trimmedMessage === '') {
      errors.push(fieldInvalid(at('message'), message, 'must be non-empty if specified'))
    } else if (hasLineBreak(trimmedMessage)) {
      errors.push(fieldInvalid(at('message'), message, 'must not contain line breaks'))
    } else if (hasLineBreak(trimmedRule) && trimmedMessage === '') {
      errors.push(fieldRequired(at('message'), 'message must be specified if rule contains line breaks'))
    }
    const expression = rule.messageExpression ?? ''
    if (expression !== '' && expression.trim() === '') {
      errors.push(fieldRequired(at('messageExpression'), 'messageExpression must be non-empty if specified'))
    }
    if (rule.reason !== undefined && !RULE_REASONS.includes(rule.reason)) {
      errors.push(fieldNotSupported(at('reason'), rule.reason, RULE_REASONS))
    }
    const fieldPath = rule.fieldPath ?? ''
    if (fieldPath !== '' && fieldPath.trim() === '') {
      errors.push(fieldInvalid(at('fieldPath'), fieldPath, 'must be non-empty if specified'))
    }
    if (hasLineBreak(fieldPath)) errors.push(fieldInvalid(at('fieldPath'), fieldPath, 'must not contain line breaks'))
  })
}

const hasLineBreak = (text: string): boolean => /[\n\r]/.test(text)
