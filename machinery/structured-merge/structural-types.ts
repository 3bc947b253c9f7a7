/**
 * Merge types of a custom resource, from its openAPIV3Schema: list and map types, preserved unknown fields, resources
 * embedded in it. Upstream: kube-openapi pkg/schemaconv/openapi.go, apiextensions-apiserver pkg/controller/openapi/builder.
 */
import { isObject } from '#machinery/util/json.ts'
import { objectMetaMergeType } from './fact-types.ts'
import { fieldElement } from './path-element.ts'
import type { ListType, MapType, MergeField, MergeType, ScalarType } from './types.ts'
import { DEDUCED, STRING } from './types.ts'

type Schema = Readonly<Record<string, unknown>>

const SCALARS: ReadonlyMap<unknown, ScalarType> = new Map<unknown, ScalarType>([
  ['integer', 'numeric'],
  ['number', 'numeric'],
  ['boolean', 'boolean'],
  ['string', 'string'],
])

/** `schema` undefined: the resource has none, and its content is merged by what it looks like. */
export function customMergeType(schema: Schema | undefined): MergeType {
  if (schema === undefined) return withObjectMembers(DEDUCED)
  return withObjectMembers(mergeTypeOf(schema, false))
}

/** apiVersion, kind and metadata are the server's, whatever the schema says. */
function withObjectMembers(type: MergeType): MergeType {
  const fields = new Map(type.map?.fields ?? [])
  for (const name of ['apiVersion', 'kind']) fields.set(name, explicitField(name, STRING, undefined))
  fields.set('metadata', explicitField('metadata', objectMetaMergeType(), undefined))
  const map = { isAtomic: type.map?.isAtomic ?? false, fields, element: type.map?.element }
  return { scalar: undefined, list: undefined, map }
}

function explicitField(name: string, type: MergeType, defaultValue: unknown): MergeField {
  return { type, path: fieldElement(name), presence: 'explicit', zero: null, default: defaultValue }
}

function mergeTypeOf(schema: Schema, keepsUnknown: boolean): MergeType {
  const keeps = keepsUnknown || schema['x-kubernetes-preserve-unknown-fields'] === true
  const kind = schema['type']
  if (schema['x-kubernetes-int-or-string'] === true) return { scalar: 'untyped', list: undefined, map: undefined }
  if (kind === 'array') return { scalar: undefined, list: listOf(schema, keeps), map: undefined }
  if (kind === 'object') {
    const type: MergeType = { scalar: undefined, list: undefined, map: mapOf(schema, keeps) }
    return schema['x-kubernetes-embedded-resource'] === true ? withObjectMembers(type) : type
  }
  const scalar = SCALARS.get(kind)
  if (scalar === undefined) return { scalar: 'untyped', list: listOf(schema, keeps), map: mapOf(schema, keeps) }
  const hasFormat = kind === 'string' && !['', 'byte', undefined].includes(schema['format'] as string | undefined)
  return { scalar: hasFormat ? 'untyped' : scalar, list: undefined, map: undefined }
}

function listOf(schema: Schema, keeps: boolean): ListType {
  const { items } = schema
  const element = isObject(items) ? mergeTypeOf(items, keeps) : DEDUCED
  const keys = schema['x-kubernetes-list-map-keys']
  const kind = schema['x-kubernetes-list-type']
  if (kind === 'set') return { isAtomic: false, keys: undefined, element }
  if (kind === 'map' && Array.isArray(keys)) return { isAtomic: false, keys: keys.map(String).sort(), element }
  return { isAtomic: true, keys: undefined, element }
}

function mapOf(schema: Schema, keeps: boolean): MapType {
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  const fields = new Map<string, MergeField>()
  for (const [name, member] of properties) {
    if (isObject(member)) fields.set(name, explicitField(name, mergeTypeOf(member, keeps), member['default']))
  }
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic'
  return { isAtomic, fields: fields.size === 0 ? undefined : fields, element: elementOf(schema, keeps, fields.size) }
}

function elementOf(schema: Schema, keeps: boolean, fieldCount: number): MergeType | undefined {
  const { additionalProperties } = schema
  if (isObject(additionalProperties)) return mergeTypeOf(additionalProperties, keeps)
  if (additionalProperties === true) return DEDUCED
  if (additionalProperties === false) return undefined
  return keeps || fieldCount === 0 ? DEDUCED : undefined
}
