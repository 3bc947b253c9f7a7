/**
 * openAPIV3Schema as it is on the wire: the generated JSONSchemaProps cannot say "schema or boolean", this can.
 * Upstream: apiextensions-apiserver pkg/apis/apiextensions/v1/types_jsonschema.go.
 */
import type { JSONSchemaProps } from '#machinery/api/apiextensions/v1/types.gen.ts'

type Nested =
  | 'items'
  | 'allOf'
  | 'oneOf'
  | 'anyOf'
  | 'not'
  | 'properties'
  | 'additionalProperties'
  | 'patternProperties'
type Foreign = 'dependencies' | 'additionalItems' | 'definitions'

export interface SchemaProps extends Omit<JSONSchemaProps, Nested | Foreign> {
  items?: SchemaProps | SchemaProps[]
  allOf?: SchemaProps[]
  oneOf?: SchemaProps[]
  anyOf?: SchemaProps[]
  not?: SchemaProps
  properties?: Record<string, SchemaProps>
  additionalProperties?: SchemaProps | boolean
  patternProperties?: Record<string, SchemaProps>
  dependencies?: Record<string, SchemaProps | string[]>
  additionalItems?: SchemaProps | boolean
  definitions?: Record<string, SchemaProps>
}

/** The schema of `items`, undefined when absent or (unsupported) an array of schemas. */
export function itemsOf(schema: SchemaProps): SchemaProps | undefined {
  return schema.items === undefined || Array.isArray(schema.items) ? undefined : schema.items
}

/** The schema of `additionalProperties`, undefined when absent or a boolean. */
export function additionalSchemaOf(schema: SchemaProps): SchemaProps | undefined {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** Depth first, the schema itself first; stops at the first true. */
export function someSchema(schema: SchemaProps | undefined, matches: (schema: SchemaProps) => boolean): boolean {
  if (schema === undefined) return false
  if (matches(schema)) return true
  return childSchemas(schema).some((child) => someSchema(child, matches))
}

function childSchemas(schema: SchemaProps): SchemaProps[] {
  const children: SchemaProps[] = []
  if (Array.isArray(schema.items)) children.push(...schema.items)
  else if (schema.items !== undefined) children.push(schema.items)
  children.push(...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? []))
  if (schema.not !== undefined) children.push(schema.not)
  for (const map of [schema.properties, schema.patternProperties, schema.definitions]) {
    if (map !== undefined) children.push(...Object.values(map))
  }
  for (const either of [schema.additionalProperties, schema.additionalItems]) {
    if (typeof either === 'object') children.push(either)
  }
  for (const dependency of Object.values(schema.dependencies ?? {})) {
    if (!Array.isArray(dependency)) children.push(dependency)
  }
  return children
}
