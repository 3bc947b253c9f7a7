/** Strings by index, parts and case. Upstream: cel-go ext/strings.go, version 2, with the costs Kubernetes gives them. */
import { sizeOf, traversal, traversalOf } from '../cost.ts'
import { type CelLibrary, define, defineMember, type Overload } from '../functions.ts'
import { CodePoints, trimSpace } from '../text.ts'
import { ArrayList, type CelList, type CelValue, EvaluationError, typeNameOf } from '../values.ts'
import { format } from './format.ts'

/** UTF-16 units of the longest string a function makes. */
const TEXT_MAX = 64 * 1024 * 1024

function bounded(length: number): void {
  if (length > TEXT_MAX) throw new EvaluationError(`result of more than ${TEXT_MAX} characters`)
}

const outOfRange = (index: bigint): EvaluationError => new EvaluationError(`index out of range: ${index}`)

function charAt(text: string, index: bigint): string {
  const points = new CodePoints(text)
  if (index < 0n || index > BigInt(points.size)) throw outOfRange(index)
  return points.slice(Number(index), Number(index) + 1)
}

function indexOf(text: string, part: string, from = 0n): bigint {
  if (from < 0n) throw outOfRange(from)
  const points = new CodePoints(text)
  if (from >= BigInt(points.size)) return part === '' ? BigInt(points.size) : -1n
  return BigInt(points.indexOf(part, Number(from)))
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const points = new CodePoints(text)
  const size = BigInt(points.size)
  if (from === undefined) return BigInt(points.lastIndexOf(part, points.size))
  if (from < 0n) throw outOfRange(from)
  if (from >= size) return part === '' ? size : -1n
  return BigInt(points.lastIndexOf(part, Number(from)))
}

function replace(text: string, old: string, replacement: string, count = -1n): string {
  // The empty string is before every code point and at the end.
  const pieces = old === '' ? ['', ...text] : text.split(old)
  const wanted = count < 0n ? pieces.length : Number(count)
  const gaps = old === '' ? pieces.length : pieces.length - 1
  const replaced = Math.min(wanted, gaps)
  bounded(text.length + replaced * replacement.length)
  if (old === '') {
    const [, ...points] = pieces
    const head = points.slice(0, replaced).map((point) => replacement + point)
    const end = replaced > points.length ? replacement : ''
    return head.join('') + points.slice(replaced).join('') + end
  }
  return (
    pieces.slice(0, replaced + 1).join(replacement) +
    pieces
      .slice(replaced + 1)
      .map((piece) => old + piece)
      .join('')
  )
}

function split(text: string, separator: string, limit = -1n): CelList {
  if (limit === 0n) return new ArrayList([])
  const all = separator === '' ? Array.from(text) : text.split(separator)
  if (limit < 0n || limit >= BigInt(all.length)) return new ArrayList(all)
  const kept = all.slice(0, Number(limit) - 1)
  return new ArrayList([...kept, all.slice(Number(limit) - 1).join(separator)])
}

function substring(text: string, start: bigint, end?: bigint): string {
  const points = new CodePoints(text)
  const size = BigInt(points.size)
  if (end !== undefined && start > end) {
    throw new EvaluationError(`invalid substring range. start: ${start}, end: ${end}`)
  }
  if (start < 0n || start > size) throw outOfRange(start)
  if (end !== undefined && end > size) throw outOfRange(end)
  return points.slice(Number(start), end === undefined ? undefined : Number(end))
}

function join(list: CelList, separator = ''): string {
  const texts: string[] = []
  let length = 0
  for (const value of list) {
    if (typeof value !== 'string') throw new EvaluationError(`join: invalid input: ${typeNameOf(value)}`)
    length += value.length + separator.length
    bounded(length)
    texts.push(value)
  }
  return texts.join(separator)
}

/** Half surrogate pairs become the replacement character. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

const QUOTED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

const quote = (text: string): string =>
  `"${wellFormed(text).replace(/./gsu, (character) => QUOTED[character] ?? character)}"`

const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, (part) => part.toLowerCase())
const upperAscii = (text: string): string => text.replace(/[a-z]+/g, (part) => part.toUpperCase())

const ofResult = (_: readonly CelValue[], result: CelValue): number => traversal(sizeOf(result), 2)

const TRANSFORMS: readonly Overload[] = [
  defineMember('string.lowerAscii(): string', lowerAscii, traversalOf()),
  defineMember('string.upperAscii(): string', upperAscii, traversalOf()),
  defineMember('string.trim(): string', trimSpace, traversalOf()),
  defineMember('string.substring(int): string', substring, traversalOf()),
  defineMember('string.substring(int, int): string', substring, traversalOf()),
  defineMember('string.replace(string, string): string', replace, traversalOf(0, 2)),
  defineMember('string.replace(string, string, int): string', replace, traversalOf(0, 2)),
]

export const STRINGS_LIBRARY: CelLibrary = {
  overloads: [
    defineMember('string.charAt(int): string', charAt),
    defineMember('string.indexOf(string): int', indexOf, traversalOf()),
    defineMember('string.indexOf(string, int): int', indexOf, traversalOf()),
    defineMember('string.lastIndexOf(string): int', lastIndexOf, traversalOf()),
    defineMember('string.lastIndexOf(string, int): int', lastIndexOf, traversalOf()),
    ...TRANSFORMS,
    defineMember('string.split(string): list(string)', split, traversalOf(0, 2)),
    defineMember('string.split(string, int): list(string)', split, traversalOf(0, 2)),
    defineMember('list(string).join(): string', join, ofResult),
    defineMember('list(string).join(string): string', join, ofResult),
    defineMember('string.format(list(dyn)): string', format, traversalOf()),
    define('strings.quote(string): string', quote, traversalOf()),
  ],
}

/** Of version 3, which Kubernetes does not have yet. */
export const STRING_REVERSE: CelLibrary = {
  overloads: [
    defineMember('string.reverse(): string', (text: string) => Array.from(text).reverse().join(''), traversalOf()),
  ],
}
