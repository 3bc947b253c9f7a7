// fmt.Sprint, Sprintln and the %v / %+v / %#v forms of any value.

import { kindOf, typeOf } from '../gotypes/kind.ts'
import { compareBytes } from '../gotypes/utf8.ts'
import { GoFunc, GoInt, GoObject, GoSlice, type GoValue, isMap, sliceItems } from '../gotypes/value.ts'
import { formatG } from './float.ts'
import { quote } from './quote.ts'

/** %v of a value. */
export function formatValue(value: GoValue): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatG(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === null || value === undefined) return '<nil>'
  if (value instanceof GoObject) return formatObject(value)
  if (value instanceof GoInt) return value.named === 'time.Duration' ? durationText(value) : value.value.toString()
  if (value instanceof GoFunc) return '0x0'
  if (isMap(value)) return formatMap(value)
  if (value instanceof Uint8Array) return `[${Array.from(value).join(' ')}]`
  return `[${(sliceItems(value) ?? []).map(formatValue).join(' ')}]`
}

let durationText: (value: GoInt) => string = (value) => value.value.toString()

/** Breaks the cycle print → duration → print. */
export function setDurationFormatter(format: (value: GoInt) => string): void {
  durationText = format
}

function formatMap(map: ReadonlyMap<string, GoValue>): string {
  const keys = [...map.keys()].sort(compareBytes)
  return `map[${keys.map((key) => `${key}:${formatValue(map.get(key))}`).join(' ')}]`
}

function formatObject(value: GoObject): string {
  if (value.text !== undefined) return value.text()
  if (value.kind === 'map') return formatMap(value.fields)
  if (value.kind === 'slice') return `[${[...value.fields.values()].map(formatValue).join(' ')}]`
  const body = [...value.fields.values()].map(formatValue).join(' ')
  return value.goType.startsWith('*') ? `&{${body}}` : `{${body}}`
}

/** %#v, Go syntax. */
export function formatGoSyntax(value: GoValue): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'string') return quote(value)
  if (value instanceof GoInt && value.kind.startsWith('u')) return `0x${value.value.toString(16)}`
  if (isMap(value)) {
    const keys = [...value.keys()].sort(compareBytes)
    return `${typeOf(value)}{${keys.map((key) => `${quote(key)}:${elementSyntax(value.get(key))}`).join(', ')}}`
  }
  if (kindOf(value) === 'slice') {
    if (value instanceof GoSlice && value.isNil) return `${value.goType}(nil)`
    return `${typeOf(value)}{${(sliceItems(value) ?? []).map(elementSyntax).join(', ')}}`
  }
  return formatValue(value)
}

function elementSyntax(value: GoValue): string {
  return value === null || value === undefined ? 'interface {}(nil)' : formatGoSyntax(value)
}

/** fmt.Sprint: a space between operands when neither is a string. */
export function sprint(values: readonly GoValue[]): string {
  let out = ''
  for (let i = 0; i < values.length; i++) {
    if (i > 0 && typeof values[i] !== 'string' && typeof values[i - 1] !== 'string') out += ' '
    out += formatValue(values[i])
  }
  return out
}

export function sprintln(values: readonly GoValue[]): string {
  return `${values.map(formatValue).join(' ')}\n`
}
