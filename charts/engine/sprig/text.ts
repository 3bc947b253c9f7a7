// Conversions shared by sprig's function groups. Upstream: sprig strings.go strval, strslice.

import { formatValue } from '../gofmt/print.ts'
import { fromBytes } from '../gotypes/utf8.ts'
import { type GoValue, sliceItems } from '../gotypes/value.ts'

export function strval(value: GoValue): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return fromBytes(value)
  return formatValue(value)
}

export function strslice(value: GoValue): string[] {
  const items = sliceItems(value)
  if (items !== undefined) return items.filter((item) => item !== null && item !== undefined).map(strval)
  return value === null || value === undefined ? [] : [strval(value)]
}

/** strings.Split: an empty separator splits into characters. */
export function goSplit(text: string, separator: string): string[] {
  return separator === '' ? [...text] : text.split(separator)
}
