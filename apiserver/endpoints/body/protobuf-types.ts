/** Types whose JSON form differs from their protobuf message: times, quantities, int-or-string, raw JSON. */
import { formatMicroTime, formatTime } from '#machinery/util/clock.ts'
import { ProtoReader } from './proto-reader.ts'

type DecodeStruct = (bytes: Buffer, type: string) => Record<string, unknown>
type Decoder = (bytes: Buffer, decodeStruct: DecodeStruct) => unknown

const JSON_SCHEMA = 'apiextensions/v1.JSONSchemaProps'

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['Time', (bytes) => readTime(bytes, formatTime)],
  ['MicroTime', (bytes) => readTime(bytes, formatMicroTime)],
  ['Duration', (bytes) => formatDuration(Number(BigInt.asIntN(64, readNumber(bytes, 1))))],
  ['Quantity', (bytes) => readText(bytes, 1)],
  ['IntOrString', readIntOrString],
  ['RawExtension', readRawJson],
  ['FieldsV1', readRawJson],
  ['JSON', readRawJson],
  [
    'SchemaOrArray',
    (bytes, decode) =>
      readEither(
        bytes,
        (member) => decode(member, JSON_SCHEMA),
        (member) => decode(member, JSON_SCHEMA),
      ),
  ],
  [
    'SchemaOrStrings',
    (bytes, decode) =>
      readEither(
        bytes,
        (member) => decode(member, JSON_SCHEMA),
        (member) => member.toString('utf8'),
      ),
  ],
  ['SchemaOrBool', readSchemaOrBool],
])

export const isSpecialType = (type: string): boolean => DECODERS.has(type)

export function decodeSpecialType(type: string, bytes: Buffer, decodeStruct: DecodeStruct): unknown {
  return DECODERS.get(type)?.(bytes, decodeStruct)
}

/** Undefined for the zero time, which Go leaves empty. */
function readTime(bytes: Buffer, format: (date: Date) => string): string | undefined {
  let seconds = 0
  let nanos = 0
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) seconds = Number(BigInt.asIntN(64, reader.varint()))
    else if (reader.field === 2) nanos = Number(BigInt.asIntN(64, reader.varint()))
    else reader.skip()
  }
  if (bytes.length === 0) return undefined
  const date = new Date(seconds * 1000)
  if (format === formatTime) return formatTime(date)
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0')
  return `${formatTime(date).slice(0, -1)}.${micros}Z`
}

function readNumber(bytes: Buffer, field: number): bigint {
  let value = 0n
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === field) value = reader.varint()
    else reader.skip()
  }
  return value
}

function readText(bytes: Buffer, field: number): string {
  return readBytes(bytes, field)?.toString('utf8') ?? ''
}

function readBytes(bytes: Buffer, field: number): Buffer | undefined {
  let value: Buffer | undefined
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === field) value = reader.bytes()
    else reader.skip()
  }
  return value
}

function readIntOrString(bytes: Buffer): number | string {
  let isString = false
  let number = 0
  let text = ''
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) isString = reader.varint() === 1n
    else if (reader.field === 2) number = Number(BigInt.asIntN(64, reader.varint()))
    else if (reader.field === 3) text = reader.bytes().toString('utf8')
    else reader.skip()
  }
  return isString ? text : number
}

function readRawJson(bytes: Buffer): unknown {
  const raw = readBytes(bytes, 1)
  return raw === undefined || raw.length === 0 ? undefined : JSON.parse(raw.toString('utf8'))
}

/** Field 1 is one schema, field 2 the list. */
function readEither(bytes: Buffer, one: (member: Buffer) => unknown, element: (member: Buffer) => unknown): unknown {
  let single: unknown
  const list: unknown[] = []
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) single = one(reader.bytes())
    else if (reader.field === 2) list.push(element(reader.bytes()))
    else reader.skip()
  }
  return list.length > 0 ? list : single
}

function readSchemaOrBool(bytes: Buffer, decodeStruct: DecodeStruct): unknown {
  let allows = false
  let schema: unknown
  const reader = new ProtoReader(bytes)
  while (reader.next()) {
    if (reader.field === 1) allows = reader.varint() !== 0n
    else if (reader.field === 2) schema = decodeStruct(reader.bytes(), JSON_SCHEMA)
    else reader.skip()
  }
  return schema ?? allows
}

/** Go's time.Duration.String(). */
function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  const sign = nanoseconds < 0 ? '-' : ''
  const total = Math.abs(nanoseconds)
  if (total < 1e3) return `${sign}${total}ns`
  if (total < 1e6) return `${sign}${total / 1e3}µs`
  if (total < 1e9) return `${sign}${total / 1e6}ms`
  const hours = Math.floor(total / 3.6e12)
  const minutes = Math.floor((total % 3.6e12) / 6e10)
  const seconds = (total % 6e10) / 1e9
  const text = `${seconds}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${text}`
  return minutes > 0 ? `${sign}${minutes}m${text}` : `${sign}${text}`
}
