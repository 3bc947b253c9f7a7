/**
 * Random objects of any built-in kind, made from the schema facts, in the form Go's encoder would show them: what is
 * omitted when empty is never empty, what is no pointer is always there.
 */
import type { FactField } from '#machinery/schema/facts.ts'
import { schemaFacts } from '#machinery/schema/facts.ts'

/** 0 inclusive to 1 exclusive, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Random = () => number

export function randomObject(type: string, random: Random): Record<string, unknown> {
  return structOf(type, random, 0)
}

/** Only the schemas of CustomResourceDefinitions are deeper than this. */
const DEPTH_MAX = 12

function structOf(type: string, random: Random, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const field of schemaFacts().fieldsOf(type) ?? []) {
    const [name, , number] = field
    if (number === 0) continue
    const value = memberOf(field, random, depth)
    if (value !== undefined) object[name] = value
  }
  return object
}

const NULLABLE: readonly string[] = ['Time', 'MicroTime', 'RawExtension', 'FieldsV1', 'JSON', 'bytes']

function memberOf([, type, , flags, extra]: FactField, random: Random, depth: number): unknown {
  const isPointer = flags.includes('p') || NULLABLE.includes(type)
  const isCollection = type.startsWith('[]') || type.startsWith('{}')
  const chance = depth > 6 ? 0.15 : 0.5
  if ((isPointer || isCollection) && (random() > chance || depth > DEPTH_MAX)) return undefined
  if (type.startsWith('[]'))
    return Array.from({ length: 1 + int(random, 2) }, () => randomValue(type.slice(2), random, depth))
  if (type.startsWith('{}')) return mapOf(type.slice(2), random, depth)
  const value = randomValue(type, random, depth)
  // Go's encoder shows no empty members here; members of an embedded struct are as its own.
  const isOmittedWhenEmpty = flags.includes('o') && !flags.includes('p') && extra !== null
  return isOmittedWhenEmpty && (value === '' || value === 0 || value === false) ? undefined : value
}

function mapOf(valueType: string, random: Random, depth: number): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (let i = 0; i < 1 + int(random, 3); i++) {
    map[`${text(random)}${i}`] = valueType.startsWith('[]')
      ? [randomValue(valueType.slice(2), random, depth)]
      : randomValue(valueType, random, depth)
  }
  return map
}

const int = (random: Random, below: number): number => Math.floor(random() * below)

const LETTERS = ['a', 'Z', '0', '-', '.', ' ', '"', '\\', '\n', 'ä', '€', '😀', '\uffee']

function text(random: Random): string {
  const length = random() < 0.1 ? 60 + int(random, 200) : int(random, 12)
  return Array.from({ length }, () => LETTERS[int(random, random() < 0.7 ? 5 : LETTERS.length)] ?? '').join('')
}

const sign = (random: Random): number => (random() < 0.5 ? -1 : 1)

function integer(random: Random, bits: number): number {
  return random() < 0.2 ? 0 : sign(random) * Math.floor(2 ** (random() * bits))
}

const QUANTITIES = ['0', '1', '100m', '1500m', '1Gi', '-3', '2500Ki', '1e30', '1n', '12345678901234567890']
const DURATIONS = ['0s', '1h0m0s', '1m30s', '1.5s', '-2h3m4.000000005s', '150ms', '3µs', '7ns']

function randomValue(type: string, random: Random, depth: number): unknown {
  switch (type) {
    case 'string':
      return text(random)
    case 'boolean':
      return random() < 0.5
    case 'int32':
      return integer(random, 31)
    case 'int64':
      return integer(random, 52)
    case 'double':
      return sign(random) * (1 + random() * 1e9)
    case 'bytes':
      return Buffer.from(text(random)).toString('base64')
    case 'Time':
      return timeText(random, '')
    case 'MicroTime':
      return timeText(random, `.${String(int(random, 1_000_000)).padStart(6, '0')}`)
    case 'Duration':
      return DURATIONS[int(random, DURATIONS.length)]
    case 'Quantity':
      return QUANTITIES[int(random, QUANTITIES.length)]
    case 'IntOrString':
      return random() < 0.5 ? integer(random, 31) : text(random)
    case 'RawExtension':
      return { kind: 'X', nested: jsonValue(random, 0) }
    case 'FieldsV1':
      return { 'f:metadata': { [text(random)]: {} } }
    case 'JSON':
      return jsonValue(random, 0)
    case 'SchemaOrBool':
      return random() < 0.5 ? random() < 0.5 : structOf(SCHEMA, random, depth + 1)
    case 'SchemaOrArray':
      return random() < 0.5 ? structOf(SCHEMA, random, depth + 1) : [structOf(SCHEMA, random, depth + 1)]
    case 'SchemaOrStrings':
      return random() < 0.5 ? structOf(SCHEMA, random, depth + 1) : [text(random)]
    default:
      return structOf(type, random, depth + 1)
  }
}

const SCHEMA = 'apiextensions/v1.JSONSchemaProps'

function timeText(random: Random, fraction: string): string {
  const seconds = -2_000_000_000 + Math.floor(random() * 6_000_000_000)
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z`
}

function jsonValue(random: Random, depth: number): unknown {
  const kind = int(random, depth > 2 ? 4 : 6)
  if (kind === 0) return true
  if (kind === 1) return text(random)
  if (kind === 2) return integer(random, 52)
  if (kind === 3) return sign(random) / 8
  if (kind === 4) return [jsonValue(random, depth + 1), null]
  return { a: jsonValue(random, depth + 1), [text(random)]: null }
}
