/**
 * Protocol Buffers wire format, writing. Messages are written from their end to their beginning, so that a length is known
 * by the time it is written and nothing is measured twice: callers write payload, then length, then tag.
 */
const INITIAL_BYTES = 16 * 1024
/** A buffer that one huge object has grown is not kept for the small ones that follow. */
const KEPT_BYTES_MAX = 1024 * 1024
const SHORT_TEXT = 48

export class WireWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES)
  /** The first byte written: everything from here on is the message so far. */
  #at = INITIAL_BYTES

  get length(): number {
    return this.#buffer.length - this.#at
  }

  /** Starts anew: also after an encoder that has thrown. */
  reset(): void {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES)
    this.#at = this.#buffer.length
  }

  /** A copy of what has been written since the last reset. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#at))
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[--this.#at] = value
  }

  /** A safe integer, zero or more: tags, lengths and most numbers. */
  varint(value: number): void {
    if (value < 0x80) {
      this.byte(value)
      return
    }
    let size = 1
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
    this.#reserve(size)
    this.#at -= size
    let rest = value
    for (let i = 0; i < size - 1; i++) {
      this.#buffer[this.#at + i] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#at + size - 1] = rest
  }

  /** Negative numbers are ten bytes, as two's complement of 64 bits. What is no number is zero. */
  integer(value: number): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.varint(Math.trunc(value))
      return
    }
    this.bigVarint(Number.isFinite(value) ? BigInt.asUintN(64, BigInt(Math.trunc(value))) : 0n)
  }

  bigVarint(value: bigint): void {
    const bytes: number[] = []
    let rest = value
    while (rest >= 0x80n) {
      bytes.push(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    bytes.push(Number(rest))
    for (let i = bytes.length - 1; i >= 0; i--) this.byte(bytes[i] ?? 0)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at -= 8
    this.#buffer.writeDoubleLE(value, this.#at)
  }

  raw(bytes: Buffer): void {
    this.#reserve(bytes.length)
    this.#at -= bytes.length
    bytes.copy(this.#buffer, this.#at)
  }

  /** UTF-8 without its length. */
  text(value: string): void {
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return
    const size = Buffer.byteLength(value)
    this.#reserve(size)
    this.#at -= size
    this.#buffer.write(value, this.#at, size, 'utf8')
  }

  /** Short texts are ASCII nearly always, and copying those here is cheaper than a call out of the engine. */
  #ascii(value: string): boolean {
    this.#reserve(value.length)
    const buffer = this.#buffer
    let at = this.#at
    for (let i = value.length - 1; i >= 0; i--) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      buffer[--at] = code
    }
    this.#at = at
    return true
  }

  #reserve(size: number): void {
    if (size <= this.#at) return
    const old = this.#buffer
    const used = old.length - this.#at
    const grown = Buffer.allocUnsafe(Math.max(old.length * 2, used + size))
    old.copy(grown, grown.length - used, this.#at)
    this.#buffer = grown
    this.#at = grown.length - used
  }
}
