/**
 * Rows of the log in the shape that crosses threads cheapest: the keys, the numbers in one typed array, all values in one
 * buffer. The buffers are transferred; the receiver's values are views of them.
 */

/** Numbers per row, in this order; a length of -1 stands for "none". */
const FIELDS = 6

export interface LogRow {
  readonly key: string
  readonly revision: number
  readonly createRevision: number
  /** The key's revision before this write; 0 for a create. */
  readonly previousRevision: number
  readonly expiresAtMs: number
  /** undefined = delete. */
  readonly value: Buffer | undefined
  /** Only in slices of events. */
  readonly previousValue: Buffer | undefined
}

export interface PackedRows {
  readonly keys: readonly string[]
  readonly numbers: Float64Array<ArrayBuffer>
  readonly bytes: ArrayBuffer
}

export function packRows(rows: readonly LogRow[]): PackedRows {
  const numbers = new Float64Array(rows.length * FIELDS)
  const keys = new Array<string>(rows.length)
  let size = 0
  for (const row of rows) size += (row.value?.length ?? 0) + (row.previousValue?.length ?? 0)
  const bytes = Buffer.from(new ArrayBuffer(size))
  let at = 0
  let field = 0
  const put = (value: Buffer | undefined): number => {
    if (value === undefined) return -1
    bytes.set(value, at)
    at += value.length
    return value.length
  }
  for (const [i, row] of rows.entries()) {
    keys[i] = row.key
    numbers[field++] = row.revision
    numbers[field++] = row.createRevision
    numbers[field++] = row.previousRevision
    numbers[field++] = row.expiresAtMs
    numbers[field++] = put(row.value)
    numbers[field++] = put(row.previousValue)
  }
  return { keys, numbers, bytes: bytes.buffer }
}

export function unpackRows({ keys, numbers, bytes }: PackedRows): LogRow[] {
  let at = 0
  let field = 0
  const next = (): number => numbers[field++] ?? 0
  const take = (): Buffer | undefined => {
    const length = next()
    if (length < 0) return undefined
    at += length
    return Buffer.from(bytes, at - length, length)
  }
  return keys.map((key) => ({
    key,
    revision: next(),
    createRevision: next(),
    previousRevision: next(),
    expiresAtMs: next(),
    value: take(),
    previousValue: take(),
  }))
}

/** What to hand to postMessage as the transfer list. */
export function transferOf(rows: PackedRows): ArrayBuffer[] {
  return [rows.numbers.buffer, rows.bytes]
}
