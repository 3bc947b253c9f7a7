/**
 * What a CRD says per version, one function per field. Upstream hoists values that all versions share to the top level
 * before it validates, so the caller passes the path (`spec.validation` or `spec.versions[0].schema`).
 * Upstream: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go.
 */
import type {
  CustomResourceColumnDefinition,
  CustomResourceSubresources,
  SelectableField,
} from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  childField,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  fieldTooMany,
} from '#machinery/meta/field-error.ts'
import { validateRuleDefinitions } from '../rules/definition.ts'
import type { SchemaProps } from '../schema/props.ts'
import { additionalSchemaOf } from '../schema/props.ts'
import { structuralProblem, validateStructural } from '../schema/structural.ts'
import { validateDefaults } from './default-values.ts'
import type { SchemaRuleOptions } from './schema-rules.ts'
import { validateSchemaRules } from './schema-rules.ts'

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const SELECTABLE_FIELDS_MAX = 8
/** The walks over a schema are recursive. */
const SCHEMA_DEPTH_MAX = 256

/** Keywords that would be lost when the schema of status is taken out of the root. */
const FORBIDDEN_AT_ROOT = [
  'id',
  '$schema',
  '$ref',
  'default',
  'enum',
  'maxProperties',
  'minProperties',
  'allOf',
  'oneOf',
  'anyOf',
  'not',
  'additionalProperties',
  'patternProperties',
  'dependencies',
  'additionalItems',
  'definitions',
  'nullable',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-list-type',
  'x-kubernetes-map-type',
] as const

const ALLOWED_AT_ROOT =
  '[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]'

export interface SchemaOptions extends SchemaRuleOptions {
  readonly requireStructural: boolean
  readonly requirePrunedDefaults: boolean
}

/** `field` is the path of the CustomResourceValidation, the parent of openAPIV3Schema. */
export function validateVersionSchema(
  schema: SchemaProps,
  field: string,
  hasStatus: boolean,
  options: SchemaOptions,
): FieldError[] {
  const schemaField = childField(field, 'openAPIV3Schema')
  if (isDeeperThan(schema, SCHEMA_DEPTH_MAX)) {
    return [fieldInvalid(schemaField, '', `must not be nested more than ${SCHEMA_DEPTH_MAX} levels deep`)]
  }
  const errors = hasStatus ? validateRootForStatus(schema, schemaField) : []
  if (schema.nullable === true) {
    errors.push(fieldForbidden(childField(schemaField, 'nullable'), 'nullable cannot be true at the root'))
  }
  let unsupported: string | undefined
  if (options.requireStructural) {
    unsupported = structuralProblem(schema)
    if (unsupported === undefined) {
      const structuralErrors = validateStructural(schema, schemaField)
      if (structuralErrors.length > 0) errors.push(...structuralErrors)
      else errors.push(...validateDefaults(schema, schemaField, options.requirePrunedDefaults))
    }
  }
  errors.push(...validateSchemaRules(schema, schemaField, options))
  if (errors.length === 0 && unsupported !== undefined) errors.push(fieldInvalid(schemaField, '', unsupported))
  if (errors.length === 0 && options.requireStructural) errors.push(...validateRuleDefinitions(schema, schemaField))
  return errors
}

function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  // Every level of a schema is at most two levels of JSON: the keyword and its map.
  return limit < 0 || Object.values(value).some((member) => isDeeperThan(member, limit - 0.5))
}

function validateRootForStatus(schema: SchemaProps, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (schema.type !== undefined && schema.type !== '' && schema.type !== 'object') {
    const detail = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
    errors.push(fieldInvalid(childField(field, 'type'), schema.type, detail))
    return errors
  }
  const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== false && value !== ''
  if (FORBIDDEN_AT_ROOT.some((keyword) => isSet(schema[keyword]))) {
    const detail = `only ${ALLOWED_AT_ROOT} fields are allowed at the root of the schema if the status subresource is enabled`
    errors.push(fieldInvalid(field, schema, detail))
  }
  return errors
}

export function validateSubresources(subresources: CustomResourceSubresources, field: string): FieldError[] {
  const scale = subresources.scale
  if (scale === undefined) return []
  const errors: FieldError[] = []
  const requirePath = (name: 'specReplicasPath' | 'statusReplicasPath', root: string): void => {
    const path = scale[name] ?? ''
    const at = `${field}.scale.${name}`
    const syntax = validateSimplePath(path, at)
    if (path === '') errors.push(fieldRequired(at, ''))
    else if (syntax.length > 0) errors.push(...syntax)
    else if (!path.startsWith(`.${root}.`)) errors.push(fieldInvalid(at, path, `should be a json path under .${root}`))
  }
  requirePath('specReplicasPath', 'spec')
  requirePath('statusReplicasPath', 'status')
  const selector = scale.labelSelectorPath ?? ''
  if (selector !== '') {
    const at = `${field}.scale.labelSelectorPath`
    const syntax = validateSimplePath(selector, at)
    if (syntax.length > 0) errors.push(...syntax)
    else if (!selector.startsWith('.spec.') && !selector.startsWith('.status.')) {
      errors.push(fieldInvalid(at, selector, 'should be a json path under either .spec or .status'))
    }
  }
  return errors
}

function validateSimplePath(path: string, field: string): FieldError[] {
  if (path === '') return [fieldInvalid(field, path, 'must not be empty')]
  return path.startsWith('.') ? [] : [fieldInvalid(field, path, 'must be a simple json path starting with .')]
}

export function validateColumn(column: CustomResourceColumnDefinition, field: string): FieldError[] {
  const errors: FieldError[] = []
  const { name = '', type = '', format = '', jsonPath = '' } = column as Partial<CustomResourceColumnDefinition>
  if (name === '') errors.push(fieldRequired(childField(field, 'name'), ''))
  const typeDetail = `must be one of ${COLUMN_TYPES.join(',')}`
  if (type === '') errors.push(fieldRequired(childField(field, 'type'), typeDetail))
  else if (!COLUMN_TYPES.includes(type)) errors.push(fieldInvalid(childField(field, 'type'), type, typeDetail))
  if (format !== '' && !COLUMN_FORMATS.includes(format)) {
    errors.push(fieldInvalid(childField(field, 'format'), format, `must be one of ${COLUMN_FORMATS.join(',')}`))
  }
  const pathField = childField(field, 'JSONPath')
  if (jsonPath === '') errors.push(fieldRequired(pathField, ''))
  else errors.push(...validateSimplePath(jsonPath, pathField))
  return errors
}

export function validateSelectableFields(
  fields: readonly SelectableField[],
  schema: SchemaProps | undefined,
  field: string,
  allowTooMany: boolean,
): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  fields.forEach(({ jsonPath = '' }, i) => {
    const at = `${field}[${i}].jsonPath`
    if (jsonPath === '') {
      errors.push(fieldRequired(at, ''))
      return
    }
    const found = fieldAt(schema, jsonPath)
    if (typeof found === 'string') {
      errors.push(fieldInvalid(at, jsonPath, `is an invalid path: ${found}`))
      return
    }
    const { names } = found
    const { type } = found.schema
    if (names[0] === 'metadata') {
      errors.push(fieldInvalid(at, jsonPath, 'must not point to fields in metadata'))
    }
    if (type !== 'string' && type !== 'boolean' && type !== 'integer') {
      const detail =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      errors.push(fieldInvalid(at, jsonPath, detail))
    }
    const path = names.join('.')
    if (seen.has(path)) errors.push(fieldDuplicate(at, jsonPath))
    seen.add(path)
  })
  if (seen.size > SELECTABLE_FIELDS_MAX && !allowTooMany) {
    errors.push(fieldTooMany(field, seen.size, SELECTABLE_FIELDS_MAX))
  }
  return errors
}

const NO_SUCH_FIELD = 'does not refer to a valid field'

/** What `.a.b` leads to, or what is wrong with the path. Upstream: ValidFieldPath without array notation. */
function fieldAt(
  root: SchemaProps | undefined,
  path: string,
): { readonly names: readonly string[]; readonly schema: SchemaProps } | string {
  const tokens = path.match(/'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+|'/g) ?? []
  const names: string[] = []
  let schema = root
  for (let i = 0; i < tokens.length; i += 2) {
    if (tokens[i] === '[') return 'array notation is not allowed'
    if (tokens[i] !== '.') return `expected [ or . but got: ${tokens[i]}`
    const name = tokens[i + 1]
    if (name === undefined) return 'unexpected end of JSON path'
    schema = schema === undefined ? undefined : memberOf(schema, name)
    if (schema === undefined) return NO_SUCH_FIELD
    names.push(name)
  }
  return schema === undefined ? NO_SUCH_FIELD : { names, schema }
}

function memberOf(schema: SchemaProps, name: string): SchemaProps | undefined {
  const { properties = {} } = schema
  if (Object.keys(properties).length === 0) return additionalSchemaOf(schema)
  return Object.hasOwn(properties, name) ? properties[name] : undefined
}

export function validateDeprecation(version: {
  readonly deprecated?: boolean
  readonly deprecationWarning?: string
}): string[] {
  const warning = version.deprecationWarning
  if (warning === undefined) return []
  if (version.deprecated !== true) return ['can only be set for deprecated versions']
  const problems: string[] = []
  if (Buffer.byteLength(warning) > 256) problems.push('must be <= 256 characters long')
  if (warning === '') problems.push('must not be an empty string')
  const index = warning.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u)
  if (index >= 0) {
    const bytes = Buffer.byteLength(warning.slice(0, index))
    problems.push(`must only contain printable UTF-8 characters; non-printable character found at index ${bytes}`)
  }
  return problems
}
