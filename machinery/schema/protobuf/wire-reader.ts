/** Protocol Buffers wire format, reading. Bounded by the buffer; malformed input throws ProtobufError. */

export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

export class WireReader {
  readonly #buffer: Buffer
  #position: number
  readonly #end: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer
    this.#position = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#end
  }

  /** Field number and wire type. */
  tag(): { readonly field: number; readonly wire: number } {
    const tag = this.#small()
    if (tag < 8 || tag > 0xffffffff) throw new ProtobufError('illegal field number')
    return { field: tag >>> 3, wire: tag & 7 }
  }

  /** As a signed number; 64 bits come out rounded, as they do of JSON. */
  integer(): number {
    const start = this.#position
    const small = this.#upTo28Bits()
    if (small !== undefined) return small
    this.#position = start
    return Number(BigInt.asIntN(64, this.varint()))
  }

  varint(): bigint {
    const start = this.#position
    const small = this.#upTo28Bits()
    if (small !== undefined) return BigInt(small)
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) low |= ((this.#buffer[start + shift / 7] ?? 0) & 0x7f) << shift
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new ProtobufError('varint is longer than 10 bytes')
  }

  fixed64(): Buffer {
    return this.#take(8)
  }

  bytes(): Buffer {
    return this.#take(this.#small())
  }

  skip(wire: number): void {
    if (wire === WIRE.varint) this.varint()
    else if (wire === WIRE.fixed64) this.#take(8)
    else if (wire === WIRE.bytes) this.bytes()
    else if (wire === WIRE.fixed32) this.#take(4)
    else throw new ProtobufError(`illegal wire type ${wire}`)
  }

  #upTo28Bits(): number | undefined {
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return low
    }
    return undefined
  }

  /** Without a sign. */
  #small(): number {
    const start = this.#position
    const small = this.#upTo28Bits()
    if (small !== undefined) return small
    this.#position = start
    return Number(this.varint())
  }

  #byte(): number {
    const byte = this.#position < this.#end ? this.#buffer[this.#position++] : undefined
    if (byte === undefined) throw new ProtobufError('unexpected EOF')
    return byte
  }

  #take(length: number): Buffer {
    const start = this.#position
    if (length < 0 || start + length > this.#end) throw new ProtobufError('unexpected EOF')
    this.#position = start + length
    return this.#buffer.subarray(start, this.#position)
  }
}
