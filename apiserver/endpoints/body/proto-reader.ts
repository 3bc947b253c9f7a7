/** Walks the fields of one protobuf message. Every read is bounds-checked; malformed bytes throw. */

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5
const VARINT_BYTES_MAX = 10

export class ProtoReader {
  /** Number of the field `next` has stepped to. */
  field = 0
  readonly #bytes: Buffer
  #at = 0
  #wireType = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  get isLengthDelimited(): boolean {
    return this.#wireType === LENGTH_DELIMITED
  }

  /** False at the end. The field must then be read, or skipped. */
  next(): boolean {
    if (this.isAtEnd) return false
    const tag = Number(this.varint())
    this.field = tag >>> 3
    this.#wireType = tag & 7
    if (this.field === 0) throw new Error('proto: illegal tag 0')
    return true
  }

  varint(): bigint {
    let value = 0n
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new Error('unexpected EOF')
      value |= BigInt(byte & 0x7f) << BigInt(7 * i)
      if (byte < 0x80) return value
    }
    throw new Error('proto: integer overflow')
  }

  bytes(): Buffer {
    if (this.#wireType !== LENGTH_DELIMITED)
      throw new Error(`proto: wrong wireType = ${this.#wireType} for field ${this.field}`)
    return this.#take(Number(this.varint()))
  }

  double(): number {
    return this.#take(8).readDoubleLE()
  }

  float(): number {
    return this.#take(4).readFloatLE()
  }

  skip(): void {
    if (this.#wireType === VARINT) this.varint()
    else if (this.#wireType === FIXED64) this.#take(8)
    else if (this.#wireType === LENGTH_DELIMITED) this.bytes()
    else if (this.#wireType === FIXED32) this.#take(4)
    else throw new Error(`proto: illegal wireType ${this.#wireType}`)
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (length < 0 || end > this.#bytes.length) throw new Error('unexpected EOF')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}
