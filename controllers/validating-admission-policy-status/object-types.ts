/**
 * The CEL types of API objects: of built-in kinds from the schema facts, of custom resources from their definition. What
 * may hold anything is dyn, so that nothing is reported that may be right.
 * Upstream: apiserver pkg/cel/common/schemas.go SchemaDeclType.
 */
import type { CustomResourceDefinition, JSONSchemaProps } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { CelType } from '#machinery/cel/types.ts'
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listType, mapType, STRING, TIMESTAMP } from '#machinery/cel/types.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import { schemaFacts } from '#machinery/schema/facts.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Schema = DeepReadonly<JSONSchemaProps>

const SCALARS: ReadonlyMap<string, CelType> = new Map([
  ['string', STRING],
  ['boolean', BOOL],
  ['int32', INT],
  ['int64', INT],
  ['uint8', INT],
  ['uint32', INT],
  ['uint64', INT],
  ['float', DOUBLE],
  ['double', DOUBLE],
  ['bytes', BYTES],
  ['Time', TIMESTAMP],
  ['MicroTime', TIMESTAMP],
  ['Duration', STRING],
])
const FORMATS: ReadonlyMap<string, CelType> = new Map([
  ['byte', BYTES],
  ['duration', DURATION],
  ['date', TIMESTAMP],
  ['date-time', TIMESTAMP],
])
/** Words CEL keeps for itself: a field of such a name may be written `__namespace__`. */
const RESERVED =
  /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/
const METADATA = 'meta/v1.ObjectMeta'

/** Undefined: nobody knows this kind. */
export function typeOfKind(
  kind: GroupVersionKind,
  definitions: readonly DeepReadonly<CustomResourceDefinition>[],
): CelType | undefined {
  const builtIn = schemaFacts().typeOfKind(kind.group, kind.version, kind.kind)
  if (builtIn !== undefined) return typeOfExpression(builtIn)
  const crd = definitions.find(({ spec }) => spec.group === kind.group && spec.names.kind === kind.kind)
  const schema = crd?.spec.versions.find(({ name }) => name === kind.version)?.schema?.openAPIV3Schema
  if (schema === undefined) return undefined
  return objectOf(kind.kind, () => ({
    ...fieldsOfSchema(schema),
    apiVersion: STRING,
    kind: STRING,
    metadata: typeOfExpression(METADATA),
  }))
}

/** Types refer to one another in circles: fields are looked up when they are asked for. */
function objectOf(name: string, fields: () => Record<string, CelType>): CelType {
  let known: Record<string, CelType> | undefined
  return {
    kind: 'object',
    name,
    parameters: [],
    get fields() {
      known ??= withEscapes(fields())
      return known
    },
  }
}

function withEscapes(fields: Record<string, CelType>): Record<string, CelType> {
  for (const [name, type] of Object.entries(fields)) if (RESERVED.test(name)) fields[`__${name}__`] = type
  return fields
}

/** Of the schema facts' language: `[]core/v1.Container`, `{}string`. */
function typeOfExpression(expression: string): CelType {
  if (expression.startsWith('[]')) return listType(typeOfExpression(expression.slice(2)))
  if (expression.startsWith('{}')) return mapType(STRING, typeOfExpression(expression.slice(2)))
  const scalar = SCALARS.get(expression)
  if (scalar !== undefined) return scalar
  const fields = schemaFacts().fieldsOf(expression)
  if (fields === undefined) return DYN
  return objectOf(expression, () => Object.fromEntries(fields.map(([name, type]) => [name, typeOfExpression(type)])))
}

function typeOfSchema(schema: Schema): CelType {
  if (schema['x-kubernetes-int-or-string'] === true) return DYN
  switch (schema.type) {
    case 'string':
      return FORMATS.get(schema.format ?? '') ?? STRING
    case 'boolean':
      return BOOL
    case 'integer':
      return INT
    case 'number':
      return DOUBLE
    case 'array':
      return listType(typeOfInner(schema.items))
    case 'object':
      return typeOfObject(schema)
    default:
      return DYN
  }
}

function typeOfObject(schema: Schema): CelType {
  if (schema.properties !== undefined) return objectOf('object', () => fieldsOfSchema(schema))
  if (schema.additionalProperties !== undefined) return mapType(STRING, typeOfInner(schema.additionalProperties))
  return schema['x-kubernetes-preserve-unknown-fields'] === true ? DYN : objectOf('object', () => ({}))
}

/** `items` and `additionalProperties` may be a schema, or say that anything goes. */
function typeOfInner(inner: unknown): CelType {
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? typeOfSchema(inner as Schema) : DYN
}

const fieldsOfSchema = ({ properties = {} }: Schema): Record<string, CelType> =>
  Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, typeOfSchema(property)]))
