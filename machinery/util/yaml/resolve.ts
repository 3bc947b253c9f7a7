/**
 * Plain scalar → value with the YAML 1.1 rules of go-yaml v2 (resolve.go), after sigs.k8s.io/yaml's trip
 * through JSON: every number becomes a float64, timestamps stay strings.
 */

import { parseBaseZero } from '../integers.ts'

const WORDS: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
])
const SPECIAL_FLOATS: ReadonlyMap<string, number> = new Map([
  ['.nan', Number.NaN],
  ['.NaN', Number.NaN],
  ['.NAN', Number.NaN],
  ['.inf', Infinity],
  ['.Inf', Infinity],
  ['.INF', Infinity],
  ['+.inf', Infinity],
  ['+.Inf', Infinity],
  ['+.INF', Infinity],
  ['-.inf', -Infinity],
  ['-.Inf', -Infinity],
  ['-.INF', -Infinity],
])
const YAML_FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const TIMESTAMP = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt ])/
const MIN_INT64 = -(2n ** 63n)
const MAX_UINT64 = 2n ** 64n - 1n

/** No integer of 64 bits is longer; reading longer ones as bigint would cost more than their length. */
const MAX_INTEGER_TEXT = 400

export type YamlScalar = string | number | boolean | null

export function resolvePlain(text: string): YamlScalar {
  const first = text.charCodeAt(0)
  // Most scalars start with a letter that starts none of the special words.
  if (first >= 0x30 && first <= 0x39) return resolveNumber(text)
  if (first === 0x2b || first === 0x2d) return SPECIAL_FLOATS.get(text) ?? resolveNumber(text)
  if (first === 0x2e) return SPECIAL_FLOATS.get(text) ?? resolveDotFloat(text)
  if (text.length > 5) return text
  const word = WORDS.get(text)
  return word === undefined ? text : word
}

function resolveDotFloat(text: string): YamlScalar {
  if (!YAML_FLOAT.test(text)) return text
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

function resolveNumber(text: string): YamlScalar {
  if (text.length < 10 && /^[1-9][0-9]*$/.test(text)) return Number(text)
  if (TIMESTAMP.test(text)) return text
  const plain = text.includes('_') ? text.replaceAll('_', '') : text
  const whole = resolveInteger(plain)
  if (whole !== undefined) return Number(whole)
  if (YAML_FLOAT.test(plain)) {
    const value = Number(plain)
    if (Number.isFinite(value)) return value
  }
  return text
}

/** strconv.ParseInt(plain, 0, 64) or ParseUint. */
function resolveInteger(plain: string): bigint | undefined {
  if (plain.length > MAX_INTEGER_TEXT) return undefined
  const sign = plain[0] === '-' || plain[0] === '+' ? (plain[0] as string) : ''
  const magnitude = parseBaseZero(plain.slice(sign.length))
  if (magnitude === undefined) return undefined
  const value = sign === '-' ? -magnitude : magnitude
  return value < MIN_INT64 || value > MAX_UINT64 || (sign === '+' && value > 2n ** 63n - 1n) ? undefined : value
}
