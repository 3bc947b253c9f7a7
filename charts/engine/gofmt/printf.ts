// fmt.Sprintf with Go's verbs, flags and error markers.

import { kindOf, typeOf } from '../gotypes/kind.ts'
import { compareBytes, toBytes } from '../gotypes/utf8.ts'
import { GoInt, GoObject, type GoValue, isMap, sliceItems } from '../gotypes/value.ts'
import { formatExponent, formatFixed, formatG, formatGeneral } from './float.ts'
import { formatGoSyntax, formatValue } from './print.ts'
import { isPrint, quote, quoteRune } from './quote.ts'

interface Spec {
  minus: boolean
  plus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  width: number | undefined
  precision: number | undefined
}

interface Cursor {
  readonly format: string
  readonly args: readonly GoValue[]
  position: number
  argument: number
  reordered: boolean
  goodIndex: boolean
}

/** Widths above this are refused by Go ("too large"). */
const TOO_LARGE = 1e6

export function sprintf(format: string, args: readonly GoValue[]): string {
  const cursor: Cursor = { format, args, position: 0, argument: 0, reordered: false, goodIndex: true }
  let out = ''
  while (cursor.position < format.length) {
    const percent = format.indexOf('%', cursor.position)
    if (percent < 0) {
      out += format.slice(cursor.position)
      break
    }
    out += format.slice(cursor.position, percent)
    cursor.position = percent + 1
    out += formatVerb(cursor)
  }
  if (!cursor.reordered && cursor.argument < args.length) out += extraArguments(args.slice(cursor.argument))
  return out
}

function extraArguments(args: readonly GoValue[]): string {
  const parts = args.map((arg) => (arg === null || arg === undefined ? '<nil>' : `${typeOf(arg)}=${formatValue(arg)}`))
  return `%!(EXTRA ${parts.join(', ')})`
}

function formatVerb(cursor: Cursor): string {
  const spec = readFlags(cursor)
  cursor.goodIndex = true
  let afterIndex = readArgumentIndex(cursor)
  let prefix = ''
  if (cursor.format[cursor.position] === '*') {
    cursor.position++
    const width = takeInt(cursor)
    if (width === undefined) prefix += '%!(BADWIDTH)'
    else {
      spec.width = Math.abs(width)
      if (width < 0) {
        spec.minus = true
        spec.zero = false
      }
    }
    afterIndex = false
  } else {
    spec.width = readNumber(cursor)
    if (afterIndex && spec.width !== undefined) cursor.goodIndex = false
  }
  if (cursor.format[cursor.position] === '.') {
    cursor.position++
    if (afterIndex) cursor.goodIndex = false
    afterIndex = readArgumentIndex(cursor)
    prefix += readPrecision(cursor, spec)
  }
  if (!afterIndex) afterIndex = readArgumentIndex(cursor)
  return prefix + applyVerb(cursor, spec)
}

function readPrecision(cursor: Cursor, spec: Spec): string {
  if (cursor.format[cursor.position] !== '*') {
    spec.precision = readNumber(cursor) ?? 0
    return ''
  }
  cursor.position++
  const precision = takeInt(cursor)
  if (precision === undefined || precision < 0) return precision === undefined ? '%!(BADPREC)' : ''
  spec.precision = precision
  return ''
}

function applyVerb(cursor: Cursor, spec: Spec): string {
  if (cursor.position >= cursor.format.length) return '%!(NOVERB)'
  const code = cursor.format.codePointAt(cursor.position) ?? 0
  const verb = String.fromCodePoint(code)
  cursor.position += verb.length
  if (verb === '%') return '%'
  if (!cursor.goodIndex) return `%!${verb}(BADINDEX)`
  if (cursor.argument >= cursor.args.length) return `%!${verb}(MISSING)`
  const value = cursor.args[cursor.argument++]
  return formatArgument(spec, verb, value)
}

function readFlags(cursor: Cursor): Spec {
  const spec: Spec = {
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    width: undefined,
    precision: undefined,
  }
  for (; cursor.position < cursor.format.length; cursor.position++) {
    const char = cursor.format[cursor.position]
    if (char === '#') spec.sharp = true
    else if (char === '0') spec.zero = true
    else if (char === '+') spec.plus = true
    else if (char === '-') spec.minus = true
    else if (char === ' ') spec.space = true
    else break
  }
  return spec
}

function readNumber(cursor: Cursor): number | undefined {
  const start = cursor.position
  while (/[0-9]/.test(cursor.format[cursor.position] ?? '')) cursor.position++
  if (start === cursor.position) return undefined
  const value = Number(cursor.format.slice(start, cursor.position))
  return value > TOO_LARGE ? undefined : value
}

/** `[3]` before a verb, width or precision. */
function readArgumentIndex(cursor: Cursor): boolean {
  if (cursor.format[cursor.position] !== '[') return false
  cursor.reordered = true
  const close = cursor.format.indexOf(']', cursor.position)
  const text = close < 0 ? '' : cursor.format.slice(cursor.position + 1, close)
  cursor.position = close < 0 ? cursor.position + 1 : close + 1
  const index = /^[0-9]+$/.test(text) ? Number(text) : 0
  if (index < 1 || index > cursor.args.length) {
    cursor.goodIndex = false
    return close >= 0
  }
  cursor.argument = index - 1
  return true
}

function takeInt(cursor: Cursor): number | undefined {
  const value = cursor.args[cursor.argument++]
  if (!(value instanceof GoInt) || value.value > BigInt(TOO_LARGE) || value.value < -BigInt(TOO_LARGE)) return undefined
  return Number(value.value)
}

function pad(spec: Spec, text: string, zero = false): string {
  if (spec.width === undefined) return text
  const missing = spec.width - [...text].length
  if (missing <= 0) return text
  if (spec.minus) return text + ' '.repeat(missing)
  return (zero ? '0' : ' ').repeat(missing) + text
}

function badVerb(verb: string, value: GoValue): string {
  if (value === null || value === undefined) return `%!${verb}(<nil>)`
  return `%!${verb}(${typeOf(value)}=${formatValue(value)})`
}

function formatArgument(spec: Spec, verb: string, value: GoValue): string {
  if (value === null || value === undefined) {
    return verb === 'v' ? pad(spec, '<nil>') : verb === 'T' ? pad(spec, '<nil>') : badVerb(verb, value)
  }
  if (verb === 'T') return pad(spec, typeOf(value))
  if (verb === 'p') return badVerb(verb, value)
  return formatTyped(spec, verb, value)
}

function formatTyped(spec: Spec, verb: string, value: GoValue): string {
  if (verb === 'v' && spec.sharp) return pad(spec, formatGoSyntax(value))
  if (typeof value === 'string') return formatString(spec, verb, value, value)
  if (typeof value === 'number') return formatFloatVerb(spec, verb, value)
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? pad(spec, String(value)) : badVerb(verb, value)
  if (value instanceof GoObject && value.text !== undefined && 'vsxXq'.includes(verb)) {
    return formatString(spec, verb, value.text(), value)
  }
  if (value instanceof GoInt) {
    if (value.named !== undefined && 'vs'.includes(verb)) return formatString(spec, verb, formatValue(value), value)
    return formatInt(spec, verb, value)
  }
  if (value instanceof Uint8Array && 'sqxX'.includes(verb)) {
    return formatString(spec, verb, Buffer.from(value).toString('utf8'), value)
  }
  return formatContainer(spec, verb, value)
}

function formatContainer(spec: Spec, verb: string, value: GoValue): string {
  const element = (item: GoValue): string => {
    if (item === null || item === undefined)
      return verb === 'v' || verb === 'q' || verb === 's' || verb === 'd' ? elementNil(verb) : badVerb(verb, item)
    return formatTyped(spec, verb, item)
  }
  if (isMap(value)) {
    const keys = [...value.keys()].sort(compareBytes)
    return `map[${keys.map((key) => `${element(key)}:${element(value.get(key))}`).join(' ')}]`
  }
  const items = sliceItems(value)
  if (items !== undefined) return `[${items.map(element).join(' ')}]`
  if (value instanceof GoObject) {
    if (spec.plus && value.kind === 'struct') {
      return `{${[...value.fields].map(([name, field]) => `${name}:${element(field)}`).join(' ')}}`
    }
    return pad(spec, formatValue(value))
  }
  return kindOf(value) === 'func' ? badVerb(verb, value) : formatValue(value)
}

/** A nil interface inside a container prints as <nil> for every verb. */
function elementNil(_verb: string): string {
  return '<nil>'
}

function formatString(spec: Spec, verb: string, text: string, value: GoValue): string {
  const cut = spec.precision === undefined ? text : [...text].slice(0, spec.precision).join('')
  switch (verb) {
    case 'v':
    case 's':
      return pad(spec, cut, spec.zero)
    case 'q':
      if (spec.sharp && !cut.includes('`') && !/(?!\t)\p{Cc}/u.test(cut)) return pad(spec, `\`${cut}\``)
      return pad(spec, quote(cut, spec.plus), spec.zero)
    case 'x':
    case 'X':
      return pad(spec, hexBytes(spec, verb, text), spec.zero)
    default:
      return badVerb(verb, value)
  }
}

function hexBytes(spec: Spec, verb: string, text: string): string {
  let bytes = toBytes(text)
  if (spec.precision !== undefined) bytes = bytes.subarray(0, spec.precision)
  const prefix = spec.sharp ? '0x' : ''
  const digits = spec.space
    ? Array.from(bytes, (byte) => prefix + byte.toString(16).padStart(2, '0')).join(' ')
    : (bytes.length > 0 ? prefix : '') + bytes.toString('hex')
  return verb === 'X' ? digits.toUpperCase() : digits
}

function formatFloatVerb(spec: Spec, verb: string, value: number): string {
  const precision = spec.precision
  let text: string
  switch (verb) {
    case 'v':
    case 'g':
    case 'G':
      text = precision === undefined ? formatG(value) : formatGeneral(value, precision)
      break
    case 'f':
    case 'F':
      text = formatFixed(value, precision ?? 6)
      break
    case 'e':
    case 'E':
      text = formatExponent(value, precision ?? 6)
      break
    default:
      return badVerb(verb, value)
  }
  if (verb === 'E' || verb === 'G') text = text.toUpperCase()
  if (spec.plus && !text.startsWith('-') && !text.startsWith('+')) text = `+${text}`
  else if (spec.space && !text.startsWith('-')) text = ` ${text}`
  return padNumber(spec, text, Number.isFinite(value))
}

function padNumber(spec: Spec, text: string, zeroAllowed: boolean): string {
  if (!spec.zero || spec.minus || !zeroAllowed || spec.width === undefined) return pad(spec, text)
  const sign = /^[+\- ]/.test(text) ? (text[0] as string) : ''
  return sign + text.slice(sign.length).padStart(spec.width - sign.length, '0')
}

const BASES = new Map([
  ['d', 10],
  ['v', 10],
  ['b', 2],
  ['o', 8],
  ['O', 8],
  ['x', 16],
  ['X', 16],
])

function formatInt(spec: Spec, verb: string, value: GoInt): string {
  const number = value.value
  if (verb === 'c') return pad(spec, String.fromCodePoint(Number(number)), spec.zero)
  if (verb === 'q') return pad(spec, quoteRune(Number(number), spec.plus), spec.zero)
  if (verb === 'U') {
    const text = `U+${number
      .toString(16)
      .toUpperCase()
      .padStart(Math.max(4, spec.precision ?? 0), '0')}`
    const char = String.fromCodePoint(Number(number))
    return pad(spec, spec.sharp && isPrint(char) ? `${text} '${char}'` : text)
  }
  const base = BASES.get(verb)
  if (base === undefined) return badVerb(verb, value)
  let digits = (number < 0n ? -number : number).toString(base)
  if (spec.precision !== undefined) {
    digits = spec.precision === 0 && number === 0n ? '' : digits.padStart(spec.precision, '0')
  }
  let prefix = verb === 'O' ? '0o' : ''
  if (spec.sharp) prefix = verb === 'b' ? '0b' : verb === 'o' ? '0' : verb === 'x' || verb === 'X' ? '0x' : prefix
  const sign = number < 0n ? '-' : spec.plus ? '+' : spec.space ? ' ' : ''
  let text = sign + prefix + digits
  if (spec.zero && !spec.minus && spec.width !== undefined && spec.precision === undefined) {
    text = sign + prefix + digits.padStart(spec.width - sign.length, '0')
  }
  if (verb === 'X') text = text.toUpperCase()
  return pad(spec, text)
}
