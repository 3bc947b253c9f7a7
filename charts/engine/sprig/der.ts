// The little ASN.1 DER that X.509 certificates need.

import { GoError } from '../gotypes/error.ts'

export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), lengthBytes(body.length), body])
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts)
export const octets = (data: Uint8Array): Buffer => tlv(0x04, data)
export const bits = (data: Uint8Array, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), data)
export const yes = (): Buffer => tlv(0x01, Buffer.from([0xff]))

/** A positive integer from big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const trimmed = bytes.subarray(start)
  return tlv(0x02, ((trimmed[0] ?? 0) & 0x80) !== 0 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed)
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const group = [arc & 0x7f]
    for (let more = Math.floor(arc / 128); more > 0; more = Math.floor(more / 128)) group.unshift((more & 0x7f) | 0x80)
    bytes.push(...group)
  }
  return tlv(0x06, Buffer.from(bytes))
}

/** UTCTime up to 2049, GeneralizedTime after. */
export function time(ms: number): Buffer {
  const digits = new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(/[-:T]|\.000/g, '')
  return Number(digits.slice(0, 4)) < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits))
}

interface Element {
  readonly tag: number
  /** Header included. */
  readonly raw: Buffer
  readonly body: Buffer
}

export function readElements(data: Buffer): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < data.length; ) {
    let length = data[at + 1] ?? 0
    let header = 2
    if (length >= 0x80) {
      const count = length & 0x7f
      length = data.readUIntBE(at + 2, count)
      header += count
    }
    const end = at + header + length
    if (end > data.length) throw new GoError('asn1: syntax error: data truncated')
    elements.push({ tag: data[at] ?? 0, raw: data.subarray(at, end), body: data.subarray(at + header, end) })
    at = end
  }
  return elements
}
