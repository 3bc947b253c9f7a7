// Upstream: github.com/spf13/cast v1.7.0 ToInt64E / ToFloat64E, as sprig's numeric functions use them.

import { parseBaseZero } from '#machinery/util/integers.ts'
import { GoInt, type GoValue } from './value.ts'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

function floatToInt64(value: number): bigint {
  // amd64 converts NaN and out-of-range floats to the smallest int64.
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) return MIN_INT64
  return BigInt(Math.trunc(value))
}

export function toInt64(value: GoValue): bigint {
  if (value === null || value === undefined) return 0n
  if (typeof value === 'number') return floatToInt64(value)
  if (value instanceof GoInt) return BigInt.asIntN(64, value.value)
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'string') return parseInt64(trimZeroDecimal(value), 0) ?? 0n
  return 0n
}

export function toFloat64(value: GoValue): number {
  if (value === null || value === undefined) return 0
  if (typeof value === 'number') return value
  if (value instanceof GoInt) return Number(value.value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') return parseGoFloat(value) ?? 0
  return 0
}

/** "5.00" → "5"; anything else is left alone. */
function trimZeroDecimal(text: string): string {
  const match = /^([^.]*)\.0*$/.exec(text)
  if (match === null || !text.endsWith('0')) return text
  return match[1] as string
}

/** strconv.ParseInt; base 0 understands prefixes and underscores. */
export function parseInt64(text: string, base: 0 | 8 | 10): bigint | undefined {
  const match = /^([+-]?)(.*)$/s.exec(text)
  if (match === null) return undefined
  const digits = match[2] as string
  const magnitude = base === 0 ? parseBaseZero(digits) : parseDigits(digits, base)
  if (magnitude === undefined) return undefined
  const value = match[1] === '-' ? -magnitude : magnitude
  return value < MIN_INT64 || value > MAX_INT64 ? undefined : value
}

function parseDigits(text: string, base: 8 | 10): bigint | undefined {
  if (base === 8) return /^[0-7]+$/.test(text) ? BigInt(`0o${text}`) : undefined
  return /^[0-9]+$/.test(text) ? BigInt(text) : undefined
}

/** strconv.ParseFloat(text, 64); undefined on syntax error or overflow. */
export function parseGoFloat(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return Number.NaN
  if (/^[+-]?0x/i.test(text)) return parseHexFloat(text)
  if (!/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

function parseHexFloat(text: string): number | undefined {
  const match = /^([+-]?)0x([0-9a-f_]*)(?:\.([0-9a-f_]*))?p([+-]?[0-9]+)$/i.exec(text)
  if (match === null) return undefined
  const whole = (match[2] as string).replaceAll('_', '')
  const fraction = (match[3] ?? '').replaceAll('_', '')
  if (whole === '' && fraction === '') return undefined
  const mantissa = Number.parseInt(whole + fraction || '0', 16)
  const value = mantissa * 2 ** (Number(match[4]) - 4 * fraction.length)
  return match[1] === '-' ? -value : value
}
