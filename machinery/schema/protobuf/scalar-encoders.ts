/**
 * Scalars and the types with a JSON form of their own, onto the protobuf wire, as the Go types marshal themselves.
 * Upstream: apimachinery meta/v1 {time,micro_time}_proto.go, util/intstr, api/resource, runtime; the generated.pb.go files.
 */
import { parseGoDuration } from './go-duration.ts'
import { WIRE } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

/** How a value stands on the wire. `write` puts it there without its tag; undefined and null are the type's zero value. */
export interface ValueEncoder {
  readonly wire: number
  write(writer: WireWriter, value: unknown): void
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** Writes what `content` writes, and its length. */
function delimited(writer: WireWriter, content: () => void): void {
  const before = writer.length
  content()
  writer.varint(writer.length - before)
}

const integer: ValueEncoder = {
  wire: WIRE.varint,
  write: (writer, value) => writer.integer(numberOf(value)),
}

const ENCODERS: ReadonlyMap<string, ValueEncoder> = new Map<string, ValueEncoder>([
  [
    'string',
    {
      wire: WIRE.bytes,
      write(writer, value) {
        const before = writer.length
        writer.text(textOf(value))
        writer.varint(writer.length - before)
      },
    },
  ],
  ['boolean', { wire: WIRE.varint, write: (writer, value) => writer.byte(value === true ? 1 : 0) }],
  ...['int32', 'int64', 'uint8', 'uint32', 'uint64'].map((type) => [type, integer] as const),
  ['double', { wire: WIRE.fixed64, write: (writer, value) => writer.double(numberOf(value)) }],
  ['bytes', { wire: WIRE.bytes, write: (writer, value) => writeBytes(writer, Buffer.from(textOf(value), 'base64')) }],
  ['Time', { wire: WIRE.bytes, write: (writer, value) => writeTime(writer, textOf(value), false) }],
  ['MicroTime', { wire: WIRE.bytes, write: (writer, value) => writeTime(writer, textOf(value), true) }],
  ['Duration', { wire: WIRE.bytes, write: writeDuration }],
  ['Quantity', { wire: WIRE.bytes, write: writeQuantity }],
  ['IntOrString', { wire: WIRE.bytes, write: writeIntOrString }],
  ...['RawExtension', 'FieldsV1', 'JSON'].map((type) => [type, { wire: WIRE.bytes, write: writeJson }] as const),
])

export function scalarEncoder(type: string): ValueEncoder | undefined {
  return ENCODERS.get(type)
}

function writeBytes(writer: WireWriter, bytes: Buffer): void {
  writer.raw(bytes)
  writer.varint(bytes.length)
}

const TAG_1_VARINT = 0x08
const TAG_1_BYTES = 0x0a
const TAG_2_VARINT = 0x10
const TAG_3_BYTES = 0x1a

/** Seconds of 0001-01-01, Go's zero time: an empty message. */
const ZERO_TIME_SECONDS = -62_135_596_800

function writeTime(writer: WireWriter, text: string, isMicro: boolean): void {
  const seconds = Math.floor(Date.parse(text) / 1000)
  if (Number.isNaN(seconds) || seconds === ZERO_TIME_SECONDS) {
    writer.byte(0)
    return
  }
  delimited(writer, () => {
    writer.varint(isMicro ? nanosecondsOf(text) : 0)
    writer.byte(TAG_2_VARINT)
    writer.integer(seconds)
    writer.byte(TAG_1_VARINT)
  })
}

function nanosecondsOf(text: string): number {
  const fraction = /\.(\d{1,6})/.exec(text)?.[1]
  return fraction === undefined ? 0 : Number(fraction.padEnd(6, '0')) * 1000
}

function writeDuration(writer: WireWriter, value: unknown): void {
  delimited(writer, () => {
    writer.bigVarint(BigInt.asUintN(64, parseGoDuration(textOf(value))))
    writer.byte(TAG_1_VARINT)
  })
}

function writeQuantity(writer: WireWriter, value: unknown): void {
  const text = typeof value === 'string' && value !== '' ? value : String(numberOf(value))
  delimited(writer, () => {
    delimited(writer, () => writer.text(text))
    writer.byte(TAG_1_BYTES)
  })
}

function writeIntOrString(writer: WireWriter, value: unknown): void {
  delimited(writer, () => {
    delimited(writer, () => writer.text(textOf(value)))
    writer.byte(TAG_3_BYTES)
    writer.integer(numberOf(value))
    writer.byte(TAG_2_VARINT)
    writer.byte(typeof value === 'string' ? 1 : 0)
    writer.byte(TAG_1_VARINT)
  })
}

/** `raw` = 1, absent for null. */
function writeJson(writer: WireWriter, value: unknown): void {
  if (value === undefined || value === null) {
    writer.byte(0)
    return
  }
  delimited(writer, () => {
    delimited(writer, () => writer.text(JSON.stringify(value)))
    writer.byte(TAG_1_BYTES)
  })
}
