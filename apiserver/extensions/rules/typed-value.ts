/**
 * Parts of a custom resource as CEL sees them by their schema: dates, durations and bytes are what their format says,
 * fields have escaped names, lists are sets or maps if they are declared so.
 * Upstream: apiserver pkg/cel/common/values.go (UnstructuredToVal).
 */
import { equals } from '#machinery/cel/equality.ts'
import { parseDuration, parseTimestamp } from '#machinery/cel/time.ts'
import { CelList, CelMap, type CelValue, EvaluationError, toCelValue } from '#machinery/cel/values.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeclaredType } from './declared-type.ts'

/** Throws an EvaluationError for text its format does not allow; what has another type than declared stays what it is. */
export function typedValue(value: unknown, type: DeclaredType): CelValue {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'list':
      return Array.isArray(value) ? typedList(value, type) : toCelValue(value)
    case 'map':
      return isObject(value) ? new TypedMap(value, type) : toCelValue(value)
    case 'object':
      return isObject(value) ? new TypedObject(value, type) : toCelValue(value)
    case 'double':
      return typeof value === 'number' ? value : toCelValue(value)
    case 'bytes':
      return typeof value === 'string' ? Buffer.from(value, 'base64') : toCelValue(value)
    case 'duration':
      return parsed(value, parseDuration, 'invalid data, expected duration format')
    case 'date':
      return parsed(value, (text) => parseTimestamp(`${text}T00:00:00Z`), 'invalid data, expected date format')
    case 'date-time':
      return parsed(value, parseDateTime, 'invalid data, expected date-time format')
    default:
      return toCelValue(value)
  }
}

/** RFC 3339 as strfmt reads it, which takes small letters too. */
const parseDateTime = (text: string) => parseTimestamp(text.replace(/[tz ]/g, (mark) => (mark === 'z' ? 'Z' : 'T')))

function parsed(value: unknown, parse: (text: string) => CelValue | undefined, problem: string): CelValue {
  const found = typeof value === 'string' ? parse(value) : undefined
  if (found === undefined) throw new EvaluationError(problem)
  return found
}

class TypedMap extends CelMap {
  readonly #members: Readonly<Record<string, unknown>>
  readonly #type: DeclaredType

  constructor(members: Readonly<Record<string, unknown>>, type: DeclaredType) {
    super()
    this.#members = members
    this.#type = type
  }

  get size(): number {
    return Object.keys(this.#members).length
  }

  get(key: CelValue): CelValue | undefined {
    const { element } = this.#type
    if (typeof key !== 'string' || element === undefined || !Object.hasOwn(this.#members, key)) return undefined
    return typedValue(this.#members[key], element)
  }

  keys(): Iterable<CelValue> {
    return Object.keys(this.#members)
  }
}

class TypedObject extends CelMap {
  readonly #members: Readonly<Record<string, unknown>>
  readonly #type: DeclaredType

  constructor(members: Readonly<Record<string, unknown>>, type: DeclaredType) {
    super()
    this.#members = members
    this.#type = type
  }

  get size(): number {
    return [...this.keys()].length
  }

  get(key: CelValue): CelValue | undefined {
    const field = typeof key === 'string' ? this.#type.fields?.get(key) : undefined
    if (field === undefined || !Object.hasOwn(this.#members, field.property)) return undefined
    const member = this.#members[field.property]
    return member === undefined ? undefined : typedValue(member, field.type)
  }

  *keys(): Iterable<CelValue> {
    for (const [name, { property }] of this.#type.fields ?? []) {
      if (Object.hasOwn(this.#members, property) && this.#members[property] !== undefined) yield name
    }
  }
}

function typedList(items: readonly unknown[], type: DeclaredType): CelList {
  const { element } = type
  const values = element === undefined ? [] : items
  const read = (item: unknown): CelValue => (element === undefined ? null : typedValue(item, element))
  if (type.listType === 'set') return new TypedSet(values.map(read))
  if (type.listType === 'map') return new TypedListMap(values.map(read), type)
  return new TypedList(values, read)
}

class TypedList extends CelList {
  readonly #items: readonly unknown[]
  readonly #read: (item: unknown) => CelValue

  constructor(items: readonly unknown[], read: (item: unknown) => CelValue) {
    super()
    this.#items = items
    this.#read = read
  }

  get size(): number {
    return this.#items.length
  }

  at(index: number): CelValue | undefined {
    return index >= 0 && index < this.#items.length ? this.#read(this.#items[index]) : undefined
  }
}

/** Equal whatever their order; what is added is there once. */
class TypedSet extends CelList {
  readonly #values: readonly CelValue[]

  constructor(values: readonly CelValue[]) {
    super()
    this.#values = values
  }

  get size(): number {
    return this.#values.length
  }

  at(index: number): CelValue | undefined {
    return this.#values[index]
  }

  override equalTo(other: CelList): boolean {
    const has = (list: Iterable<CelValue>, wanted: CelValue): boolean => {
      for (const value of list) if (equals(value, wanted)) return true
      return false
    }
    return this.size === other.size && this.#values.every((value) => has(other, value))
  }

  override plus(other: CelList): CelList {
    const added = [...other].filter((value) => !this.#values.some((known) => equals(known, value)))
    return new TypedSet([...this.#values, ...added])
  }
}

/** Equal whatever their order; an item that is added takes the place of the one with its keys. */
class TypedListMap extends CelList {
  readonly #values: readonly CelValue[]
  readonly #type: DeclaredType

  constructor(values: readonly CelValue[], type: DeclaredType) {
    super()
    this.#values = values
    this.#type = type
  }

  get size(): number {
    return this.#values.length
  }

  at(index: number): CelValue | undefined {
    return this.#values[index]
  }

  override equalTo(other: CelList): boolean {
    if (this.size !== other.size) return false
    const mine = this.#byKey(this.#values)
    return [...other].every((value) => {
      const known = mine.get(this.#keyOf(value))
      return known !== undefined && equals(known, value)
    })
  }

  override plus(other: CelList): CelList {
    const merged = this.#byKey(this.#values)
    for (const value of other) merged.set(this.#keyOf(value), value)
    return new TypedListMap([...merged.values()], this.#type)
  }

  #byKey(values: readonly CelValue[]): Map<string, CelValue> {
    return new Map(values.map((value) => [this.#keyOf(value), value]))
  }

  #keyOf(value: CelValue): string {
    const keys = this.#type.listMapKeys ?? []
    const parts = keys.map((key) => (value instanceof CelMap ? value.get(key) : undefined))
    return JSON.stringify(parts.map((part) => [typeof part, String(part ?? null)]))
  }
}
