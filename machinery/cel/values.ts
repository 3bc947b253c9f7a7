/**
 * What CEL computes with. int is a bigint, double a number, string, bool and null are themselves, bytes a Uint8Array; the
 * rest are the classes below. All values are immutable: nobody may change an array, a record or bytes handed in.
 */
import type { CelType } from './types.ts'

export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | CelUint
  | CelTimestamp
  | CelDuration
  | CelList
  | CelMap
  | CelTypeValue
  | CelOptional
  | CelOpaque

/** An evaluation that failed; `&&`, `||` and quantifiers absorb it. */
export class EvaluationError extends Error {
  /** Without a stack: a fold may make and absorb one for each of many elements, and a trace costs fifty times the rest. */
  constructor(message: string) {
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = limit
  }
}

export class CelUint {
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

/** An instant between the years 1 and 9999. */
export class CelTimestamp {
  readonly epochNanos: bigint

  constructor(epochNanos: bigint) {
    this.epochNanos = epochNanos
  }
}

export class CelDuration {
  readonly nanos: bigint

  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** A type as a value: `type(1)`, `int`. */
export class CelTypeValue {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

export class CelOptional {
  readonly value: CelValue | undefined

  constructor(value: CelValue | undefined) {
    this.value = value
  }
}

export const OPTIONAL_NONE: CelOptional = new CelOptional(undefined)

/** A value only functions look into: a quantity, an address, an authorizer. */
export abstract class CelOpaque {
  abstract readonly type: CelType
  abstract equals(other: CelValue): boolean
  /** What the cost of traversing it is counted by. */
  get costSize(): number {
    return 1
  }
}

export abstract class CelList implements Iterable<CelValue> {
  abstract readonly size: number
  /** Undefined outside 0 ≤ index < size. */
  abstract at(index: number): CelValue | undefined

  /** Overridden by lists whose order does not count. */
  equalTo?(other: CelList): boolean
  /** Overridden by lists that are more than the one after the other. */
  plus?(other: CelList): CelList

  *[Symbol.iterator](): Iterator<CelValue> {
    for (let i = 0; i < this.size; i++) yield this.at(i) as CelValue
  }
}

/** Extend it for maps and objects that are computed, e.g. with a default for absent keys. */
export abstract class CelMap {
  abstract readonly size: number
  /** Undefined when there is no such key. */
  abstract get(key: CelValue): CelValue | undefined
  abstract keys(): Iterable<CelValue>
}

export class ArrayList extends CelList {
  readonly values: readonly CelValue[]

  constructor(values: readonly CelValue[]) {
    super()
    this.values = values
  }

  get size(): number {
    return this.values.length
  }

  at(index: number): CelValue | undefined {
    return this.values[index]
  }

  override [Symbol.iterator](): Iterator<CelValue> {
    return this.values[Symbol.iterator]()
  }
}

/** A list of JSON values, converted when looked at. */
class JsonList extends CelList {
  readonly json: readonly unknown[]

  constructor(json: readonly unknown[]) {
    super()
    this.json = json
  }

  get size(): number {
    return this.json.length
  }

  at(index: number): CelValue | undefined {
    return index >= 0 && index < this.json.length ? toCelValue(this.json[index]) : undefined
  }
}

/** A JSON object, converted when looked at; members that are undefined are absent. */
class JsonMap extends CelMap {
  readonly json: Readonly<Record<string, unknown>>

  constructor(json: Readonly<Record<string, unknown>>) {
    super()
    this.json = json
  }

  get size(): number {
    let size = 0
    for (const _ of this.keys()) size++
    return size
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.json, key)) return undefined
    const member = this.json[key]
    return member === undefined ? undefined : toCelValue(member)
  }

  *keys(): Iterable<CelValue> {
    for (const key in this.json) if (this.json[key] !== undefined) yield key
  }
}

type KeyIdentity = string | bigint | boolean

/** Keys of different numeric types that are the same number are the same key. */
function keyIdentity(key: CelValue): KeyIdentity | undefined {
  if (typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean') return key
  if (key instanceof CelUint) return key.value
  return typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : undefined
}

interface Entry {
  readonly key: CelValue
  readonly value: CelValue
  /** How many entries came before it. */
  readonly index: number
}

/**
 * The first `size` entries of a table that later maps may have grown, as folds do all the time. Only the map that ends
 * where the table ends grows it; any other copies. So no map ever sees a change.
 */
export class EntryMap extends CelMap {
  readonly #entries: Map<KeyIdentity, Entry>
  readonly size: number

  private constructor(entries: Map<KeyIdentity, Entry>) {
    super()
    this.#entries = entries
    this.size = entries.size
  }

  /** Throws an EvaluationError for a key that is no bool, int, uint or string, and for one that is there twice. */
  static of(entries: Iterable<readonly [CelValue, CelValue]>): EntryMap {
    const table = new Map<KeyIdentity, Entry>()
    for (const [key, value] of entries) insert(table, key, value)
    return new EntryMap(table)
  }

  /** `map` with one more entry; fails like `of`. */
  static plus(map: CelMap, key: CelValue, value: CelValue): EntryMap {
    const isNewest = map instanceof EntryMap && map.#entries.size === map.size && map.size > 0
    if (!isNewest) return EntryMap.of([...entriesOf(map), [key, value]])
    insert(map.#entries, key, value)
    return new EntryMap(map.#entries)
  }

  get(key: CelValue): CelValue | undefined {
    const identity = keyIdentity(key)
    const entry = identity === undefined ? undefined : this.#entries.get(identity)
    return entry === undefined || entry.index >= this.size ? undefined : entry.value
  }

  *keys(): Iterable<CelValue> {
    for (const { key, index } of this.#entries.values()) if (index < this.size) yield key
  }
}

function insert(table: Map<KeyIdentity, Entry>, key: CelValue, value: CelValue): void {
  const identity = typeof key === 'number' ? undefined : keyIdentity(key)
  if (identity === undefined) throw new EvaluationError('unsupported key type')
  if (table.has(identity)) throw new EvaluationError(`insert failed: key ${keyText(key)} already exists`)
  table.set(identity, { key, value, index: table.size })
}

function* entriesOf(map: CelMap): Iterable<readonly [CelValue, CelValue]> {
  for (const key of map.keys()) yield [key, map.get(key) as CelValue]
}

/** A key in a message. */
export function keyText(key: CelValue): string {
  if (key instanceof CelUint) return String(key.value)
  return typeof key === 'object' && key !== null ? typeNameOf(key) : String(key)
}

/** Anything decoded from JSON, and values of CEL themselves. Whole numbers become ints, others doubles. */
export function toCelValue(value: unknown): CelValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? BigInt(value) : value
    case 'undefined':
      return null
    default:
      return objectValue(value)
  }
}

function objectValue(value: unknown): CelValue {
  if (value === null) return null
  if (Array.isArray(value)) return new JsonList(value)
  if (isCelObject(value)) return value
  return new JsonMap(value as Readonly<Record<string, unknown>>)
}

function isCelObject(value: unknown): value is CelValue {
  return (
    value instanceof CelMap ||
    value instanceof CelList ||
    value instanceof Uint8Array ||
    value instanceof CelUint ||
    value instanceof CelTimestamp ||
    value instanceof CelDuration ||
    value instanceof CelTypeValue ||
    value instanceof CelOptional ||
    value instanceof CelOpaque
  )
}

/** The name `type(value)` has. */
export function typeNameOf(value: CelValue): string {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    default:
      return objectTypeName(value)
  }
}

function objectTypeName(value: CelValue): string {
  if (value === null) return 'null_type'
  if (value instanceof CelMap) return 'map'
  if (value instanceof CelList) return 'list'
  if (value instanceof CelUint) return 'uint'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp'
  if (value instanceof CelDuration) return 'google.protobuf.Duration'
  if (value instanceof CelTypeValue) return 'type'
  if (value instanceof CelOptional) return 'optional_type'
  return (value as CelOpaque).type.name
}
