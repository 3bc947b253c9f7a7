/** Quoted and block scalars of the YAML scanner. */

import { isBlankOrEnd, isBreak } from './characters.ts'
import type { Scanner } from './scan.ts'

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\x07'],
  ['b', '\b'],
  ['t', '\t'],
  ['\t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\x1b'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['/', '/'],
  ['N', '\x85'],
  ['_', '\xa0'],
  ['L', '\u2028'],
  ['P', '\u2029'],
])
const WIDTHS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
])

export function quotedScalar(scanner: Scanner): string {
  const { text } = scanner
  const startLine = scanner.line
  const quote = text[scanner.pos] as string
  const isSingle = quote === "'"
  scanner.pos++
  let value = ''
  for (;;) {
    if (scanner.column === 0 && (scanner.atDocumentMarker('---') || scanner.atDocumentMarker('...'))) {
      throw scanner.error('found unexpected document indicator', startLine)
    }
    if (scanner.pos >= text.length) throw scanner.error('found unexpected end of stream', startLine)
    const run = takeRun(scanner, quote, isSingle, startLine)
    value += run.text
    if (text[scanner.pos] === quote) {
      scanner.pos++
      return value
    }
    value += takeBlanks(scanner, run.joined)
  }
}

/** Characters up to blank, break or the closing quote; `joined` when the run ended in an escaped line break. */
function takeRun(
  scanner: Scanner,
  quote: string,
  isSingle: boolean,
  startLine: number,
): { text: string; joined: boolean } {
  const { text } = scanner
  let out = ''
  let start = scanner.pos
  while (!isBlankOrEnd(text.charCodeAt(scanner.pos))) {
    const char = text[scanner.pos] as string
    if (isSingle && char === "'" && text[scanner.pos + 1] === "'") {
      out += `${text.slice(start, scanner.pos)}'`
      scanner.pos += 2
      start = scanner.pos
    } else if (char === quote) {
      break
    } else if (!isSingle && char === '\\') {
      out += text.slice(start, scanner.pos)
      if (isBreak(text.charCodeAt(scanner.pos + 1))) {
        scanner.pos++
        scanner.skipBreak()
        return { text: out, joined: true }
      }
      out += readEscape(scanner, startLine)
      start = scanner.pos
    } else {
      scanner.pos++
    }
  }
  return { text: out + text.slice(start, scanner.pos), joined: false }
}

function readEscape(scanner: Scanner, startLine: number): string {
  const kind = scanner.text[scanner.pos + 1] ?? ''
  const simple = ESCAPES.get(kind)
  if (simple !== undefined) {
    scanner.pos += 2
    return simple
  }
  const width = WIDTHS.get(kind)
  if (width === undefined) throw scanner.error('found unknown escape character', startLine)
  const digits = scanner.text.slice(scanner.pos + 2, scanner.pos + 2 + width)
  if (digits.length !== width || !/^[0-9a-fA-F]+$/.test(digits))
    throw scanner.error('did not find expected hexdecimal number', startLine)
  scanner.pos += 2 + width
  const code = Number.parseInt(digits, 16)
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    throw scanner.error('found invalid Unicode character escape code', startLine)
  return String.fromCodePoint(code)
}

/** White space inside quotes: kept within a line, folded around line breaks. */
function takeBlanks(scanner: Scanner, joined: boolean): string {
  const { text } = scanner
  let leading = joined
  let blanks = ''
  let firstBreak = ''
  let breaks = ''
  let code = text.charCodeAt(scanner.pos)
  while (code === 32 || code === 9 || isBreak(code)) {
    if (isBreak(code)) {
      if (!leading) {
        blanks = ''
        // Line and paragraph separators are kept where a line feed is folded.
        firstBreak = code >= 0x2028 ? (text[scanner.pos] as string) : '\n'
        leading = true
      } else breaks += '\n'
      scanner.skipBreak()
    } else {
      if (!leading) blanks += text[scanner.pos]
      scanner.pos++
    }
    code = text.charCodeAt(scanner.pos)
  }
  if (!leading) return blanks
  if (firstBreak === '\n' && breaks === '') return ' '
  return (firstBreak === '\n' ? '' : firstBreak) + breaks
}

export function blockScalar(scanner: Scanner, isLiteral: boolean): string {
  const { text } = scanner
  const startLine = scanner.line
  scanner.pos++
  const { chomping, increment } = readHeader(scanner, startLine)
  let indent = increment === 0 ? 0 : Math.max(scanner.indent, 0) + increment
  let state = takeBreaks(scanner, indent, startLine)
  if (indent === 0) indent = state.indent
  let breaks = state.breaks
  let value = ''
  let leadingBreak = ''
  let wasBlank = false
  while (scanner.column === indent && scanner.pos < text.length) {
    const code = text.charCodeAt(scanner.pos)
    const isBlank = code === 32 || code === 9
    if (!isLiteral && leadingBreak !== '' && !wasBlank && !isBlank) {
      if (breaks === '') value += ' '
    } else {
      value += leadingBreak
    }
    value += breaks
    wasBlank = isBlank
    let end = scanner.pos
    while (end < text.length && !isBreak(text.charCodeAt(end))) end++
    value += text.slice(scanner.pos, end)
    scanner.pos = end
    leadingBreak = ''
    if (end < text.length) {
      leadingBreak = '\n'
      scanner.skipBreak()
    }
    state = takeBreaks(scanner, indent, startLine)
    breaks = state.breaks
  }
  if (chomping !== -1) value += leadingBreak
  if (chomping === 1) value += breaks
  return value
}

function readHeader(scanner: Scanner, startLine: number): { chomping: number; increment: number } {
  const { text } = scanner
  let chomping = 0
  let increment = 0
  for (let i = 0; i < 2; i++) {
    const char = text[scanner.pos] ?? ''
    if (char === '+' || char === '-') {
      chomping = char === '+' ? 1 : -1
      scanner.pos++
    } else if (char >= '0' && char <= '9') {
      if (char === '0') throw scanner.error('found an indentation indicator equal to 0', startLine)
      increment = Number(char)
      scanner.pos++
    }
  }
  while (text[scanner.pos] === ' ' || text[scanner.pos] === '\t') scanner.pos++
  if (text[scanner.pos] === '#')
    while (scanner.pos < text.length && !isBreak(text.charCodeAt(scanner.pos))) scanner.pos++
  if (scanner.pos < text.length && !isBreak(text.charCodeAt(scanner.pos))) {
    throw scanner.error('did not find expected comment or line break', startLine)
  }
  if (scanner.pos < text.length) scanner.skipBreak()
  return { chomping, increment }
}

/** Eats indentation and empty lines; without a known indent the first non-empty line decides it. */
function takeBreaks(scanner: Scanner, indent: number, startLine: number): { indent: number; breaks: string } {
  const { text } = scanner
  let deepest = 0
  let breaks = ''
  for (;;) {
    while ((indent === 0 || scanner.column < indent) && text[scanner.pos] === ' ') scanner.pos++
    if (scanner.column > deepest) deepest = scanner.column
    if ((indent === 0 || scanner.column < indent) && text[scanner.pos] === '\t') {
      throw scanner.error('found a tab character where an indentation space is expected', startLine)
    }
    if (!isBreak(text.charCodeAt(scanner.pos))) break
    scanner.skipBreak()
    breaks += '\n'
  }
  if (indent !== 0) return { indent, breaks }
  return { indent: Math.max(deepest, scanner.indent + 1, 1), breaks }
}
