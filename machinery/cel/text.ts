/** Strings by code points, which is how CEL counts. */

const hasSurrogates = (text: string): boolean => /[\ud800-\udfff]/.test(text)

export function codePointCount(text: string): number {
  if (!hasSurrogates(text)) return text.length
  let count = 0
  for (const _ of text) count++
  return count
}

/** Positions in `text` by code points; cheap where they are UTF-16 positions as well. */
export class CodePoints {
  readonly #text: string
  readonly #points: readonly string[] | undefined

  constructor(text: string) {
    this.#text = text
    this.#points = hasSurrogates(text) ? Array.from(text) : undefined
  }

  get size(): number {
    return this.#points?.length ?? this.#text.length
  }

  slice(start: number, end?: number): string {
    return this.#points?.slice(start, end).join('') ?? this.#text.slice(start, end)
  }

  /** -1 when there is none at or after `from`. */
  indexOf(part: string, from: number): number {
    if (this.#points === undefined) return this.#text.indexOf(part, from)
    const found = this.#text.indexOf(part, this.slice(0, from).length)
    return found === -1 ? -1 : codePointCount(this.#text.slice(0, found))
  }

  /** -1 when none starts at or before `from`. */
  lastIndexOf(part: string, from: number): number {
    if (this.#points === undefined) return this.#text.lastIndexOf(part, from)
    const found = this.#text.lastIndexOf(part, this.slice(0, from).length)
    return found === -1 ? -1 : codePointCount(this.#text.slice(0, found))
  }
}

/** Go's strconv.FormatFloat(value, 'g', -1, 64). */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  if (Object.is(value, -0)) return '-0'
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 6) return plainText(value)
  const sign = exponent < 0 ? '-' : '+'
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`
}

/** Without an exponent, which JavaScript writes below 1e-6 and from 1e21. */
function plainText(value: number): string {
  const text = String(value)
  if (!text.includes('e')) return text
  const [mantissa = '', power = '0'] = value.toExponential().split('e')
  const digits = mantissa.replace(/[-.]/g, '')
  const zeros = '0'.repeat(-Number(power) - 1)
  return `${value < 0 ? '-' : ''}0.${zeros}${digits}`
}

const SPACES: ReadonlySet<number> = new Set([
  ...[0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000],
  ...Array.from({ length: 11 }, (_, i) => 0x2000 + i),
])

/** Go's strings.TrimSpace: white space of Unicode; JavaScript's has the byte order mark in it and not U+0085. */
export function trimSpace(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && SPACES.has(text.charCodeAt(start))) start++
  while (end > start && SPACES.has(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}
