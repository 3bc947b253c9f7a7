/**
 * OpenAPI definitions of custom resources: the CRD's schema with apiVersion, kind and metadata added.
 * Upstream: apiextensions-apiserver pkg/controller/openapi/{builder,v2}.
 */
import { deepCopy, isObject } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import type { OpenApiResource } from '../interfaces.ts'
import type { DefinitionSet, OpenApiDialect } from './definitions.ts'
import { customDefinitionName } from './names.ts'

const OBJECT_META = 'meta/v1.ObjectMeta'
const LIST_META = 'meta/v1.ListMeta'

/** Adds the kind's and its list's definitions. */
export function addCustomDefinitions(set: DefinitionSet, resource: OpenApiResource, dialect: OpenApiDialect): void {
  const { group, version, kind, listKind } = resource
  const name = customDefinitionName(group, version, kind)
  const gvk = (of: string): JsonObject[] => [{ group, kind: of, version }]
  const definition = rootSchema(resource.schema, dialect)
  const properties = isObject(definition['properties']) ? (definition['properties'] as JsonObject) : {}
  definition['type'] = 'object'
  definition['properties'] = {
    ...properties,
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: wrapped(set.reference(OBJECT_META), dialect),
  }
  definition['x-kubernetes-group-version-kind'] = gvk(kind)
  set.set(name, definition)
  set.set(customDefinitionName(group, version, listKind), {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      items: { type: 'array', items: set.referenceTo(name) },
      kind: { type: 'string' },
      metadata: wrapped(set.reference(LIST_META), dialect),
    },
    'x-kubernetes-group-version-kind': gvk(listKind),
  })
}

/** v3 tools do not look at siblings of `$ref`. */
function wrapped(reference: JsonObject, dialect: OpenApiDialect): JsonObject {
  return dialect === 'v2' ? reference : { allOf: [reference] }
}

function rootSchema(schema: JsonObject | undefined, dialect: OpenApiDialect): JsonObject {
  if (schema === undefined) return { type: 'object' }
  const copy = deepCopy<JsonObject>(schema)
  addEmbedded(copy)
  if (dialect === 'v2') toV2(copy)
  return copy
}

/** An embedded resource always has the three members every object has. */
function addEmbedded(schema: JsonObject): void {
  if (schema['x-kubernetes-embedded-resource'] === true) {
    const properties = isObject(schema['properties']) ? (schema['properties'] as JsonObject) : {}
    schema['properties'] = {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...properties,
    }
  }
  forEachChild(schema, addEmbedded)
}

/** Leaves out what kubectl's v2 parser cannot read. */
function toV2(schema: JsonObject): void {
  for (const key of ['allOf', 'oneOf', 'anyOf', 'not']) delete schema[key]
  if (schema['nullable'] === true) {
    for (const key of ['nullable', 'type', 'items', 'properties']) delete schema[key]
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) {
    delete schema['items']
    delete schema['properties']
  }
  const properties = schema['properties']
  const required = schema['required']
  if (isObject(properties) && Array.isArray(required)) {
    const isNullable = (name: JsonValue): boolean => {
      const property = (properties as JsonObject)[String(name)]
      return isObject(property) && property['nullable'] === true
    }
    const kept = required.filter((name) => !isNullable(name))
    if (kept.length > 0) schema['required'] = kept
    else delete schema['required']
  }
  forEachChild(schema, toV2)
}

function forEachChild(schema: JsonObject, visit: (child: JsonObject) => void): void {
  const properties = schema['properties']
  if (isObject(properties)) {
    for (const child of Object.values(properties)) if (isObject(child)) visit(child as JsonObject)
  }
  for (const key of ['items', 'additionalProperties']) {
    const child = schema[key]
    if (isObject(child)) visit(child as JsonObject)
  }
}
