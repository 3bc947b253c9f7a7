// sprig's numeric functions. Upstream: sprig v3.3.0 numeric.go.

import { formatValue } from '../gofmt/print.ts'
import { parseInt64, toFloat64, toInt64 } from '../gotypes/cast.ts'
import { GoError } from '../gotypes/error.ts'
import { defineFunc, type GoFunc, type GoInt, type GoValue, int } from '../gotypes/value.ts'
import {
  addDecimals,
  type Decimal,
  decimalFrom,
  decimalToNumber,
  divideDecimals,
  multiplyDecimals,
  subtractDecimals,
} from './decimal.ts'

function fold(args: readonly GoValue[], step: (a: bigint, b: bigint) => bigint): bigint {
  const [first = 0n, ...rest] = args.map(toInt64)
  return rest.reduce(step, first)
}

function divide(a: GoValue, b: GoValue, remainder: boolean): bigint {
  const divisor = toInt64(b)
  if (divisor === 0n) throw new GoError('runtime error: integer divide by zero')
  return remainder ? toInt64(a) % divisor : toInt64(a) / divisor
}

function decimals(step: (a: Decimal, b: Decimal) => Decimal): (...args: GoValue[]) => number {
  return (...args) => {
    const [first, ...rest] = args.map((arg) => decimalFrom(toFloat64(arg)))
    return decimalToNumber(rest.reduce(step, first ?? decimalFrom(0)))
  }
}

function divideChecked(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new GoError('decimal division by 0')
  return divideDecimals(a, b)
}

function round(value: GoValue, places: number, ...on: number[]): number {
  const threshold = on[0] ?? 0.5
  const power = 10 ** places
  const digit = power * toFloat64(value)
  const fraction = digit - Math.trunc(digit)
  return (fraction >= threshold ? Math.ceil(digit) : Math.floor(digit)) / power
}

const larger = (a: bigint, b: bigint): bigint => {
  if (b > a) return b
  return a
}
const smaller = (a: bigint, b: bigint): bigint => {
  if (b < a) return b
  return a
}
const max = (...args: GoValue[]): bigint => fold(args, larger)
const ADD = decimals(addDecimals)

export const MATH_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('add', '...any', 'int64', (...args: GoValue[]) =>
    args.length === 0 ? 0n : fold(args, (a, b) => BigInt.asIntN(64, a + b)),
  ),
  defineFunc('add1', 'any', 'int64', (value: GoValue) => toInt64(value) + 1n),
  defineFunc('sub', 'any, any', 'int64', (a: GoValue, b: GoValue) => toInt64(a) - toInt64(b)),
  defineFunc('div', 'any, any', 'int64', (a: GoValue, b: GoValue) => divide(a, b, false)),
  defineFunc('mod', 'any, any', 'int64', (a: GoValue, b: GoValue) => divide(a, b, true)),
  defineFunc('mul', 'any, ...any', 'int64', (...args: GoValue[]) => fold(args, (a, b) => BigInt.asIntN(64, a * b))),
  defineFunc('max', 'any, ...any', 'int64', max),
  defineFunc('biggest', 'any, ...any', 'int64', max),
  defineFunc('min', 'any, ...any', 'int64', (...args: GoValue[]) => fold(args, smaller)),
  defineFunc('addf', '...any', 'float64', ADD),
  defineFunc('add1f', 'any', 'float64', (value: GoValue) => ADD(value, 1)),
  defineFunc('subf', 'any, ...any', 'float64', decimals(subtractDecimals)),
  defineFunc('divf', 'any, ...any', 'float64', decimals(divideChecked)),
  defineFunc('mulf', 'any, ...any', 'float64', decimals(multiplyDecimals)),
  defineFunc('maxf', 'any, ...any', 'float64', (...args: GoValue[]) => Math.max(...args.map(toFloat64))),
  defineFunc('minf', 'any, ...any', 'float64', (...args: GoValue[]) => Math.min(...args.map(toFloat64))),
  defineFunc('ceil', 'any', 'float64', (value: GoValue) => Math.ceil(toFloat64(value))),
  defineFunc('floor', 'any', 'float64', (value: GoValue) => Math.floor(toFloat64(value))),
  defineFunc('round', 'any, int, ...float64', 'float64', round),
  defineFunc('int', 'any', 'int', (value: GoValue) => wrapInt(toInt64(value))),
  defineFunc('int64', 'any', 'int64', toInt64),
  defineFunc('float64', 'any', 'float64', toFloat64),
  defineFunc('atoi', 'string', 'int', (text: string) => wrapInt(parseInt64(text, 10) ?? 0n)),
  defineFunc('toDecimal', 'any', 'int64', (value: GoValue) => parseInt64(formatValue(value), 8) ?? 0n),
]

/** Kept as an integer: a JS number could not hold all of them. */
function wrapInt(value: bigint): GoInt {
  return int(value)
}
