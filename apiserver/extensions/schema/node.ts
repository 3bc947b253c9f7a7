/**
 * A custom resource schema compiled once into nodes that pruning, defaulting and validation walk. Pure data: no code is
 * generated, patterns are compiled at their first use.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema (Structural) and kube-openapi pkg/validation/spec, in one.
 */
import type { ValidationRule } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { FormatCheck } from './formats.ts'
import { effectiveFormat, formatCheck } from './formats.ts'
import type { Pattern } from './pattern.ts'
import { lazyPattern } from './pattern.ts'
import type { SchemaProps } from './props.ts'
import { additionalSchemaOf, itemsOf } from './props.ts'

export interface NumberRules {
  readonly minimum: number | undefined
  readonly exclusiveMinimum: boolean
  readonly maximum: number | undefined
  readonly exclusiveMaximum: boolean
  readonly multipleOf: number | undefined
}

export interface SchemaNode {
  /** Empty: any type. int-or-string: integer and string. */
  readonly types: readonly string[]
  /** As it appears in messages. */
  readonly typeText: string
  readonly nullable: boolean
  /** '' when absent or not enforced for this type. */
  readonly format: string
  readonly formatCheck: FormatCheck | undefined
  readonly properties: ReadonlyMap<string, SchemaNode> | undefined
  readonly required: readonly string[]
  readonly items: SchemaNode | undefined
  /** Undefined: not specified. */
  readonly additional: { readonly allowed: boolean; readonly node: SchemaNode | undefined } | undefined
  readonly preserveUnknown: boolean
  readonly embedded: boolean
  readonly listType: string | undefined
  readonly listMapKeys: readonly string[]
  /** Undefined: no default. Never null: upstream treats a null default as none. */
  readonly defaultValue: unknown
  readonly enumValues: readonly unknown[] | undefined
  readonly numbers: NumberRules | undefined
  readonly minLength: number | undefined
  readonly maxLength: number | undefined
  readonly pattern: Pattern | undefined
  readonly minItems: number | undefined
  readonly maxItems: number | undefined
  readonly uniqueItems: boolean
  readonly minProperties: number | undefined
  readonly maxProperties: number | undefined
  readonly allOf: readonly SchemaNode[] | undefined
  readonly anyOf: readonly SchemaNode[] | undefined
  readonly oneOf: readonly SchemaNode[] | undefined
  readonly not: SchemaNode | undefined
  /** Whether this node or one below it (outside allOf/anyOf/oneOf/not) has a default, a set or map list, an embedded resource. */
  readonly hasDefaults: boolean
  readonly hasListRules: boolean
  readonly hasEmbedded: boolean
  /** x-kubernetes-validations of this node. */
  readonly rules: readonly ValidationRule[]
  readonly hasRules: boolean
}

/** Never fails: what is not structural was refused when the CRD was written (or is reported as NonStructuralSchema). */
export function compileSchema(schema: SchemaProps): SchemaNode {
  const items = itemsOf(schema)
  const structure = {
    properties: compileProperties(schema.properties),
    items: items === undefined ? undefined : compileSchema(items),
    additional: compileAdditional(schema),
  }
  const types = typesOf(schema)
  const format = effectiveFormat(types, schema.format ?? '')
  const hasDefault = schema.default !== undefined && schema.default !== null
  return {
    ...structure,
    types,
    typeText: types.join(','),
    nullable: schema.nullable === true,
    format,
    formatCheck: formatCheck(format),
    required: schema.required ?? [],
    preserveUnknown: schema['x-kubernetes-preserve-unknown-fields'] === true,
    embedded: schema['x-kubernetes-embedded-resource'] === true,
    listType: schema['x-kubernetes-list-type'],
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    defaultValue: hasDefault ? schema.default : undefined,
    ...compileValueRules(schema),
    ...compileJunctors(schema),
    hasDefaults: hasDefault || someChild(structure, (child) => child.hasDefaults),
    hasListRules: isListRule(schema) || someChild(structure, (child) => child.hasListRules),
    rules: schema['x-kubernetes-validations'] ?? [],
    hasRules: (schema['x-kubernetes-validations'] ?? []).length > 0 || someChild(structure, (child) => child.hasRules),
    hasEmbedded:
      schema['x-kubernetes-embedded-resource'] === true || someChild(structure, (child) => child.hasEmbedded),
  }
}

function isListRule(schema: SchemaProps): boolean {
  return schema['x-kubernetes-list-type'] === 'set' || schema['x-kubernetes-list-type'] === 'map'
}

function typesOf(schema: SchemaProps): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return ['integer', 'string']
  return schema.type === undefined || schema.type === '' ? [] : [schema.type]
}

type Structure = Pick<SchemaNode, 'properties' | 'items' | 'additional'>

function someChild(structure: Structure, matches: (child: SchemaNode) => boolean): boolean {
  if (structure.items !== undefined && matches(structure.items)) return true
  if (structure.additional?.node !== undefined && matches(structure.additional.node)) return true
  for (const child of structure.properties?.values() ?? []) if (matches(child)) return true
  return false
}

function compileProperties(properties: SchemaProps['properties']): ReadonlyMap<string, SchemaNode> | undefined {
  if (properties === undefined) return undefined
  const nodes = new Map<string, SchemaNode>()
  for (const [name, schema] of Object.entries(properties)) nodes.set(name, compileSchema(schema))
  return nodes.size === 0 ? undefined : nodes
}

function compileAdditional(schema: SchemaProps): SchemaNode['additional'] {
  if (schema.additionalProperties === undefined) return undefined
  const nested = additionalSchemaOf(schema)
  if (nested === undefined) return { allowed: schema.additionalProperties === true, node: undefined }
  return { allowed: true, node: compileSchema(nested) }
}

function compileValueRules(schema: SchemaProps) {
  const { minimum, maximum, multipleOf } = schema
  const hasNumberRules = minimum !== undefined || maximum !== undefined || multipleOf !== undefined
  const numbers: NumberRules = {
    minimum,
    exclusiveMinimum: schema.exclusiveMinimum === true,
    maximum,
    exclusiveMaximum: schema.exclusiveMaximum === true,
    multipleOf,
  }
  return {
    enumValues: schema.enum === undefined || schema.enum.length === 0 ? undefined : schema.enum,
    numbers: hasNumberRules ? numbers : undefined,
    minLength: schema.minLength,
    maxLength: schema.maxLength,
    pattern: schema.pattern === undefined || schema.pattern === '' ? undefined : lazyPattern(schema.pattern),
    minItems: schema.minItems,
    maxItems: schema.maxItems,
    uniqueItems: schema.uniqueItems === true,
    minProperties: schema.minProperties,
    maxProperties: schema.maxProperties,
  }
}

function compileJunctors(schema: SchemaProps) {
  const all = (schemas: SchemaProps[] | undefined): readonly SchemaNode[] | undefined =>
    schemas === undefined || schemas.length === 0 ? undefined : schemas.map(compileSchema)
  return {
    allOf: all(schema.allOf),
    anyOf: all(schema.anyOf),
    oneOf: all(schema.oneOf),
    not: schema.not === undefined ? undefined : compileSchema(schema.not),
  }
}

/** The node of a member: its property, else the additionalProperties schema. */
export function memberNode(node: SchemaNode | undefined, name: string): SchemaNode | undefined {
  return node === undefined ? undefined : (node.properties?.get(name) ?? node.additional?.node)
}
