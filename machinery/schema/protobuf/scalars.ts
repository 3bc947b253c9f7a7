/** Scalars and the types with a JSON form of their own, from the protobuf wire. */
import { canonicalQuantity } from '#machinery/quantity/quantity.ts'
import { formatGoDuration } from './go-duration.ts'
import type { WireReader } from './wire-reader.ts'
import { ProtobufError, WireReader as Reader, WIRE } from './wire-reader.ts'

/** Undefined: the value's JSON is null. */
type Decoder = (reader: WireReader) => unknown

const text = (reader: WireReader): string => reader.bytes().toString('utf8')

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['string', text],
  ['boolean', (reader) => reader.integer() !== 0],
  ['int32', (reader) => reader.integer() | 0],
  ['int64', (reader) => reader.integer()],
  ['double', (reader) => reader.fixed64().readDoubleLE(0)],
  ['bytes', (reader) => reader.bytes().toString('base64')],
  ['Time', (reader) => timeText(reader.bytes(), false)],
  ['MicroTime', (reader) => timeText(reader.bytes(), true)],
  ['Duration', (reader) => formatGoDuration(fieldsOf(reader.bytes()).numbers[1] ?? 0n)],
  ['Quantity', (reader) => quantity(fieldsOf(reader.bytes()).texts[1])],
  ['IntOrString', (reader) => intOrString(reader.bytes())],
  ['RawExtension', (reader) => json(fieldsOf(reader.bytes()).texts[1])],
  ['FieldsV1', (reader) => json(fieldsOf(reader.bytes()).texts[1])],
  ['JSON', (reader) => json(fieldsOf(reader.bytes()).texts[1])],
])

const VARINTS: readonly string[] = ['boolean', 'int32', 'int64']

/** The wire type a value of this type has, alone or as a list's element. */
export function wireOf(type: string): number {
  if (VARINTS.includes(type)) return WIRE.varint
  return type === 'double' ? WIRE.fixed64 : WIRE.bytes
}

export function scalarDecoder(type: string): Decoder | undefined {
  return DECODERS.get(type)
}

function fieldsOf(bytes: Buffer): { numbers: Record<number, bigint>; texts: Record<number, string> } {
  const fields = { numbers: {} as Record<number, bigint>, texts: {} as Record<number, string> }
  const reader = new Reader(bytes)
  while (!reader.isAtEnd) {
    const { field, wire } = reader.tag()
    if (wire === WIRE.varint) fields.numbers[field] = BigInt.asIntN(64, reader.varint())
    else if (wire === WIRE.bytes) fields.texts[field] = text(reader)
    else reader.skip(wire)
  }
  return fields
}

const ZERO_TIME_SECONDS = -62_135_596_800n
/** The first second of the year 10000, which has no RFC 3339 form. */
const TIME_SECONDS_END = 253_402_300_800n

function timeText(bytes: Buffer, isMicro: boolean): string | undefined {
  const { numbers } = fieldsOf(bytes)
  const nanos = isMicro ? (numbers[2] ?? 0n) : 0n
  const seconds = numbers[1] ?? 0n
  if (bytes.length === 0 || (seconds === ZERO_TIME_SECONDS && nanos === 0n)) return undefined
  if (seconds < ZERO_TIME_SECONDS || seconds >= TIME_SECONDS_END || nanos < 0n || nanos >= 1_000_000_000n)
    throw new ProtobufError('time is out of range')
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return isMicro ? `${whole}.${String(nanos / 1000n).padStart(6, '0')}Z` : `${whole}Z`
}

/** Go parses it here already; what is empty or no quantity is malformed. */
function quantity(raw: string | undefined): string {
  if (raw === undefined) return '0'
  try {
    return canonicalQuantity(raw)
  } catch (err: unknown) {
    throw new ProtobufError('quantity is malformed', { cause: err })
  }
}

/** type = 1 (0 int, 1 string), intVal = 2, strVal = 3. */
function intOrString(bytes: Buffer): number | string {
  const { numbers, texts } = fieldsOf(bytes)
  return numbers[1] === 1n ? (texts[3] ?? '') : Number(BigInt.asIntN(32, numbers[2] ?? 0n))
}

function json(raw: string | undefined): unknown {
  if (raw === undefined || raw === '') return undefined
  try {
    return JSON.parse(raw)
  } catch (err: unknown) {
    throw new ProtobufError('embedded JSON is malformed', { cause: err })
  }
}
