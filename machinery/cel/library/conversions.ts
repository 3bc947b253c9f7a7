/** Conversions between types: `int("1")`. Upstream: cel-go common/types (ConvertToType of each type). */
import { traversalOf } from '../cost.ts'
import { define, type Overload } from '../functions.ts'
import { doubleToInt, doubleToUint, MAX_INT, MAX_UINT, MIN_INT, toInt, toUint } from '../numbers.ts'
import { doubleText } from '../text.ts'
import {
  durationText,
  parseDuration,
  parseTimestamp,
  secondsToTimestamp,
  timestampSeconds,
  timestampText,
} from '../time.ts'
import { type CelDuration, type CelTimestamp, type CelUint, type CelValue, EvaluationError } from '../values.ts'

const TRUE_TEXTS: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE_TEXTS: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

const unconvertible = (text: string, type: string): EvaluationError =>
  new EvaluationError(`type conversion error from '${text}' to '${type}'`)

function boolOf(text: string): boolean {
  if (TRUE_TEXTS.has(text)) return true
  if (FALSE_TEXTS.has(text)) return false
  throw unconvertible(text, 'bool')
}

function intOf(text: string): bigint {
  const value = /^[+-]?\d{1,40}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined
  if (value === undefined || value > MAX_INT || value < MIN_INT) throw unconvertible(text, 'int')
  return value
}

function uintOf(text: string): CelUint {
  const value = /^\d{1,40}$/.test(text) ? BigInt(text) : undefined
  if (value === undefined || value > MAX_UINT) throw unconvertible(text, 'uint')
  return toUint(value)
}

const SPECIAL_DOUBLES: Readonly<Record<string, number>> = { inf: Infinity, infinity: Infinity, nan: Number.NaN }

function doubleOf(text: string): number {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text)
    if (Number.isFinite(value)) return value
  }
  const special = SPECIAL_DOUBLES[text.replace(/^[+-]/, '').toLowerCase()]
  if (special === undefined) throw unconvertible(text, 'double')
  return text.startsWith('-') ? -special : special
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new EvaluationError('invalid UTF-8 in bytes, cannot convert to string')
  }
}

function timestampOf(text: string): CelTimestamp {
  const time = parseTimestamp(text)
  if (time === undefined) throw unconvertible(text, 'google.protobuf.Timestamp')
  return time
}

function durationOf(text: string): CelDuration {
  const duration = parseDuration(text)
  if (duration === undefined) throw unconvertible(text, 'google.protobuf.Duration')
  return duration
}

const same = (value: CelValue): CelValue => value

export const CONVERSIONS: readonly Overload[] = [
  define('bool(bool): bool', same),
  define('bool(string): bool', boolOf),
  define('bytes(bytes): bytes', same),
  define('bytes(string): bytes', (text: string) => Buffer.from(text, 'utf8'), traversalOf()),
  define('double(double): double', same),
  define('double(int): double', (value: bigint) => Number(value)),
  define('double(string): double', doubleOf),
  define('double(uint): double', ({ value }: CelUint) => Number(value)),
  define('duration(duration): duration', same),
  define('duration(string): duration', durationOf),
  define('int(int): int', same),
  define('int(double): int', doubleToInt),
  define('int(duration): int', ({ nanos }: CelDuration) => nanos),
  define('int(string): int', intOf),
  define('int(timestamp): int', timestampSeconds),
  define('int(uint): int', ({ value }: CelUint) => toInt(value)),
  define('string(string): string', same),
  define('string(bool): string', (value: boolean) => String(value)),
  define('string(bytes): string', textOf, traversalOf()),
  define('string(double): string', doubleText),
  define('string(duration): string', durationText),
  define('string(int): string', (value: bigint) => String(value)),
  define('string(timestamp): string', timestampText),
  define('string(uint): string', ({ value }: CelUint) => String(value)),
  define('timestamp(timestamp): timestamp', same),
  define('timestamp(int): timestamp', secondsToTimestamp),
  define('timestamp(string): timestamp', timestampOf),
  define('uint(uint): uint', same),
  define('uint(double): uint', doubleToUint),
  define('uint(int): uint', toUint),
  define('uint(string): uint', uintOf),
]
