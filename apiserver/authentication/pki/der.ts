/**
 * The part of ASN.1 DER that X.509 needs: a writer of nested buffers and a strict, bounded reader.
 * Reference: ITU-T X.690.
 */

/** Refused by the reader: what a peer or a file holds is not the DER it claims to be. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

const CONTEXT_PRIMITIVE = 0x80
const CONTEXT_CONSTRUCTED = 0xa0

// --- writing ---

function encode(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const content of contents) length += content.length
  return Buffer.concat([Buffer.from([tag]), encodeLength(length), ...contents])
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

export const sequence = (...members: readonly Uint8Array[]): Buffer => encode(TAG.sequence, ...members)
export const setOf = (...members: readonly Uint8Array[]): Buffer => encode(TAG.set, ...members)
export const octetString = (content: Uint8Array): Buffer => encode(TAG.octetString, content)
export const utf8String = (text: string): Buffer => encode(TAG.utf8String, Buffer.from(text, 'utf8'))
export const boolean = (value: boolean): Buffer => encode(TAG.boolean, Buffer.from([value ? 0xff : 0]))
export const nullValue = (): Buffer => encode(TAG.null)

/** `[number] EXPLICIT` or a constructed IMPLICIT value. */
export const contextConstructed = (number: number, ...members: readonly Uint8Array[]): Buffer =>
  encode(CONTEXT_CONSTRUCTED | number, ...members)

/** `[number] IMPLICIT` of a primitive value. */
export const contextPrimitive = (number: number, content: Uint8Array): Buffer =>
  encode(CONTEXT_PRIMITIVE | number, content)

/** Unsigned: leading zeros are dropped, and one is put back where the number would read as negative. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const digits = bytes.subarray(start)
  const isNegative = ((digits[0] ?? 0) & 0x80) !== 0
  return isNegative ? encode(TAG.integer, Buffer.from([0]), digits) : encode(TAG.integer, digits)
}

export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return encode(TAG.bitString, Buffer.from([unusedBits]), content)
}

export function objectIdentifier(dotted: string): Buffer {
  const arcs = dotted.split('.').map(Number)
  const [first = 0, second = 0, ...rest] = arcs
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(128 | (left % 128))
    bytes.push(...groups)
  }
  return encode(TAG.oid, Buffer.from(bytes))
}

/** X.509 wants UTCTime up to 2049 and GeneralizedTime after it. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  const isUtcTime = date.getUTCFullYear() < 2050
  return encode(isUtcTime ? TAG.utcTime : TAG.generalizedTime, Buffer.from(`${isUtcTime ? digits.slice(2) : digits}Z`))
}

// --- reading ---

export interface DerValue {
  readonly tag: number
  /** Without tag and length. */
  readonly content: Buffer
  /** With them. */
  readonly encoded: Buffer
}

const LENGTH_BYTES_MAX = 3

/** One value that fills `input` entirely. */
export function decode(input: Buffer): DerValue {
  const value = decodeAt(input, 0)
  if (value.encoded.length !== input.length) throw new DerError('trailing bytes after the DER value')
  return value
}

/** The members of a constructed value, in order. */
export function members(value: DerValue): DerValue[] {
  const found: DerValue[] = []
  for (let offset = 0; offset < value.content.length; ) {
    const member = decodeAt(value.content, offset)
    found.push(member)
    offset += member.encoded.length
  }
  return found
}

export function expectTag(value: DerValue | undefined, tag: number, what: string): DerValue {
  if (value === undefined || value.tag !== tag) throw new DerError(`${what} is missing or of the wrong type`)
  return value
}

function decodeAt(input: Buffer, offset: number): DerValue {
  const tag = input[offset]
  const first = input[offset + 1]
  if (tag === undefined || first === undefined) throw new DerError('truncated DER value')
  if ((tag & 0x1f) === 0x1f) throw new DerError('multi-byte DER tags are not used by X.509')
  let start = offset + 2
  let length = first
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > LENGTH_BYTES_MAX) throw new DerError('unsupported DER length')
    if (start + count > input.length) throw new DerError('truncated DER value')
    length = input.readUIntBE(start, count)
    start += count
  }
  const end = start + length
  if (end > input.length) throw new DerError('truncated DER value')
  return { tag, content: input.subarray(start, end), encoded: input.subarray(offset, end) }
}

export function readObjectIdentifier(value: DerValue): string {
  const { content } = expectTag(value, TAG.oid, 'an object identifier')
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DerError('object identifier arc is too large')
    arc = arc * 128 + (byte & 0x7f)
    if ((byte & 0x80) !== 0) continue
    if (arcs.length === 0) {
      const root = Math.min(Math.floor(arc / 40), 2)
      arcs.push(root, arc - root * 40)
    } else arcs.push(arc)
    arc = 0
  }
  return arcs.join('.')
}

/** The text of any string type that occurs in names; undefined for another type. */
export function readText(value: DerValue): string | undefined {
  switch (value.tag) {
    case TAG.utf8String:
    case TAG.printableString:
    case TAG.ia5String:
      return value.content.toString('utf8')
    default:
      return undefined
  }
}

export function readBitString(value: DerValue): Buffer {
  const { content } = expectTag(value, TAG.bitString, 'a bit string')
  if (content[0] !== 0) throw new DerError('a bit string with unused bits')
  return content.subarray(1)
}
