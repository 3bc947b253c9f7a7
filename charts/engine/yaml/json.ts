// encoding/json: marshalling with Go's key order and escaping, and parsing with Go's error texts.

import { formatG } from '../gofmt/float.ts'
import { GoError } from '../gotypes/error.ts'
import { sortedKeys } from '../gotypes/utf8.ts'
import { typeOf } from '../gotypes/kind.ts'
import { GoFunc, GoInt, GoObject, GoSlice, type GoValue, isMap, sliceItems } from '../gotypes/value.ts'

/** One level of unwrapping: what the value looks like to json.Marshal. */
export function toJsonValue(value: GoValue): GoValue {
  if (value === undefined) return null
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' && hasLoneSurrogate(value) ? value.replace(/[\udc80-\udcff]/g, '\ufffd') : value
  if (value instanceof GoObject) {
    if (value.json !== undefined) return toJsonValue(value.json())
    return value.kind === 'slice' ? [...value.fields.values()] : new Map(value.fields)
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof GoSlice && value.isNil) return null
  if (value instanceof GoFunc) throw new GoError(`json: unsupported type: ${typeOf(value)}`)
  return value
}

function hasLoneSurrogate(text: string): boolean {
  return /(?<![\ud800-\udbff])[\udc80-\udcff]/.test(text)
}

interface JsonOptions {
  readonly escapeHtml: boolean
  readonly indent?: string
}

export function toJson(value: GoValue, options: JsonOptions = { escapeHtml: true }): string {
  return encode(value, options, '', 0)
}

const MAX_DEPTH = 1000

function encode(raw: GoValue, options: JsonOptions, prefix: string, depth: number): string {
  if (depth > MAX_DEPTH) throw new GoError('json: unsupported value: encountered a cycle via map[string]interface {}')
  const isStruct = raw instanceof GoObject && raw.kind === 'struct'
  const value = toJsonValue(raw)
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return encodeString(value, options.escapeHtml)
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return encodeNumber(value)
  if (value instanceof GoInt) return value.value.toString()
  if (isMap(value)) return encodeMap(value, isStruct, options, prefix, depth)
  const items = sliceItems(value) ?? []
  if (items.length === 0) return '[]'
  return wrap(
    items.map((item) => encode(item, options, prefix + (options.indent ?? ''), depth + 1)),
    '[',
    ']',
    options,
    prefix,
  )
}

function encodeMap(
  map: ReadonlyMap<string, GoValue>,
  isStruct: boolean,
  options: JsonOptions,
  ...at: [prefix: string, depth: number]
): string {
  const [prefix, depth] = at
  const keys = isStruct ? [...map.keys()] : sortedKeys(map)
  if (keys.length === 0) return '{}'
  const colon = options.indent === undefined ? ':' : ': '
  const inner = prefix + (options.indent ?? '')
  const parts = keys.map(
    (key) => encodeString(key, options.escapeHtml) + colon + encode(map.get(key), options, inner, depth + 1),
  )
  return wrap(parts, '{', '}', options, prefix)
}

function wrap(parts: readonly string[], open: string, close: string, options: JsonOptions, prefix: string): string {
  if (options.indent === undefined) return open + parts.join(',') + close
  const inner = `\n${prefix}${options.indent}`
  return `${open}${inner}${parts.join(`,${inner}`)}\n${prefix}${close}`
}

function encodeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new GoError(`json: unsupported value: ${formatG(value)}`)
  return Object.is(value, -0) ? '-0' : String(value)
}

const NEEDS_CARE = /[\p{Cc}<>&\u2028\u2029\ud800-\udfff]/u

function encodeString(text: string, escapeHtml: boolean): string {
  const quoted = JSON.stringify(text)
  if (!NEEDS_CARE.test(text)) return quoted
  return quoted.replace(/[<>&\u2028\u2029]|\\b|\\f|\\ud[89a-f][0-9a-f]{2}/g, (found) => {
    if (found === '\\b' || found === '\\f') return found
    if (found.startsWith('\\u')) return '\\ufffd'
    if (!escapeHtml && found.charCodeAt(0) < 0x80) return found
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Plain JSON data (from JSON.parse) → Go values. */
export function fromJsonData(data: unknown): GoValue {
  if (data === null || data === undefined) return null
  if (Array.isArray(data)) return data.map(fromJsonData)
  if (typeof data === 'object') {
    const map = new Map<string, GoValue>()
    for (const [key, value] of Object.entries(data)) map.set(key, fromJsonData(value))
    return map
  }
  if (typeof data === 'bigint') return new GoInt(data, 'int64')
  return data as string | number | boolean
}

/** json.Unmarshal into interface {}. */
export function parseJson(text: string): GoValue {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    throw new GoError(jsonSyntaxError(text))
  }
  return fromJsonData(data)
}

/** The word Go uses for the kind of JSON value it could not store. */
export function jsonKind(value: GoValue): string {
  if (Array.isArray(value)) return 'array'
  if (isMap(value)) return 'object'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'string' ? 'string' : 'number'
}

function jsonSyntaxError(text: string): string {
  const trimmed = text.trimEnd()
  if (trimmed === '') return 'unexpected end of JSON input'
  const first = trimmed.trimStart()[0] ?? ''
  if (!'{["-0123456789tfn'.includes(first)) return `invalid character '${first}' looking for beginning of value`
  if (isTruncated(trimmed)) return 'unexpected end of JSON input'
  return describeBadCharacter(trimmed)
}

/** Appending something can still make it JSON. */
function isTruncated(text: string): boolean {
  for (const tail of ['"', '"}', '"]', '}', ']', 'null}', ':null}', '":null}', 'null]']) {
    try {
      JSON.parse(text + tail)
      return true
    } catch {
      // Not this tail.
    }
  }
  return false
}

function describeBadCharacter(text: string): string {
  for (let end = 1; end <= text.length; end++) {
    const head = text.slice(0, end)
    if (!couldContinue(head)) return `invalid character '${text[end - 1]}' after top-level value`
  }
  return 'unexpected end of JSON input'
}

function couldContinue(head: string): boolean {
  try {
    JSON.parse(head)
    return true
  } catch (error) {
    return error instanceof SyntaxError && /end of JSON input|Unterminated|Expected/.test(error.message)
  }
}
