// The predefined functions of text/template. Upstream: text/template/funcs.go.

import { sprintf } from '../gofmt/printf.ts'
import { formatValue, sprint, sprintln } from '../gofmt/print.ts'
import { isPrint } from '../gofmt/quote.ts'
import { GoError } from '../gotypes/error.ts'
import { kindOf, typeOf } from '../gotypes/kind.ts'
import { isTrue } from '../gotypes/truth.ts'
import { byteLength, compareBytes, toBytes } from '../gotypes/utf8.ts'
import { defineFunc, GoFunc, GoInt, GoObject, type GoValue, sliceItems, TypedMap } from '../gotypes/value.ts'

function index(item: GoValue, ...keys: GoValue[]): GoValue {
  if (item === undefined) throw new GoError('index of untyped nil')
  let current: GoValue = item
  for (const key of keys) current = indexOne(current, key)
  return current
}

function indexOne(item: GoValue, key: GoValue): GoValue {
  if (item === null || item === undefined) throw new GoError('index of nil pointer')
  if (item instanceof Map || (item instanceof GoObject && item.kind === 'map')) {
    const map = item instanceof Map ? item : item.fields
    if (key === null || key === undefined) throw new GoError('value is nil; should be of type string')
    if (typeof key !== 'string') throw new GoError(`value has type ${typeOf(key)}; should be string`)
    const found = map.get(key)
    if (found !== undefined) return found
    return item instanceof TypedMap ? item.zero : null
  }
  if (typeof item === 'string') {
    const bytes = toBytes(item)
    return new GoInt(BigInt(bytes[position(key, bytes.length)] as number), 'uint8')
  }
  const items =
    sliceItems(item) ?? (item instanceof GoObject && item.kind === 'slice' ? [...item.fields.values()] : undefined)
  if (items === undefined) throw new GoError(`can't index item of type ${typeOf(item)}`)
  return items[position(key, items.length)]
}

function position(key: GoValue, length: number): number {
  if (key === null || key === undefined) throw new GoError('cannot index slice/array with nil')
  if (!(key instanceof GoInt)) throw new GoError(`cannot index slice/array with type ${typeOf(key)}`)
  if (key.value < 0n || key.value >= BigInt(length)) throw new GoError(`index out of range: ${key.value}`)
  return Number(key.value)
}

function length(item: GoValue): number {
  if (item === null || item === undefined) throw new GoError('len of nil pointer')
  if (typeof item === 'string') return byteLength(item)
  if (item instanceof Map) return item.size
  if (item instanceof GoObject && item.kind !== 'struct') return item.fields.size
  const items = sliceItems(item)
  if (items === undefined) throw new GoError(`len of type ${typeOf(item)}`)
  return items.length
}

type BasicKind = 'bool' | 'int' | 'uint' | 'float' | 'string'

function basicKind(value: GoValue): BasicKind {
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'float'
  if (value instanceof GoInt) return value.kind.startsWith('u') ? 'uint' : 'int'
  throw new GoError('invalid type for comparison')
}

const INCOMPATIBLE = 'incompatible types for comparison'

function eq(first: GoValue, ...rest: GoValue[]): boolean {
  checkComparable(first)
  if (rest.length === 0) throw new GoError('missing argument for comparison')
  return rest.some((other) => equalsBasic(first, other))
}

function checkComparable(value: GoValue): void {
  const kind = kindOf(value)
  if (kind === 'map' || kind === 'slice' || kind === 'func') {
    throw new GoError(`non-comparable type ${formatValue(value)}: ${typeOf(value)}`)
  }
}

function equalsBasic(a: GoValue, b: GoValue): boolean {
  if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null)
  if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value
  if (typeof a !== typeof b || typeof a === 'object') {
    if (isBasic(a) && isBasic(b)) throw new GoError(INCOMPATIBLE)
    checkComparable(b)
    if (isBasic(a) || isBasic(b)) throw new GoError(INCOMPATIBLE)
    return a === b
  }
  return a === b
}

function isBasic(value: GoValue): boolean {
  return typeof value !== 'object' || value instanceof GoInt
}

function less(a: GoValue, b: GoValue): boolean {
  const left = basicKind(a)
  const right = basicKind(b)
  if (a instanceof GoInt && b instanceof GoInt) return a.value < b.value
  if (left !== right) throw new GoError(INCOMPATIBLE)
  if (left === 'bool') throw new GoError('invalid type for comparison')
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(a, b) < 0
  return (a as number) < (b as number)
}

function lessOrEqual(a: GoValue, b: GoValue): boolean {
  return less(a, b) || equalsBasic(a, b)
}

const HTML = new Map([
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['&', '&amp;'],
  ['"', '&#34;'],
  ["'", '&#39;'],
  ['\0', '\ufffd'],
])

function text(values: readonly GoValue[]): string {
  return values.length === 1 && typeof values[0] === 'string' ? values[0] : sprint(values)
}

function js(...values: GoValue[]): string {
  let out = ''
  for (const char of text(values)) out += jsEscape(char)
  return out
}

const JS: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['"', '\\"'],
  ['<', '\\u003C'],
  ['>', '\\u003E'],
  ['&', '\\u0026'],
  ['=', '\\u003D'],
])

function jsEscape(char: string): string {
  const known = JS.get(char)
  if (known !== undefined) return known
  const code = char.codePointAt(0) ?? 0
  if (code < 0x20) return `\\u00${code.toString(16).toUpperCase().padStart(2, '0')}`
  if (code < 0x80 || isPrint(char)) return char
  return `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
}

/** url.QueryEscape. */
function queryEscape(value: string): string {
  let out = ''
  for (const byte of toBytes(value)) {
    const char = String.fromCharCode(byte)
    if (/[A-Za-z0-9\-_.~]/.test(char)) out += char
    else if (char === ' ') out += '+'
    else out += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

function call(...args: GoValue[]): GoValue {
  const [fn, ...rest] = args
  if (fn === null || fn === undefined) throw new GoError('call of nil')
  if (!(fn instanceof GoFunc)) throw new GoError(`non-function of type ${typeOf(fn)}`)
  return fn.impl(...rest) as GoValue
}

export const BUILTINS: readonly GoFunc[] = [
  // Evaluated by the call compiler, which short-circuits them.
  defineFunc(
    'and',
    '...value',
    'value',
    (...values: GoValue[]) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  ),
  defineFunc('or', '...value', 'value', (...values: GoValue[]) => values.find(isTrue) ?? values.at(-1)),
  defineFunc('not', 'value', 'bool', (value: GoValue) => !isTrue(value)),
  defineFunc('eq', 'value, ...value', 'bool', eq),
  defineFunc('ne', 'value, value', 'bool', (a: GoValue, b: GoValue) => !eq(a, b)),
  defineFunc('lt', 'value, value', 'bool', less),
  defineFunc('le', 'value, value', 'bool', lessOrEqual),
  defineFunc('gt', 'value, value', 'bool', (a: GoValue, b: GoValue) => !lessOrEqual(a, b)),
  defineFunc('ge', 'value, value', 'bool', (a: GoValue, b: GoValue) => !less(a, b)),
  defineFunc('index', 'value, ...value', 'value', index),
  defineFunc('len', 'value', 'int', length),
  defineFunc('call', 'value, ...value', 'value', call),
  defineFunc('print', '...any', 'string', (...values: GoValue[]) => sprint(values)),
  defineFunc('println', '...any', 'string', (...values: GoValue[]) => sprintln(values)),
  defineFunc('printf', 'string, ...any', 'string', (format: string, ...values: GoValue[]) => sprintf(format, values)),
  defineFunc('html', '...any', 'string', (...values: GoValue[]) =>
    text(values).replace(/[<>&"'\0]/g, (char) => HTML.get(char) ?? char),
  ),
  defineFunc('js', '...any', 'string', js),
  defineFunc('urlquery', '...any', 'string', (...values: GoValue[]) => queryEscape(text(values))),
]
