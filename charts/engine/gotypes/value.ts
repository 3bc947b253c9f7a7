// Go-typed values as templates see them. A JS number is a float64, a string is a Go string (bytes that are
// not UTF-8 are kept as lone surrogates U+DC80..U+DCFF), a plain Map is map[string]interface {}, a plain
// array is []interface {}. `null` is a nil interface inside a container, `undefined` an invalid
// reflect.Value (the difference decides which field accesses on nil are errors).

type IntType = 'int' | 'int8' | 'int16' | 'int32' | 'int64' | 'uint' | 'uint8' | 'uint16' | 'uint32' | 'uint64'

export type GoMap = Map<string, GoValue>

export type GoValue =
  | null
  | undefined
  | boolean
  | string
  | number
  | GoInt
  | GoMap
  | GoValue[]
  | GoSlice
  | Uint8Array
  | GoObject
  | GoFunc

/** An integer with its Go type; `named` is set for defined types such as time.Duration. */
export class GoInt {
  readonly value: bigint
  readonly kind: IntType
  readonly named: string | undefined

  constructor(value: bigint, kind: IntType, named?: string) {
    this.value = value
    this.kind = kind
    this.named = named
  }
}

/** A slice whose element type is not interface {}. */
export class GoSlice {
  readonly goType: string
  readonly items: GoValue[]
  readonly isNil: boolean

  constructor(goType: string, items: GoValue[], isNil = false) {
    this.goType = goType
    this.items = items
    this.isNil = isNil
  }
}

/** A map whose type is not plain map[string]interface {}; `zero` is what a missing key gives. */
export class TypedMap extends Map<string, GoValue> {
  readonly goType: string
  readonly zero: GoValue

  constructor(goType: string, zero: GoValue, entries?: Iterable<readonly [string, GoValue]>) {
    super(entries)
    this.goType = goType
    this.zero = zero
  }
}

/** Structs and method carriers. Fields and methods are explicit tables: JS prototypes are never consulted. */
export class GoObject {
  readonly goType: string
  readonly kind: 'struct' | 'map' | 'slice'
  readonly fields: ReadonlyMap<string, GoValue>
  readonly methods: ReadonlyMap<string, GoFunc>
  /** The Stringer text, when the type has one. */
  readonly text: (() => string) | undefined
  /** What encoding/json sees instead of the fields. */
  readonly json: (() => GoValue) | undefined

  constructor(
    goType: string,
    options: {
      kind?: 'struct' | 'map' | 'slice'
      fields?: ReadonlyMap<string, GoValue>
      methods?: ReadonlyMap<string, GoFunc>
      text?: () => string
      json?: () => GoValue
    },
  ) {
    this.goType = goType
    this.kind = options.kind ?? 'struct'
    this.fields = options.fields ?? EMPTY_FIELDS
    this.methods = options.methods ?? EMPTY_METHODS
    this.text = options.text
    this.json = options.json
  }
}

type Implementation = (...args: never[]) => unknown

/** A callable with its Go signature. Arguments are checked by the caller against `params`. */
export class GoFunc {
  readonly name: string
  readonly params: readonly string[]
  readonly isVariadic: boolean
  readonly result: string
  readonly impl: (...args: unknown[]) => unknown

  constructor(name: string, params: readonly string[], isVariadic: boolean, result: string, impl: Implementation) {
    this.name = name
    this.params = params
    this.isVariadic = isVariadic
    this.result = result
    this.impl = impl as (...args: unknown[]) => unknown
  }
}

const EMPTY_FIELDS: ReadonlyMap<string, GoValue> = new Map()
const EMPTY_METHODS: ReadonlyMap<string, GoFunc> = new Map()

const ALIASES = new Map([
  ['any', 'interface {}'],
  ['map', 'map[string]interface {}'],
  ['list', '[]interface {}'],
  ['value', 'reflect.Value'],
  ['time', 'time.Time'],
])

/** `defineFunc('trunc', 'int, string', 'string', impl)`: the Go signature in short form, `...` for variadic. */
export function defineFunc(name: string, signature: string, result: string, impl: Implementation): GoFunc {
  const params = signature === '' ? [] : signature.split(',').map((part) => part.trim())
  const isVariadic = params.length > 0 && (params[params.length - 1] as string).startsWith('...')
  const types = params.map((part) => {
    const bare = part.startsWith('...') ? part.slice(3) : part
    return ALIASES.get(bare) ?? bare
  })
  return new GoFunc(name, types, isVariadic, ALIASES.get(result) ?? result, impl)
}

export function int(value: number | bigint): GoInt {
  return new GoInt(typeof value === 'bigint' ? BigInt.asIntN(64, value) : BigInt(value), 'int')
}

export function int64(value: number | bigint): GoInt {
  return new GoInt(typeof value === 'bigint' ? BigInt.asIntN(64, value) : BigInt(value), 'int64')
}

export function isMap(value: GoValue): value is GoMap {
  return value instanceof Map
}

/** Elements of any slice-like value, undefined for everything else. */
export function sliceItems(value: GoValue): readonly GoValue[] | undefined {
  if (Array.isArray(value)) return value
  if (value instanceof GoSlice) return value.items
  if (value instanceof Uint8Array) return Array.from(value, (byte) => new GoInt(BigInt(byte), 'uint8'))
  return undefined
}
