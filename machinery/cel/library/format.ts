/**
 * `"%s: %.2f".format([name, share])`. Upstream: cel-go ext/formatting_v2.go. Differs: Kubernetes 1.36 still has the first
 * version, which groups the digits of `%f` and writes powers in `%e` as a locale would.
 */
import { doubleText } from '../text.ts'
import { durationText, timestampText } from '../time.ts'
import {
  CelDuration,
  CelList,
  CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  EvaluationError,
  typeNameOf,
} from '../values.ts'

const PRECISION_DEFAULT = 6
const PRECISION_MAX = 100

export function format(pattern: string, list: CelList): string {
  const clauses = /%(?:(%)|(?:\.(\d*))?(.?))/gsu
  let used = 0
  const text = pattern.replace(
    clauses,
    (_all, percent: string | undefined, digits: string | undefined, verb: string) => {
      if (percent !== undefined) return '%'
      const arg = list.at(used++)
      if (verb === '') throw failed('unexpected end of format string')
      const clause = clauseOf(verb, digits)
      if (arg === undefined) throw new EvaluationError(`index ${used - 1} out of range`)
      return clause(arg)
    },
  )
  if (used < list.size)
    throw failed(`too many arguments supplied to string.format (expected ${used}, got ${list.size})`)
  return text
}

const failed = (why: string): EvaluationError => new EvaluationError(`could not parse formatting clause: ${why}`)

function clauseOf(verb: string, digits: string | undefined): (value: CelValue) => string {
  const precision = digits === undefined || digits === '' ? PRECISION_DEFAULT : Number(digits)
  if (precision > PRECISION_MAX)
    throw failed(`precision ${precision} exceeds maximum allowed precision ${PRECISION_MAX}`)
  switch (verb) {
    case 's':
      return stringText
    case 'd':
      return decimalText
    case 'f':
      return (value) => fractionText(value, 'fixed-point', (number) => fixedText(number, precision))
    case 'e':
      return (value) => fractionText(value, 'scientific', (number) => scientificText(number, precision))
    case 'b':
      return binaryText
    case 'x':
      return hexText
    case 'X':
      return (value) => hexText(value).toUpperCase()
    case 'o':
      return octalText
    default:
      throw failed(`unrecognized formatting clause "${verb}"`)
  }
}

const refused = (clause: string, wanted: string, value: CelValue): EvaluationError =>
  new EvaluationError(
    `error during formatting: ${clause} clause can only be used on ${wanted}, was given ${typeNameOf(value)}`,
  )

function stringText(value: CelValue): string {
  if (typeof value === 'string') return value
  if (value === null) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return specialText(value) ?? plainDouble(value)
  if (value instanceof CelUint) return String(value.value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (value instanceof CelTypeValue) return value.name
  if (value instanceof CelTimestamp) return timestampText(value)
  if (value instanceof CelDuration) return durationText(value)
  if (value instanceof CelList) return `[${[...value].map(stringText).join(', ')}]`
  if (value instanceof CelMap) return mapText(value)
  throw refused('string', 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps', value)
}

function mapText(map: CelMap): string {
  const entries = [...map.keys()].map((key) => [stringText(key), stringText(map.get(key) ?? null)] as const)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}`
}

function specialText(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  if (Number.isFinite(value)) return undefined
  return value > 0 ? 'Infinity' : '-Infinity'
}

/** Without an exponent, however far from one it is. */
function plainDouble(value: number): string {
  const text = doubleText(value)
  if (!text.includes('e')) return text
  const [mantissa = '', power = '0'] = text.replace('-', '').split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const exponent = Number(power) * (text.includes('e-') ? -1 : 1)
  const sign = value < 0 ? '-' : ''
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${whole}${fraction}`
  const digits = (whole + fraction).padEnd(exponent + 1, '0')
  const rest = digits.slice(exponent + 1)
  return `${sign}${digits.slice(0, exponent + 1)}${rest === '' ? '' : `.${rest}`}`
}

function decimalText(value: CelValue): string {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof CelUint) return String(value.value)
  const special = typeof value === 'number' ? specialText(value) : undefined
  if (special !== undefined) return special
  throw refused('decimal', 'integers', value)
}

function fractionText(value: CelValue, clause: string, text: (number: number) => string): string {
  if (typeof value === 'number') return specialText(value) ?? text(value)
  if (typeof value === 'bigint') return text(Number(value))
  if (value instanceof CelUint) return text(Number(value.value))
  throw refused(clause, 'doubles', value)
}

/** What is half way goes to the even digit, as in Go; JavaScript takes the larger. */
function fixedText(value: number, precision: number): string {
  const text = value.toFixed(precision)
  const isHalfWay = Number.isInteger(value * 2 ** (precision + 1)) && !Number.isInteger(value * 2 ** precision)
  if (!isHalfWay || Number(text.at(-1)) % 2 === 0) return text
  const unit = 10n ** BigInt(precision)
  const nearer = BigInt(text.replace(/[-.]/g, '')) - 1n
  const fraction = precision === 0 ? '' : `.${String(nearer % unit).padStart(precision, '0')}`
  return `${value < 0 ? '-' : ''}${nearer / unit}${fraction}`
}

function scientificText(value: number, precision: number): string {
  return value.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2')
}

function binaryText(value: CelValue): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'bigint') return value.toString(2)
  if (value instanceof CelUint) return value.value.toString(2)
  throw refused('binary', 'integers and bools', value)
}

function hexText(value: CelValue): string {
  if (typeof value === 'bigint') return value.toString(16)
  if (value instanceof CelUint) return value.value.toString(16)
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('hex')
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  throw refused('hex', 'integers, byte buffers, and strings', value)
}

function octalText(value: CelValue): string {
  if (typeof value === 'bigint') return value.toString(8)
  if (value instanceof CelUint) return value.value.toString(8)
  throw refused('octal', 'integers', value)
}
