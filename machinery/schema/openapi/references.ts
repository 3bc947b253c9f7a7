/**
 * The references of a Swagger 2.0 document: which definitions and parameters its operations lead to. Documents come from other
 * servers, so whatever has an unexpected shape is passed over. Upstream: kube-openapi pkg/aggregator/walker.go.
 */
import { isObject } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'

/** Called with each object that has a string `$ref`; may change it. */
type Visit = (holder: JsonObject, reference: string) => void

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch']
const SCHEMAS_BY_NAME = ['properties', 'patternProperties', 'definitions']
const SCHEMA_LISTS = ['allOf', 'anyOf', 'oneOf']
const SCHEMAS = ['not', 'additionalProperties', 'additionalItems']

export function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return isObject(value) ? (value as JsonObject) : undefined
}

function objectsOf(value: JsonValue | undefined): JsonObject[] {
  const values = Array.isArray(value) ? value : Object.values(objectOf(value) ?? {})
  return values.filter((element): element is JsonObject => isObject(element))
}

export function visitPathItem(item: JsonObject, visit: Visit): void {
  for (const parameter of objectsOf(item['parameters'])) visitParameter(parameter, visit)
  for (const method of METHODS) {
    const operation = objectOf(item[method])
    if (operation === undefined) continue
    for (const parameter of objectsOf(operation['parameters'])) visitParameter(parameter, visit)
    for (const response of objectsOf(operation['responses'])) visitParameter(response, visit)
  }
}

/** Of a response as well: both may be references themselves, and have a schema. */
export function visitParameter(parameter: JsonObject, visit: Visit): void {
  visitReference(parameter, visit)
  const schema = objectOf(parameter['schema'])
  if (schema !== undefined) visitSchema(schema, visit)
}

export function visitSchema(schema: JsonObject, visit: Visit): void {
  visitReference(schema, visit)
  for (const key of SCHEMAS_BY_NAME) {
    for (const child of Object.values(objectOf(schema[key]) ?? {}))
      if (isObject(child)) visitSchema(child as JsonObject, visit)
  }
  for (const key of SCHEMA_LISTS) for (const child of objectsOf(schema[key])) visitSchema(child, visit)
  for (const key of SCHEMAS) {
    const child = objectOf(schema[key])
    if (child !== undefined) visitSchema(child, visit)
  }
  const { items } = schema
  const children = Array.isArray(items) ? objectsOf(items) : objectsOf([items ?? null])
  for (const child of children) visitSchema(child, visit)
}

function visitReference(holder: JsonObject, visit: Visit): void {
  const reference = holder['$ref']
  if (typeof reference === 'string') visit(holder, reference)
}
