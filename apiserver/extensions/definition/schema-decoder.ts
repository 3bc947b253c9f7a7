/**
 * Decodes openAPIV3Schema: types are checked, unknown keywords dropped and reported. The schema facts cannot do it, since
 * `items` and `additionalProperties` are "schema or something else" there.
 * Upstream: apiextensions-apiserver pkg/apis/apiextensions/v1/{types_jsonschema,marshal}.go.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'

type Members = Record<string, unknown>
type Shape =
  | 'string'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'any'
  | 'anyList'
  | 'strings'
  | 'schema'
  | 'schemas'
  | 'schemaMap'
  | 'schemaOrList'
  | 'schemaOrBool'
  | 'dependencies'
  | 'rules'
  | 'docs'

const KEYWORDS: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ...(['id', '$schema', '$ref', 'description', 'type', 'format', 'title', 'pattern'] as const).map(asString),
  ...(['x-kubernetes-list-type', 'x-kubernetes-map-type'] as const).map(asString),
  ['default', 'any'],
  ['example', 'any'],
  ['enum', 'anyList'],
  ...(['maximum', 'minimum', 'multipleOf'] as const).map((name) => [name, 'number'] as const),
  ...(['maxLength', 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties'] as const).map(
    (name) => [name, 'integer'] as const,
  ),
  ...(['exclusiveMaximum', 'exclusiveMinimum', 'uniqueItems', 'nullable'] as const).map(asBoolean),
  ...(['preserve-unknown-fields', 'embedded-resource', 'int-or-string'] as const).map((name) =>
    asBoolean(`x-kubernetes-${name}`),
  ),
  ['required', 'strings'],
  ['x-kubernetes-list-map-keys', 'strings'],
  ['x-kubernetes-validations', 'rules'],
  ['items', 'schemaOrList'],
  ['allOf', 'schemas'],
  ['oneOf', 'schemas'],
  ['anyOf', 'schemas'],
  ['not', 'schema'],
  ['properties', 'schemaMap'],
  ['patternProperties', 'schemaMap'],
  ['definitions', 'schemaMap'],
  ['additionalProperties', 'schemaOrBool'],
  ['additionalItems', 'schemaOrBool'],
  ['dependencies', 'dependencies'],
  ['externalDocs', 'docs'],
])

function asString<T extends string>(name: T): readonly [T, Shape] {
  return [name, 'string']
}
function asBoolean<T extends string>(name: T): readonly [T, Shape] {
  return [name, 'boolean']
}

const RULE_FIELDS = new Set(['rule', 'message', 'messageExpression', 'reason', 'fieldPath', 'optionalOldSelf'])
const DOCS_FIELDS = new Set(['description', 'url'])

/** In place. `unknown` receives `unknown field "…"` texts. */
export function decodeSchemaProps(schema: unknown, path: string, unknown: string[]): void {
  const members = requireObject(schema, path, 'v1.JSONSchemaProps')
  for (const name of Object.keys(members)) {
    const shape = KEYWORDS.get(name)
    const value = members[name]
    const at = `${path}.${name}`
    if (shape === undefined) drop(members, name, at, unknown)
    else if (value === null) delete members[name]
    else decodeKeyword(value, shape, at, unknown)
  }
}

function drop(members: Members, name: string, at: string, unknown: string[]): void {
  delete members[name]
  unknown.push(`unknown field "${at}"`)
}

function requireObject(value: unknown, path: string, goType: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  throw mismatch(value, path, goType)
}

function requireList(value: unknown, path: string, goType: string): unknown[] {
  if (Array.isArray(value)) return value
  throw mismatch(value, path, goType)
}

function mismatch(value: unknown, path: string, goType: string): Error {
  const actual = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  const field = path.slice(path.lastIndexOf('.') + 1)
  const text = `json: cannot unmarshal ${actual} into Go struct field JSONSchemaProps.${path} of type ${goType}`
  return newBadRequest(
    `CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: ${field === '' ? '' : text}`,
  )
}

function decodeKeyword(value: unknown, shape: Shape, at: string, unknown: string[]): void {
  switch (shape) {
    case 'any':
      return
    case 'string':
      if (typeof value !== 'string') throw mismatch(value, at, 'string')
      return
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, at, 'bool')
      return
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, at, 'float64')
      return
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw mismatch(value, at, 'int64')
      return
    case 'anyList':
      requireList(value, at, '[]v1.JSON')
      return
    case 'strings':
      for (const item of requireList(value, at, '[]string')) {
        if (typeof item !== 'string') throw mismatch(item, at, 'string')
      }
      return
    case 'rules':
      requireList(value, at, 'v1.ValidationRules').forEach((rule, i) => {
        dropUnknown(requireObject(rule, at, 'v1.ValidationRule'), RULE_FIELDS, `${at}[${i}]`, unknown)
      })
      return
    case 'docs':
      dropUnknown(requireObject(value, at, 'v1.ExternalDocumentation'), DOCS_FIELDS, at, unknown)
      return
    default:
      decodeNested(value, shape, at, unknown)
  }
}

function dropUnknown(members: Members, known: ReadonlySet<string>, at: string, unknown: string[]): void {
  for (const name of Object.keys(members)) if (!known.has(name)) drop(members, name, `${at}.${name}`, unknown)
}

function decodeNested(value: unknown, shape: Shape, at: string, unknown: string[]): void {
  const decodeAll = (list: readonly unknown[]): void =>
    list.forEach((schema, i) => {
      decodeSchemaProps(schema, `${at}[${i}]`, unknown)
    })
  switch (shape) {
    case 'schemas':
      decodeAll(requireList(value, at, '[]v1.JSONSchemaProps'))
      return
    case 'schemaOrList':
      if (Array.isArray(value)) decodeAll(value)
      else decodeSchemaProps(value, at, unknown)
      return
    case 'schemaOrBool':
      if (typeof value !== 'boolean') decodeSchemaProps(value, at, unknown)
      return
    case 'schemaMap':
    case 'dependencies':
      for (const [name, schema] of Object.entries(requireObject(value, at, 'map[string]v1.JSONSchemaProps'))) {
        if (shape !== 'dependencies' || !Array.isArray(schema)) decodeSchemaProps(schema, `${at}.${name}`, unknown)
      }
      return
    default:
      decodeSchemaProps(value, at, unknown)
  }
}
