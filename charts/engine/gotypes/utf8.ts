// Go strings are bytes. These helpers give byte lengths, byte slices and byte order of JS strings; bytes that
// do not form UTF-8 survive as lone surrogates U+DC80..U+DCFF ("surrogate escape").

const ASCII = /^\p{ASCII}*$/u

export function isAscii(text: string): boolean {
  return ASCII.test(text)
}

export function byteLength(text: string): number {
  return isAscii(text) ? text.length : toBytes(text).length
}

export function toBytes(text: string): Buffer {
  if (!/[\udc80-\udcff]/.test(text)) return Buffer.from(text, 'utf8')
  const chunks: Buffer[] = []
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0
    chunks.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(char, 'utf8'))
  }
  return Buffer.concat(chunks)
}

export function fromBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = buffer.toString('utf8')
  if (!text.includes('\ufffd')) return text
  return decodeEscaping(buffer)
}

function decodeEscaping(bytes: Buffer): string {
  let out = ''
  let i = 0
  while (i < bytes.length) {
    const size = runeSize(bytes, i)
    if (size === 0) {
      out += String.fromCharCode(0xdc00 + (bytes[i] as number))
      i++
      continue
    }
    out += bytes.toString('utf8', i, i + size)
    i += size
  }
  return out
}

/** Size of the valid encoding at i, or 0. */
function runeSize(bytes: Buffer, i: number): number {
  const first = bytes[i] as number
  if (first < 0x80) return 1
  const size =
    first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0
  if (size === 0 || i + size > bytes.length) return 0
  for (let k = 1; k < size; k++) if (((bytes[i + k] as number) & 0xc0) !== 0x80) return 0
  const second = bytes[i + 1] as number
  if (first === 0xe0 && second < 0xa0) return 0
  if (first === 0xed && second > 0x9f) return 0
  if (first === 0xf0 && second < 0x90) return 0
  if (first === 0xf4 && second > 0x8f) return 0
  return size
}

export function byteSlice(text: string, start: number, end: number): string {
  if (isAscii(text)) return text.slice(start, end)
  return fromBytes(toBytes(text).subarray(start, end))
}

/** Byte order of two strings (equals code point order), as Go's `<`. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i)
    let y = b.charCodeAt(i)
    if (x === y) continue
    // UTF-16 sorts surrogates below U+E000..U+FFFF; shift them above, as code points are.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000
    }
    return x - y
  }
  return a.length - b.length
}

export function sortedKeys(map: ReadonlyMap<string, unknown>): string[] {
  return [...map.keys()].sort(compareBytes)
}
