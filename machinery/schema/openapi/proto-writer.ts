/** A protobuf writer for nested messages. Values of another JSON type than the field's are left out, as are proto3 zeros. */
import type { JsonValue } from '#machinery/util/types.ts'

const VARINT = 0
const FIXED64 = 1
const BYTES = 2

const INITIAL_BYTES = 64 * 1024
/** Room kept for a message's length before its size is known; bigger messages are moved. */
const LENGTH_BYTES = 1

export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES)
  #at = 0

  string(field: number, value: JsonValue | undefined): void {
    if (typeof value === 'string' && value !== '') this.#text(field, value)
  }

  /** A repeated field: empty elements are kept. */
  strings(field: number, values: JsonValue | undefined): void {
    if (!Array.isArray(values)) return
    for (const value of values) if (typeof value === 'string') this.#text(field, value)
  }

  bool(field: number, value: JsonValue | undefined): void {
    if (value !== true) return
    this.#tag(field, VARINT)
    this.#varint(1)
  }

  /** Non-negative whole numbers. */
  integer(field: number, value: JsonValue | undefined): void {
    if (typeof value !== 'number' || value <= 0 || !Number.isSafeInteger(value)) return
    this.#tag(field, VARINT)
    this.#varint(value)
  }

  double(field: number, value: JsonValue | undefined): void {
    if (typeof value !== 'number' || value === 0) return
    this.#tag(field, FIXED64)
    this.#reserve(8)
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
  }

  /** A nested message: whatever `write` writes. */
  message(field: number, write: () => void): void {
    this.#tag(field, BYTES)
    const lengthAt = this.#at
    this.#reserve(LENGTH_BYTES)
    this.#at += LENGTH_BYTES
    const start = this.#at
    write()
    const size = this.#at - start
    const needed = varintSize(size)
    if (needed > LENGTH_BYTES) {
      this.#reserve(needed - LENGTH_BYTES)
      this.#buffer.copyWithin(start + needed - LENGTH_BYTES, start, this.#at)
    }
    this.#at = lengthAt
    this.#varint(size)
    this.#at += size
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #text(field: number, value: string): void {
    const size = Buffer.byteLength(value)
    this.#tag(field, BYTES)
    this.#varint(size)
    this.#reserve(size)
    this.#at += this.#buffer.write(value, this.#at)
  }

  #tag(field: number, wireType: number): void {
    this.#varint(field * 8 + wireType)
  }

  #varint(value: number): void {
    this.#reserve(10)
    let rest = value
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#at++] = rest
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + size))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

function varintSize(value: number): number {
  let size = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}
