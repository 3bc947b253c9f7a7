/** Scalars and the types with a JSON form of their own, from the protobuf wire. */
import type { WireReader } from './wire-reader.ts'
import { ProtobufError, WIRE, WireReader as Reader } from './wire-reader.ts'

/** Undefined: the value's JSON is null. */
type Decoder = (reader: WireReader, wire: number) => unknown

const signed = (reader: WireReader): number => Number(BigInt.asIntN(64, reader.varint()))
const text = (reader: WireReader): string => reader.bytes().toString('utf8')

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['string', text],
  ['boolean', (reader) => reader.varint() !== 0n],
  ['int32', signed],
  ['int64', signed],
  ['uint8', (reader) => Number(reader.varint())],
  ['uint32', (reader) => Number(reader.varint())],
  ['uint64', (reader) => Number(reader.varint())],
  ['double', (reader) => reader.fixed64().readDoubleLE(0)],
  ['bytes', (reader) => reader.bytes().toString('base64')],
  ['Time', (reader) => timeText(reader.bytes(), 0)],
  ['MicroTime', (reader) => timeText(reader.bytes(), 6)],
  ['Duration', (reader) => durationText(fieldsOf(reader.bytes()).numbers[1] ?? 0n)],
  ['Quantity', (reader) => fieldsOf(reader.bytes()).texts[1] ?? '0'],
  ['IntOrString', (reader) => intOrString(reader.bytes())],
  ['RawExtension', (reader) => json(fieldsOf(reader.bytes()).texts[1])],
  ['FieldsV1', (reader) => json(fieldsOf(reader.bytes()).texts[1])],
  ['JSON', (reader) => json(fieldsOf(reader.bytes()).texts[1])],
])

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

function timeText(bytes: Buffer, fractionDigits: number): string | undefined {
  const { numbers } = fieldsOf(bytes)
  const [seconds, nanos] = [numbers[1] ?? 0n, numbers[2] ?? 0n]
  if (seconds === 0n && nanos === 0n) return undefined
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) throw new ProtobufError('time is out of range')
  const whole = date.toISOString().slice(0, 19)
  if (fractionDigits === 0) return `${whole}Z`
  return `${whole}.${String(nanos / 1000n).padStart(fractionDigits, '0')}Z`
}

/** type = 1 (0 int, 1 string), intVal = 2, strVal = 3. */
function intOrString(bytes: Buffer): number | string {
  const { numbers, texts } = fieldsOf(bytes)
  return numbers[1] === 1n ? (texts[3] ?? '') : Number(numbers[2] ?? 0n)
}

function json(raw: string | undefined): unknown {
  if (raw === undefined || raw === '') return undefined
  try {
    return JSON.parse(raw)
  } catch (err: unknown) {
    throw new ProtobufError('embedded JSON is malformed', { cause: err })
  }
}

const UNITS = [
  [3_600_000_000_000n, 'h'],
  [60_000_000_000n, 'm'],
] as const

/** Go's time.Duration.String() for what metav1.Duration holds. */
function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  let rest = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const sign = nanoseconds < 0n ? '-' : ''
  if (rest < 1_000_000_000n) return sign + subSecond(rest)
  let result = ''
  for (const [size, unit] of UNITS) {
    if (rest >= size || result !== '') result += `${rest / size}${unit}`
    rest %= size
  }
  return `${sign}${result}${decimal(rest, 9)}s`
}

function subSecond(nanoseconds: bigint): string {
  if (nanoseconds < 1_000n) return `${nanoseconds}ns`
  return nanoseconds < 1_000_000n ? `${decimal(nanoseconds, 3)}µs` : `${decimal(nanoseconds, 6)}ms`
}

function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits)
  const fraction = String(value % scale)
    .padStart(digits, '0')
    .replace(/0+$/, '')
  return fraction === '' ? String(value / scale) : `${value / scale}.${fraction}`
}
