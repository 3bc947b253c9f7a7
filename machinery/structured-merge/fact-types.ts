/**
 * Merge types of the built-in kinds, from the schema facts. A struct's members are resolved when first asked for.
 * Upstream: kube-openapi pkg/schemaconv over the generated OpenAPI.
 */
import type { FactField, FactFieldExtra } from '#machinery/schema/facts.ts'
import { schemaFacts } from '#machinery/schema/facts.ts'
import { fieldElement } from './path-element.ts'
import type { MapType, MergeField, MergeType } from './types.ts'
import { BOOLEAN, DEDUCED, NUMERIC, STRING, UNTYPED_SCALAR } from './types.ts'

const types = new Map<string, MergeType>()
const EMPTY_STRUCT: Readonly<Record<string, never>> = Object.freeze({})

const SCALARS: ReadonlyMap<string, MergeType> = new Map([
  ['string', STRING],
  ['boolean', BOOLEAN],
  ...['int32', 'int64', 'uint8', 'uint32', 'uint64', 'float', 'double'].map((name) => [name, NUMERIC] as const),
  ['bytes', STRING],
  ['Time', UNTYPED_SCALAR],
  ['MicroTime', UNTYPED_SCALAR],
  ['Duration', STRING],
  ['Quantity', UNTYPED_SCALAR],
  ['IntOrString', UNTYPED_SCALAR],
  ...['RawExtension', 'FieldsV1', 'JSON', 'SchemaOrArray', 'SchemaOrBool', 'SchemaOrStrings'].map(
    (name) => [name, DEDUCED] as const,
  ),
])

/** Undefined: no such built-in kind. */
export function builtInMergeType(group: string, version: string, kind: string): MergeType | undefined {
  const type = schemaFacts().typeOfKind(group, version, kind)
  return type === undefined ? undefined : mergeTypeOf(type, undefined)
}

/** The type of ObjectMeta, wherever the schema does not say. */
export const objectMetaMergeType = (): MergeType => mergeTypeOf('meta/v1.ObjectMeta', undefined)

function mergeTypeOf(expression: string, extra: FactFieldExtra | undefined): MergeType {
  const scalar = SCALARS.get(expression)
  if (scalar !== undefined) return scalar
  const relation = relationOf(expression, extra)
  const key = `${expression} ${relation}`
  let type = types.get(key)
  if (type === undefined) {
    type = compile(expression, extra)
    types.set(key, type)
  }
  return type
}

/** What of a field's markers changes its type: part of the name a type is remembered by. */
function relationOf(expression: string, extra: FactFieldExtra | undefined): string {
  if (extra === undefined) return ''
  if (!expression.startsWith('[]')) return extra.mapType ?? extra.structType ?? ''
  const { listType = '', listMapKeys = [], patchStrategy = '', patchMergeKey = '' } = extra
  return `${listType} ${listMapKeys.join(',')} ${patchStrategy} ${patchMergeKey}`
}

function compile(expression: string, extra: FactFieldExtra | undefined): MergeType {
  if (expression.startsWith('[]')) {
    const list = { ...listRelation(extra), element: mergeTypeOf(expression.slice(2), undefined) }
    return { scalar: undefined, map: undefined, list }
  }
  if (expression.startsWith('{}')) {
    const element = mergeTypeOf(expression.slice(2), undefined)
    const map = { isAtomic: extra?.mapType === 'atomic', fields: undefined, element }
    return { scalar: undefined, list: undefined, map }
  }
  return { scalar: undefined, list: undefined, map: new StructType(expression, extra) }
}

function listRelation(extra: FactFieldExtra | undefined): { isAtomic: boolean; keys: readonly string[] | undefined } {
  if (extra?.listType === 'map') return { isAtomic: false, keys: [...(extra.listMapKeys ?? [])].sort() }
  if (extra?.listType === 'set') return { isAtomic: false, keys: undefined }
  if (extra?.listType === undefined && extra?.patchStrategy?.startsWith('merge') === true) {
    return { isAtomic: false, keys: extra.patchMergeKey === undefined ? undefined : [extra.patchMergeKey] }
  }
  return { isAtomic: true, keys: undefined }
}

class StructType implements MapType {
  readonly isAtomic: boolean
  readonly element: MergeType | undefined
  readonly #type: string
  #fields: ReadonlyMap<string, MergeField> | undefined

  constructor(type: string, extra: FactFieldExtra | undefined) {
    const facts = schemaFacts()
    this.#type = type
    const relation = extra?.mapType ?? extra?.structType ?? facts.file.structTypes[type]
    this.isAtomic = relation === 'atomic'
    // A struct the facts know nothing of keeps whatever it holds.
    this.element = facts.fieldsOf(type) === undefined ? DEDUCED : undefined
  }

  get fields(): ReadonlyMap<string, MergeField> {
    this.#fields ??= new Map((schemaFacts().fieldsOf(this.#type) ?? []).map((field) => [field[0], fieldOf(field)]))
    return this.#fields
  }
}

function fieldOf([name, expression, , flags, extra]: FactField): MergeField {
  const type = mergeTypeOf(expression, extra)
  const isStruct = type.map instanceof StructType
  // Time, Quantity and IntOrString are structs to Go; their zero values print as null, "0" and 0 and own nothing here.
  const presence = flags.includes('p') ? 'explicit' : isStruct || !flags.includes('o') ? 'always' : 'omitempty'
  return { type, path: fieldElement(name), presence, zero: zeroOf(type, isStruct, expression), default: extra?.default }
}

function zeroOf(type: MergeType, isStruct: boolean, expression: string): unknown {
  if (isStruct) return EMPTY_STRUCT
  if (type === STRING) return expression === 'bytes' ? null : ''
  if (type === NUMERIC) return 0
  return type === BOOLEAN ? false : null
}
