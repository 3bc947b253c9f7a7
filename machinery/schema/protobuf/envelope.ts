/**
 * What surrounds protobuf messages that are encoded already: the envelope (`k8s\0` and a runtime.Unknown naming the kind),
 * lists of such messages, frames of a watch.
 * Upstream: apimachinery pkg/runtime/serializer/protobuf, pkg/runtime/generated.proto, pkg/apis/meta/v1 WatchEvent.
 */
import { WIRE } from './wire-reader.ts'

export const PROTOBUF_MEDIA_TYPE = 'application/vnd.kubernetes.protobuf'

export const MAGIC = Buffer.from('k8s\0')

/** runtime.Unknown's contentEncoding = 3 and contentType = 4, both empty. */
const ENVELOPE_END = Buffer.from([0x1a, 0, 0x22, 0])

/** An object: its message in the envelope. */
export function envelopeOf(apiVersion: string, kind: string, message: Buffer): Buffer {
  return Buffer.concat([envelopeHead(apiVersion, kind, message.length), message, ENVELOPE_END])
}

const LIST_METADATA = 1
const LIST_ITEMS = 2

/** A list: its metadata and its items are messages, copied once, into the one buffer of the answer. */
export function listEnvelope(apiVersion: string, kind: string, metadata: Buffer, items: readonly Buffer[]): Buffer {
  let size = delimitedSize(metadata.length)
  for (const item of items) size += delimitedSize(item.length)
  const head = envelopeHead(apiVersion, kind, size)
  const whole = Buffer.allocUnsafe(head.length + size + ENVELOPE_END.length)
  let at = head.copy(whole)
  at = copyDelimited(whole, at, LIST_METADATA, metadata)
  for (const item of items) at = copyDelimited(whole, at, LIST_ITEMS, item)
  ENVELOPE_END.copy(whole, at)
  return whole
}

const FRAME_LENGTH_BYTES = 4

/** An event of a watch: its length (four bytes, big-endian), then a metav1.WatchEvent (type = 1, object.raw = 2.1). */
export function watchFrame(type: string, object: Buffer): Buffer {
  const name = Buffer.from(type)
  const rawSize = delimitedSize(object.length)
  const frame = Buffer.allocUnsafe(FRAME_LENGTH_BYTES + delimitedSize(name.length) + delimitedSize(rawSize))
  let at = frame.writeUInt32BE(frame.length - FRAME_LENGTH_BYTES, 0)
  at = copyDelimited(frame, at, 1, name)
  at = writeHead(frame, at, 2, rawSize)
  copyDelimited(frame, at, 1, object)
  return frame
}

function envelopeHead(apiVersion: string, kind: string, messageSize: number): Buffer {
  const version = Buffer.from(apiVersion)
  const name = Buffer.from(kind)
  const typeMetaSize = delimitedSize(version.length) + delimitedSize(name.length)
  const head = Buffer.allocUnsafe(MAGIC.length + delimitedSize(typeMetaSize) + 1 + varintSize(messageSize))
  let at = MAGIC.copy(head)
  at = writeHead(head, at, 1, typeMetaSize)
  at = copyDelimited(head, at, 1, version)
  at = copyDelimited(head, at, 2, name)
  writeHead(head, at, 2, messageSize)
  return head
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** Of a field numbered below 16 that is this long. */
const delimitedSize = (size: number): number => 1 + varintSize(size) + size

/** Tag and length; returns where the content goes. */
function writeHead(target: Buffer, start: number, field: number, size: number): number {
  let at = target.writeUInt8(field * 8 + WIRE.bytes, start)
  let rest = size
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[at++] = (rest % 0x80) | 0x80
  target[at++] = rest
  return at
}

function copyDelimited(target: Buffer, start: number, field: number, content: Buffer): number {
  const at = writeHead(target, start, field, content.length)
  return at + content.copy(target, at)
}
