/**
 * OpenAPI definitions of the built-in types, made from the facts. v2 has bare references and no defaults, v3 wraps references
 * to carry defaults. Upstream: kube-openapi pkg/generators/openapi.go, pkg/builder{,3}.
 */
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import type { FactField, FactFieldExtra } from '../facts.ts'
import { schemaFacts } from '../facts.ts'
import { definitionName } from './names.ts'

export type OpenApiDialect = 'v2' | 'v3'

/** Text for a type (`field` undefined) or one of its fields; undefined when there is none. */
export type Describe = (definition: string, field: string | undefined) => string | undefined

const SCALARS: ReadonlyMap<string, JsonObject> = new Map<string, JsonObject>([
  ['string', { type: 'string' }],
  ['boolean', { type: 'boolean' }],
  ['int32', { type: 'integer', format: 'int32' }],
  ['int64', { type: 'integer', format: 'int64' }],
  ['uint8', { type: 'integer', format: 'byte' }],
  ['uint32', { type: 'integer', format: 'int64' }],
  ['uint64', { type: 'integer', format: 'int64' }],
  ['float', { type: 'number', format: 'float' }],
  ['double', { type: 'number', format: 'double' }],
  ['bytes', { type: 'string', format: 'byte' }],
])

const ZERO_VALUES: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['string', ''],
  ['boolean', false],
  ['int32', 0],
  ['int64', 0],
  ['double', 0],
])

const ANY_KIND = 'io.k8s.api.core.v1.ConfigMap'

/** Builds definitions on demand and remembers which were asked for. */
export class DefinitionSet {
  readonly definitions = new Map<string, JsonObject>()
  readonly #dialect: OpenApiDialect
  readonly #describe: Describe
  readonly #groupVersions: readonly { readonly group: string; readonly version: string }[]
  readonly #kinds: ReadonlyMap<string, JsonObject[]>

  constructor(
    dialect: OpenApiDialect,
    describe: Describe,
    groupVersions: readonly { readonly group: string; readonly version: string }[],
  ) {
    this.#dialect = dialect
    this.#describe = describe
    this.#groupVersions = groupVersions
    this.#kinds = kindsByType()
  }

  /** `$ref` to a type's definition, which is added with everything it refers to. */
  reference(type: string): JsonObject {
    const name = definitionName(type)
    if (name === undefined) throw new Error(`${type} has no definition`)
    this.#add(name, type)
    return this.referenceTo(name)
  }

  referenceTo(name: string): JsonObject {
    return { $ref: `${this.#dialect === 'v2' ? '#/definitions/' : '#/components/schemas/'}${name}` }
  }

  /** A member that every kind has, with the text it has in a built-in one. */
  describedMember(field: 'apiVersion' | 'kind' | 'metadata', schema: JsonObject): JsonObject {
    return this.#described(schema, ANY_KIND, field)
  }

  set(name: string, definition: JsonObject): void {
    this.definitions.set(name, definition)
  }

  /** Sorted by name, as Go prints maps. */
  toJson(): JsonObject {
    const names = [...this.definitions.keys()].sort()
    return Object.fromEntries(names.map((name) => [name, this.definitions.get(name) as JsonObject]))
  }

  #add(name: string, type: string): void {
    if (this.definitions.has(name)) return
    const special = specialDefinition(type, this.#dialect)
    if (special !== undefined) {
      this.set(name, this.#described(special, name, undefined))
      return
    }
    const definition: JsonObject = this.#described({ type: 'object' }, name, undefined)
    // Set before its fields are looked at: types may contain themselves.
    this.set(name, definition)
    this.#fill(definition, name, type)
  }

  #fill(definition: JsonObject, name: string, type: string): void {
    const facts = schemaFacts()
    const fields = [...(facts.fieldsOf(type) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    const required = fields.filter(([, , , flags]) => flags.includes('r')).map(([field]) => field)
    if (required.length > 0) definition['required'] = required
    if (fields.length > 0) {
      definition['properties'] = Object.fromEntries(fields.map((field) => [field[0], this.#property(name, field)]))
    }
    const gvks = this.#groupVersionKinds(type)
    if (gvks.length > 0) definition['x-kubernetes-group-version-kind'] = gvks
    const structType = facts.file.structTypes[type]
    if (structType === 'atomic') definition['x-kubernetes-map-type'] = 'atomic'
  }

  #groupVersionKinds(type: string): JsonObject[] {
    if (type === 'meta/v1.DeleteOptions' || type === 'meta/v1.WatchEvent') {
      const kind = type.slice('meta/v1.'.length)
      return this.#groupVersions.map(({ group, version }) => ({ group, kind, version }))
    }
    return this.#kinds.get(type) ?? []
  }

  #property(owner: string, [name, expression, , flags, extra]: FactField): JsonObject {
    const isPointer = flags.includes('p')
    const fallback = extra?.default ?? (isPointer ? undefined : this.#zero(expression, flags.includes('o')))
    const property = this.#schema(expression, fallback)
    if (extra?.enum !== undefined) addEnum(property, extra.enum)
    return this.#described({ ...property, ...extensions(extra) }, owner, name)
  }

  /** The default upstream declares for a member that is always printed. */
  #zero(expression: string, isOmitted: boolean): JsonValue | undefined {
    if (expression.startsWith('[]') || expression.startsWith('{}')) return undefined
    if (SCALARS.has(expression)) return isOmitted ? undefined : ZERO_VALUES.get(expression)
    return expression.includes('/') ? {} : undefined
  }

  #schema(expression: string, fallback: JsonValue | undefined): JsonObject {
    const withDefault = this.#dialect === 'v3' && fallback !== undefined
    if (expression.startsWith('[]')) {
      const items = this.#schema(expression.slice(2), this.#zero(expression.slice(2), false))
      return { type: 'array', items }
    }
    if (expression.startsWith('{}')) {
      const values = this.#schema(expression.slice(2), this.#zero(expression.slice(2), false))
      return { type: 'object', additionalProperties: values }
    }
    const scalar = SCALARS.get(expression)
    if (scalar !== undefined) return withDefault ? { ...scalar, default: fallback } : { ...scalar }
    const reference = this.reference(expression)
    if (this.#dialect === 'v2') return reference
    return withDefault ? { allOf: [reference], default: fallback } : { allOf: [reference] }
  }

  #described(schema: JsonObject, owner: string, field: string | undefined): JsonObject {
    const description = this.#describe(owner, field)
    return description === undefined ? schema : { description, ...schema }
  }
}

function kindsByType(): Map<string, JsonObject[]> {
  const kinds = new Map<string, JsonObject[]>()
  for (const [group, version, kind, type] of schemaFacts().file.kinds) {
    const known = kinds.get(type) ?? []
    known.push({ group, kind, version })
    kinds.set(type, known)
  }
  return kinds
}

function addEnum(property: JsonObject, name: string): void {
  const values = [...(schemaFacts().file.enums[name] ?? [])]
  if (values.length === 0) return
  if (property['type'] === 'string') property['enum'] = values
  const items = property['items'] ?? property['additionalProperties']
  if (typeof items === 'object' && items !== null && !Array.isArray(items)) addEnum(items, name)
}

function extensions(extra: FactFieldExtra | undefined): JsonObject {
  if (extra === undefined) return {}
  const mapType = extra.mapType ?? extra.structType
  return {
    ...(extra.listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': [...extra.listMapKeys] }),
    ...(extra.listType === undefined ? {} : { 'x-kubernetes-list-type': extra.listType }),
    ...(mapType === undefined ? {} : { 'x-kubernetes-map-type': mapType }),
    ...(extra.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': extra.patchMergeKey }),
    ...(extra.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': extra.patchStrategy }),
  }
}

function specialDefinition(type: string, dialect: OpenApiDialect): JsonObject | undefined {
  const isV2 = dialect === 'v2'
  switch (type) {
    case 'Time':
    case 'MicroTime':
      return { type: 'string', format: 'date-time' }
    case 'Duration':
      return { type: 'string' }
    case 'Quantity':
      return isV2 ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] }
    case 'IntOrString':
      return isV2
        ? { type: 'string', format: 'int-or-string' }
        : { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] }
    case 'RawExtension':
    case 'FieldsV1':
    case 'meta/v1.Patch':
      return { type: 'object' }
    case 'JSON':
    case 'SchemaOrArray':
    case 'SchemaOrBool':
    case 'SchemaOrStrings':
      return {}
    default:
      return undefined
  }
}
