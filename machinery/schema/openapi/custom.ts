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
const PRESERVE_UNKNOWN = 'x-kubernetes-preserve-unknown-fields'

/** Adds the kind's and its list's definitions. */
export function addCustomDefinitions(set: DefinitionSet, resource: OpenApiResource, dialect: OpenApiDialect): void {
  const { group, version, kind, listKind, selectableFields = [] } = resource
  const paths = selectableFields.map((fieldPath) => ({ fieldPath }))
  const selectable: JsonObject = paths.length === 0 ? {} : { 'x-kubernetes-selectable-fields': paths }
  const name = customDefinitionName(group, version, kind)
  const gvk = (of: string): JsonObject[] => [{ group, kind: of, version }]
  const metadata = (type: string): JsonObject => set.describedMember('metadata', wrapped(set.reference(type), dialect))
  set.set(name, {
    ...rootSchema(set, resource.schema, dialect, metadata(OBJECT_META)),
    'x-kubernetes-group-version-kind': gvk(kind),
    ...selectable,
  })
  set.set(customDefinitionName(group, version, listKind), {
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta(set),
      items: { type: 'array', items: set.referenceTo(name) },
      metadata: metadata(LIST_META),
    },
    'x-kubernetes-group-version-kind': gvk(listKind),
    ...selectable,
  })
}

/** v3 tools do not look at siblings of `$ref`. */
function wrapped(reference: JsonObject, dialect: OpenApiDialect): JsonObject {
  return dialect === 'v2' ? reference : { allOf: [reference] }
}

function typeMeta(set: DefinitionSet): JsonObject {
  return {
    apiVersion: set.describedMember('apiVersion', { type: 'string' }),
    kind: set.describedMember('kind', { type: 'string' }),
  }
}

function rootSchema(
  set: DefinitionSet,
  schema: JsonObject | undefined,
  dialect: OpenApiDialect,
  metadata: JsonObject,
): JsonObject {
  // With any property listed kubectl takes every other one for unknown.
  if (schema === undefined || (dialect === 'v2' && schema[PRESERVE_UNKNOWN] === true)) return { type: 'object' }
  const copy = deepCopy<JsonObject>(schema)
  if (dialect === 'v2') toV2(copy)
  addEmbedded(copy, dialect, { ...typeMeta(set), metadata })
  return { ...copy, type: 'object', properties: { ...membersOf(copy), ...typeMeta(set), metadata } }
}

function membersOf(schema: JsonObject): JsonObject {
  const properties = schema['properties']
  return isObject(properties) ? (properties as JsonObject) : {}
}

/** An embedded resource always has the three members every object has. */
function addEmbedded(schema: JsonObject, dialect: OpenApiDialect, members: JsonObject): void {
  forEachChild(schema, (child) => addEmbedded(child, dialect, members))
  if (schema['x-kubernetes-embedded-resource'] !== true) return
  if (dialect === 'v2' && schema[PRESERVE_UNKNOWN] === true) return
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  schema['properties'] = { ...membersOf(schema), ...members }
  schema['required'] = [...new Set([...required, 'kind', 'apiVersion'])]
}

/** Leaves out what kubectl's v2 parser cannot read. */
function toV2(schema: JsonObject): void {
  for (const key of ['allOf', 'oneOf', 'anyOf', 'not']) delete schema[key]
  if (schema['nullable'] === true) {
    for (const key of ['nullable', 'type', 'items', 'properties']) delete schema[key]
  }
  if (schema[PRESERVE_UNKNOWN] === true) {
    delete schema['items']
    delete schema['properties']
    if (schema['type'] === 'object') delete schema['type']
  }
  if (schema['type'] === 'array' && schema['items'] === undefined) delete schema['type']
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
