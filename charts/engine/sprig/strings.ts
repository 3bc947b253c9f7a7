// sprig's string functions. Upstream: sprig v3.3.0 strings.go, goutils, xstrings.

import { quote } from '../gofmt/quote.ts'
import { formatValue } from '../gofmt/print.ts'
import { GoError } from '../gotypes/error.ts'
import { byteLength, byteSlice, compareBytes, isAscii } from '../gotypes/utf8.ts'
import { defineFunc, type GoFunc, GoSlice, type GoValue, sliceItems, TypedMap } from '../gotypes/value.ts'
import { goSplit, strslice, strval } from './text.ts'

const MAX_REPEAT = 8 * 1024 * 1024

function upper(text: string): string {
  return mapRunes(text, (char) => char.toUpperCase())
}

function lower(text: string): string {
  return mapRunes(text, (char) => (char === '\u0130' ? 'i' : char.toLowerCase()))
}

/** Go maps one rune to one rune: "ß" stays as it is. */
function mapRunes(text: string, map: (char: string) => string): string {
  if (isAscii(text)) return map(text)
  let out = ''
  for (const char of text) {
    const mapped = map(char)
    out += [...mapped].length === 1 ? mapped : char
  }
  return out
}

function title(text: string): string {
  let out = ''
  let atStart = true
  for (const char of text) {
    out += atStart ? upper(char) : char
    atStart = !/[\p{L}\p{Nd}_]/u.test(char) && (char < '\x80' || /\s/.test(char))
  }
  return out
}

function untitle(text: string): string {
  return text.replace(/(^|\s)(\S)/g, (_all, before: string, char: string) => before + lower(char))
}

function swapcase(text: string): string {
  let out = ''
  let atStart = true
  for (const char of text) {
    if (char !== char.toLowerCase()) out += char.toLowerCase()
    else out += atStart ? upper(char) : upper(char)
    atStart = /\s/.test(char)
  }
  return out
}

function substring(start: number, end: number, text: string): string {
  const length = byteLength(text)
  if (start < 0) return byteSlice(text, 0, checkBounds(0, end, length))
  if (end < 0 || end > length) return byteSlice(text, checkBounds(start, length, length, start), length)
  return byteSlice(text, start, checkBounds(start, end, length))
}

function checkBounds(start: number, end: number, length: number, result = end): number {
  if (end > length) throw new GoError(`runtime error: slice bounds out of range [:${end}] with length ${length}`)
  if (start > end) throw new GoError(`runtime error: slice bounds out of range [${start}:${end}]`)
  return result
}

function trunc(count: number, text: string): string {
  const length = byteLength(text)
  if (count < 0 && length + count > 0) return byteSlice(text, length + count, length)
  if (count >= 0 && length > count) return byteSlice(text, 0, count)
  return text
}

function abbreviate(text: string, offset: number, width: number): string {
  const length = byteLength(text)
  if (width < 4 || length <= width) return text
  let at = Math.min(offset, length)
  if (length - at < width - 3) at = length - (width - 3)
  if (at <= 4) return `${byteSlice(text, 0, width - 3)}...`
  if (width < 7) return ''
  if (at + width - 3 < length) return `...${abbreviate(byteSlice(text, at, length), 0, width - 3)}`
  return `...${byteSlice(text, length - (width - 3), length)}`
}

function repeat(count: number, text: string): string {
  if (count < 0) throw new GoError('strings: negative Repeat count')
  if (count * text.length > MAX_REPEAT) throw new GoError('strings: Repeat output length overflow')
  return text.repeat(count)
}

/** unicode.IsSpace. */
function isSpace(char: string | undefined): boolean {
  return char !== undefined && char !== '\ufeff' && (char === '\x85' || char.trim() === '')
}

function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text[start])) start++
  while (end > start && isSpace(text[end - 1])) end--
  return text.slice(start, end)
}

function trimAll(cutset: string, text: string): string {
  const set = new Set(cutset)
  const chars = [...text]
  let start = 0
  let end = chars.length
  while (start < end && set.has(chars[start] as string)) start++
  while (end > start && set.has(chars[end - 1] as string)) end--
  return chars.slice(start, end).join('')
}

function indent(spaces: number, text: string): string {
  const pad = repeat(spaces, ' ')
  return pad + text.replaceAll('\n', `\n${pad}`)
}

function quoteAll(...values: GoValue[]): string {
  return values
    .filter((value) => value !== null && value !== undefined)
    .map((value) => quote(strval(value)))
    .join(' ')
}

function squoteAll(...values: GoValue[]): string {
  return values
    .filter((value) => value !== null && value !== undefined)
    .map((value) => `'${formatValue(value)}'`)
    .join(' ')
}

function cat(...values: GoValue[]): string {
  return values
    .filter((value) => value !== null && value !== undefined)
    .map(formatValue)
    .join(' ')
}

function initials(text: string): string {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => [...word][0])
    .join('')
}

function wrapWith(width: number, separator: string, text: string, breaksWords: boolean): string {
  const newline = separator === '' ? '\n' : separator
  const size = Math.max(width, 1)
  let out = ''
  let offset = 0
  while (text.length - offset > size) {
    if (text[offset] === ' ') {
      offset++
      continue
    }
    const space = text.slice(offset, size + offset + 1).lastIndexOf(' ')
    if (space >= 0) {
      out += text.slice(offset, offset + space) + newline
      offset += space + 1
    } else if (breaksWords) {
      out += text.slice(offset, offset + size) + newline
      offset += size
    } else {
      const next = text.indexOf(' ', size + offset)
      if (next < 0) return out + text.slice(offset)
      out += text.slice(offset, next) + newline
      offset = next + 1
    }
  }
  return out + text.slice(offset)
}

/** Words of an identifier: separators and case changes split. */
function words(text: string): string[] {
  return text
    .replace(/([\p{Ll}\p{Nd}])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[\s_-]+/)
    .filter((word) => word !== '')
}

function delimited(text: string, connector: string): string {
  return words(text).map(lower).join(connector)
}

function pascal(text: string): string {
  return text
    .replace(/(^|[\s_-]+)([^\s_-])/g, (_all, _separator: string, char: string) => upper(char))
    .replace(/[\s_-]+$/, '')
}

function split(separator: string, text: string): TypedMap {
  return numbered(goSplit(text, separator))
}

function splitn(separator: string, count: number, text: string): TypedMap {
  if (count === 0) return numbered([])
  const parts = goSplit(text, separator)
  if (count < 0 || parts.length <= count) return numbered(parts)
  return numbered([...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)])
}

function numbered(parts: readonly string[]): TypedMap {
  return new TypedMap(
    'map[string]string',
    '',
    parts.map((part, i) => [`_${i}`, part] as const),
  )
}

function sortAlpha(value: GoValue): GoSlice {
  const items = sliceItems(value) === undefined ? [strval(value)] : strslice(value).sort(compareBytes)
  return new GoSlice('[]string', items)
}

const two =
  (impl: (a: string, b: string) => unknown) =>
  (a: string, b: string): unknown =>
    impl(a, b)

export const STRING_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('trim', 'string', 'string', trimSpace),
  defineFunc('upper', 'string', 'string', upper),
  defineFunc('lower', 'string', 'string', lower),
  defineFunc('title', 'string', 'string', title),
  defineFunc('untitle', 'string', 'string', untitle),
  defineFunc('swapcase', 'string', 'string', swapcase),
  defineFunc('substr', 'int, int, string', 'string', substring),
  defineFunc('trunc', 'int, string', 'string', trunc),
  defineFunc('abbrev', 'int, string', 'string', (width: number, text: string) => abbreviate(text, 0, width)),
  defineFunc('abbrevboth', 'int, int, string', 'string', (left: number, right: number, text: string) =>
    right < 4 || (left > 0 && right < 7) ? text : abbreviate(text, left, right),
  ),
  defineFunc('repeat', 'int, string', 'string', repeat),
  defineFunc('trimAll', 'string, string', 'string', trimAll),
  defineFunc('trimall', 'string, string', 'string', trimAll),
  defineFunc(
    'trimSuffix',
    'string, string',
    'string',
    two((a, b) => (a !== '' && b.endsWith(a) ? b.slice(0, -a.length) : b)),
  ),
  defineFunc(
    'trimPrefix',
    'string, string',
    'string',
    two((a, b) => (b.startsWith(a) ? b.slice(a.length) : b)),
  ),
  defineFunc('nospace', 'string', 'string', (text: string) => text.replace(/\s+/g, '')),
  defineFunc('initials', 'string', 'string', initials),
  defineFunc(
    'contains',
    'string, string',
    'bool',
    two((a, b) => b.includes(a)),
  ),
  defineFunc(
    'hasPrefix',
    'string, string',
    'bool',
    two((a, b) => b.startsWith(a)),
  ),
  defineFunc(
    'hasSuffix',
    'string, string',
    'bool',
    two((a, b) => b.endsWith(a)),
  ),
  defineFunc('quote', '...any', 'string', quoteAll),
  defineFunc('squote', '...any', 'string', squoteAll),
  defineFunc('cat', '...any', 'string', cat),
  defineFunc('indent', 'int, string', 'string', indent),
  defineFunc('nindent', 'int, string', 'string', (spaces: number, text: string) => `\n${indent(spaces, text)}`),
  defineFunc('replace', 'string, string, string', 'string', (from: string, to: string, text: string) =>
    from === '' ? `${to}${[...text].map((char) => char + to).join('')}` : text.replaceAll(from, () => to),
  ),
  defineFunc('plural', 'string, string, int', 'string', (one: string, many: string, count: number) =>
    count === 1 ? one : many,
  ),
  defineFunc('snakecase', 'string', 'string', (text: string) => delimited(text, '_')),
  defineFunc('kebabcase', 'string', 'string', (text: string) => delimited(text, '-')),
  defineFunc('camelcase', 'string', 'string', pascal),
  defineFunc('wrap', 'int, string', 'string', (width: number, text: string) => wrapWith(width, '', text, false)),
  defineFunc('wrapWith', 'int, string, string', 'string', (width: number, separator: string, text: string) =>
    wrapWith(width, separator, text, true),
  ),
  defineFunc('toString', 'any', 'string', strval),
  defineFunc('toStrings', 'any', '[]string', (value: GoValue) => new GoSlice('[]string', strslice(value))),
  defineFunc('hello', '', 'string', () => 'Hello!'),
  defineFunc('join', 'string, any', 'string', (separator: string, value: GoValue) => strslice(value).join(separator)),
  defineFunc('split', 'string, string', 'map[string]string', split),
  defineFunc('splitn', 'string, int, string', 'map[string]string', splitn),
  defineFunc(
    'splitList',
    'string, string',
    '[]string',
    (separator: string, text: string) => new GoSlice('[]string', goSplit(text, separator)),
  ),
  defineFunc('sortAlpha', 'any', '[]string', sortAlpha),
]
