/**
 * Compiles the facts into decoders: one check per type expression, one field map per struct, built when first needed. A decoder
 * changes the value in place and allocates nothing when there is nothing to change. What Go would not print does not get in.
 * Upstream: sigs.k8s.io/json (kjson) decode.go. Differs: a null member is dropped even where Go would print it as null.
 */
import { jsonTypeName, STEP_FIELD, STEP_INDEX, STEP_KEY } from './decode-context.ts'
import type { Check } from './decode-scalars.ts'
import {
  acceptAny,
  booleanCheck,
  checkBytes,
  checkDuration,
  checkIntOrString,
  checkMicroTime,
  checkQuantity,
  checkTime,
  integerCheck,
  numberCheck,
  stringCheck,
} from './decode-scalars.ts'
import type { FactField } from './facts.ts'
import { schemaFacts } from './facts.ts'

const MIN_INT64 = -(2 ** 63)
const MAX_INT64 = 2 ** 63

const SCALARS: ReadonlyMap<string, (goType: string | undefined) => Check> = new Map([
  ['string', (goType) => stringCheck(goType ?? 'string')],
  ['boolean', (goType) => booleanCheck(goType ?? 'bool')],
  ['int32', (goType) => integerCheck(goType ?? 'int32', -(2 ** 31), 2 ** 31 - 1)],
  ['int64', (goType) => integerCheck(goType ?? 'int64', MIN_INT64, MAX_INT64)],
  ['uint8', (goType) => integerCheck(goType ?? 'uint8', 0, 255)],
  ['uint32', (goType) => integerCheck(goType ?? 'uint32', 0, 2 ** 32 - 1)],
  ['uint64', (goType) => integerCheck(goType ?? 'uint64', 0, 2 ** 64)],
  ['float', (goType) => numberCheck(goType ?? 'float32')],
  ['double', (goType) => numberCheck(goType ?? 'float64')],
  ['bytes', () => checkBytes],
  ['Time', () => checkTime],
  ['MicroTime', () => checkMicroTime],
  ['Duration', () => checkDuration],
  ['Quantity', () => checkQuantity],
  ['IntOrString', () => checkIntOrString],
  ['RawExtension', () => acceptAny],
  ['FieldsV1', () => acceptAny],
  ['JSON', () => acceptAny],
  ['SchemaOrArray', () => schemaOr((value, context) => schemaList()(value, context), Array.isArray)],
  ['SchemaOrBool', () => schemaOr(acceptAny, (value) => typeof value === 'boolean')],
  ['SchemaOrStrings', () => schemaOr((value, context) => STRINGS(value, context), Array.isArray)],
])

const checks = new Map<string, Check>()
const SCHEMA_PROPS = 'apiextensions/v1.JSONSchemaProps'

/** The check of a type expression; `goType` replaces the name that type errors print. */
export function checkOf(expression: string, goType?: string): Check {
  const key = goType === undefined ? expression : `${expression} ${goType}`
  let check = checks.get(key)
  if (check === undefined) {
    check = compile(expression, goType)
    checks.set(key, check)
  }
  return check
}

function compile(expression: string, goType: string | undefined): Check {
  const scalar = SCALARS.get(expression)
  if (scalar !== undefined) return scalar(goType)
  if (expression.startsWith('[]')) return listCheck(expression.slice(2), goType)
  if (expression.startsWith('{}')) return mapCheck(expression.slice(2), goType)
  return structCheck(expression)
}

/** `core/v1.Container` is `v1.Container` to Go. */
export function goTypeName(expression: string): string {
  if (expression.startsWith('[]')) return `[]${goTypeName(expression.slice(2))}`
  if (expression.startsWith('{}')) return `map[string]${goTypeName(expression.slice(2))}`
  const names: Record<string, string> = {
    boolean: 'bool',
    bytes: '[]uint8',
    double: 'float64',
    float: 'float32',
    Quantity: 'resource.Quantity',
    IntOrString: 'intstr.IntOrString',
    RawExtension: 'runtime.RawExtension',
  }
  if (Object.hasOwn(names, expression)) return names[expression] as string
  return expression.slice(expression.indexOf('/') + 1)
}

/** What null stands for inside a list or map. */
function zeroOf(expression: string): unknown {
  if (expression === 'string' || expression === 'bytes') return ''
  if (expression === 'boolean') return false
  if (/^(u?int\d+|float|double|IntOrString)$/.test(expression)) return 0
  if (expression === 'Quantity') return '0'
  if (expression.startsWith('[]')) return []
  return expression.includes('/') || expression.startsWith('{}') ? {} : null
}

function listCheck(element: string, goType: string | undefined): Check {
  const check = lazily(element, goType?.startsWith('[]') ? goType.slice(2) : undefined)
  const name = goType ?? `[]${goTypeName(element)}`
  return (value, context) => {
    if (!Array.isArray(value)) throw context.typeError(jsonTypeName(value), name)
    context.depth++
    context.enter(STEP_INDEX)
    const { depth, struct, path } = context
    for (let i = 0; i < value.length; i++) {
      path[depth] = i
      context.struct = struct
      const current: unknown = value[i]
      const checked = current === null ? zeroOf(element) : check(current, context)
      if (checked !== current) value[i] = checked
    }
    context.depth = depth - 1
    context.struct = struct
    return value
  }
}

function mapCheck(element: string, goType: string | undefined): Check {
  const check = lazily(element, goType?.startsWith('map[string]') ? goType.slice('map[string]'.length) : undefined)
  const name = goType ?? `map[string]${goTypeName(element)}`
  return (value, context) => {
    if (typeof value !== 'object' || Array.isArray(value)) throw context.typeError(jsonTypeName(value), name)
    context.depth++
    context.enter(STEP_KEY)
    const { depth, struct, path } = context
    const members = value as Record<string, unknown>
    for (const key in members) {
      path[depth] = key
      context.struct = struct
      const current = members[key]
      const checked = current === null ? zeroOf(element) : check(current, context)
      if (checked !== current) members[key] = checked
    }
    context.depth = depth - 1
    context.struct = struct
    return value
  }
}

/** Types refer to themselves (JSONSchemaProps), so members are compiled on first use. */
function lazily(expression: string, goType: string | undefined): Check {
  let check: Check | undefined
  return (value, context) => {
    check ??= checkOf(expression, goType)
    return check(value, context)
  }
}

function structCheck(type: string): Check {
  const name = type.slice(type.indexOf('.') + 1)
  let fields: Map<string, Check> | undefined
  const decode: Check = (value, context) => {
    if (typeof value !== 'object' || Array.isArray(value))
      throw context.typeError(jsonTypeName(value), goTypeName(type))
    fields ??= fieldChecks(type)
    const { depth, path } = context
    context.enter(STEP_FIELD)
    const members = value as Record<string, unknown>
    for (const key in members) {
      const check = fields.get(key)
      if (check === undefined) {
        context.unknownField(key)
        delete members[key]
        continue
      }
      const current = members[key]
      if (current === null || current === undefined) {
        delete members[key]
        continue
      }
      path[depth] = key
      context.struct = name
      const checked = check(current, context)
      if (checked === undefined) delete members[key]
      else if (checked !== current) members[key] = checked
    }
    return value
  }
  return nested(decode)
}

/** A struct's fields are one step below the value itself, except at the root. */
function nested(decode: Check): Check {
  return (value, context) => {
    const { depth, struct } = context
    if (struct === '') return decode(value, context)
    context.depth = depth + 1
    if (typeof value !== 'object' || Array.isArray(value)) context.depth = depth
    const decoded = decode(value, context)
    context.depth = depth
    context.struct = struct
    return decoded
  }
}

function fieldChecks(type: string): Map<string, Check> {
  const fields = schemaFacts().fieldsOf(type) ?? []
  return new Map(fields.map((field: FactField) => [field[0], omitting(type, field, lazilyUnlessScalar(field))]))
}

type IsEmpty = (value: unknown) => boolean

const EMPTY_SCALARS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['string', ''],
  ['bytes', ''],
  ['boolean', false],
  ...['int32', 'int64', 'uint8', 'uint32', 'uint64', 'float', 'double'].map((type) => [type, 0] as const),
])

/** Told apart from an absent one: when defaults are set, and refused afterwards; as the wish to be tracked no more. */
const KEPT_WHEN_EMPTY: ReadonlySet<string> = new Set([
  'autoscaling/v2.HPAScalingRules.policies',
  'meta/v1.ObjectMeta.managedFields',
])

/** What Go's omitempty leaves out when an object is encoded never gets in: false, zero, '' and [] without a pointer. */
function omitting(type: string, [name, expression, , flags]: FactField, check: Check): Check {
  if (!flags.includes('o') || flags.includes('p') || KEPT_WHEN_EMPTY.has(`${type}.${name}`)) return check
  const isEmpty = emptinessOf(expression)
  if (isEmpty === undefined) return check
  return (value, context) => {
    const checked = check(value, context)
    return isEmpty(checked) ? undefined : checked
  }
}

function emptinessOf(expression: string): IsEmpty | undefined {
  if (expression.startsWith('[]')) return (value) => (value as readonly unknown[]).length === 0
  if (expression.startsWith('{}')) return (value) => hasNoMember(value as object)
  const empty = EMPTY_SCALARS.get(expression)
  return empty === undefined ? undefined : (value) => value === empty
}

function hasNoMember(value: object): boolean {
  for (const _key in value) return false
  return true
}

function lazilyUnlessScalar([, expression, , , extra]: FactField): Check {
  return SCALARS.has(expression) ? checkOf(expression, extra?.goType) : lazily(expression, extra?.goType)
}

const STRINGS: Check = lazily('[]string', undefined)
const schemaList = (): Check => checkOf(`[]${SCHEMA_PROPS}`)

/** A JSON schema or something else. Upstream decodes these in their own unmarshallers, where unknown fields go unreported. */
function schemaOr(otherwise: Check, isOther: (value: unknown) => boolean): Check {
  return (value, context) => {
    context.silent++
    const checked = isOther(value) ? otherwise(value, context) : checkOf(SCHEMA_PROPS)(value, context)
    context.silent--
    return checked
  }
}
