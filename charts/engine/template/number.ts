// Numeric and character constants. Upstream: text/template/parse/node.go newNumber.

import { unquote } from '../gofmt/quote.ts'
import { parseBaseZero } from '#machinery/util/integers.ts'
import { parseGoFloat } from '../gotypes/cast.ts'
import { GoInt } from '../gotypes/value.ts'
import type { NumberNode } from './nodes.ts'

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

/** undefined when the text is no number. */
export function numberNode(text: string, pos: number, isChar: boolean): NumberNode | undefined {
  if (isChar) {
    const char = unquote(text)
    if (char === undefined || [...char].length !== 1) return undefined
    const code = BigInt(char.codePointAt(0) ?? 0)
    return build(text, pos, code, Number(code))
  }
  const whole = parseWhole(text)
  if (whole !== undefined) return build(text, pos, whole, Number(whole))
  const float = parseGoFloat(text.includes('_') ? text.replaceAll('_', '') : text)
  if (float === undefined) return undefined
  const integral = Number.isInteger(float) && Math.abs(float) < 2 ** 63 ? BigInt(float) : undefined
  return build(text, pos, integral, float)
}

function parseWhole(text: string): bigint | undefined {
  const negative = text.startsWith('-')
  const magnitude = parseBaseZero(text.replace(/^[+-]/, ''))
  if (magnitude === undefined) return undefined
  return negative ? -magnitude : magnitude
}

function build(text: string, pos: number, whole: bigint | undefined, float: number): NumberNode {
  const fits = whole !== undefined && whole >= MIN_INT64 && whole <= MAX_INT64
  const intValue = fits ? new GoInt(whole as bigint, 'int') : undefined
  const isUint = whole !== undefined && whole >= 0n && whole <= MAX_UINT64
  const looksFloat = !/^[+-]?0[xX]/.test(text) && !text.startsWith("'") && /[.eEpP]/.test(text)
  const isHexFloat = /^[+-]?0[xX]/.test(text) && /[.pP]/.test(text)
  const ideal = looksFloat || isHexFloat || whole === undefined ? float : intValue
  return { type: 'number', pos, text, intValue, isUint, floatValue: float, ideal }
}
