/**
 * resource.Quantity: exact decimal amounts with SI suffixes, kept in nano units, printed in canonical form.
 * Upstream: apimachinery pkg/api/resource/{quantity,suffix}.go. Differs: decimal exponents beyond ±1000 are refused.
 */

type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

const FORMAT_ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const NUMERIC_ERROR = 'unable to parse numeric part of quantity'
const SUFFIX_ERROR = "unable to parse quantity's suffix"

const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/
/** Strings that are their own canonical form; the bulk of what is decoded. */
const CANONICAL = /^(?:0|[1-9]\d{0,2}(?:m|k|M|G|T)?|[1-9]\d{0,2}(?:Ki|Mi|Gi|Ti))$/

const NANO_DIGITS = 9
const ONE = 10n ** 9n
const MAX_EXPONENT = 1000
/** Binary quantities saturate here, as upstream's maxAllowed. */
const MAX_BINARY = ((1n << 63n) - 1n) * ONE
const MAX_INT64 = (1n << 63n) - 1n

const DECIMAL_EXPONENTS = new Map<string, number>([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
])
const BINARY_EXPONENTS = new Map<string, number>([
  ['Ki', 10],
  ['Mi', 20],
  ['Gi', 30],
  ['Ti', 40],
  ['Pi', 50],
  ['Ei', 60],
])
const DECIMAL_SUFFIXES = new Map([...DECIMAL_EXPONENTS].map(([suffix, exponent]) => [exponent, suffix]))
const BINARY_SUFFIXES = ['', ...BINARY_EXPONENTS.keys()]

/** Immutable. */
export class Quantity {
  readonly #nanos: bigint
  readonly #format: QuantityFormat
  #text: string | undefined

  constructor(nanos: bigint, format: QuantityFormat, text?: string) {
    this.#nanos = nanos
    this.#format = format
    this.#text = text
  }

  static fromValue(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value) * ONE, format)
  }

  static fromMilliValue(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value) * 1_000_000n, format)
  }

  get isZero(): boolean {
    return this.#nanos === 0n
  }

  get sign(): -1 | 0 | 1 {
    return this.#nanos < 0n ? -1 : this.#nanos > 0n ? 1 : 0
  }

  add(other: Quantity): Quantity {
    return new Quantity(this.#nanos + other.#nanos, this.isZero ? other.#format : this.#format)
  }

  sub(other: Quantity): Quantity {
    return new Quantity(this.#nanos - other.#nanos, this.isZero ? other.#format : this.#format)
  }

  negated(): Quantity {
    return new Quantity(-this.#nanos, this.#format)
  }

  compare(other: Quantity): -1 | 0 | 1 {
    return this.#nanos < other.#nanos ? -1 : this.#nanos > other.#nanos ? 1 : 0
  }

  equals(other: Quantity): boolean {
    return this.#nanos === other.#nanos
  }

  /** Whole units, rounded away from zero. */
  value(): number {
    return Number(divideRoundingUp(this.#nanos, ONE))
  }

  /** Whole units; undefined for a fraction and for what 64 bits do not hold. */
  asInteger(): bigint | undefined {
    const units = this.#nanos / ONE
    const isWhole = units * ONE === this.#nanos
    return isWhole && units <= MAX_INT64 && units >= -MAX_INT64 - 1n ? units : undefined
  }

  approximate(): number {
    return Number(this.#nanos) / 1e9
  }

  /** Thousandths, rounded away from zero. */
  milliValue(): number {
    return Number(divideRoundingUp(this.#nanos, 1_000_000n))
  }

  /** Canonical form: no fraction, the largest suffix that keeps the number whole. */
  toString(): string {
    this.#text ??= canonicalText(this.#nanos, this.#format)
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }
}

export const ZERO_QUANTITY: Quantity = new Quantity(0n, 'DecimalSI', '0')

/** Throws an Error with upstream's message. */
export function parseQuantity(text: string): Quantity {
  const parsed = parse(text)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed
}

/** Undefined when the text is not a quantity. */
export function tryParseQuantity(text: string): Quantity | undefined {
  const parsed = parse(text)
  return typeof parsed === 'string' ? undefined : parsed
}

/** What Go's decoder would store for `text`; throws as parseQuantity does. */
export function canonicalQuantity(text: string): string {
  if (CANONICAL.test(text)) return text
  return parseQuantity(text.trim()).toString()
}

/** A quantity, or upstream's message. */
function parse(text: string): Quantity | string {
  if (text === '0') return ZERO_QUANTITY
  const match = SHAPE.exec(text)
  if (match === null || text === '') return FORMAT_ERROR
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match
  const scale = interpretSuffix(suffix)
  if (scale === undefined) return SUFFIX_ERROR
  // A missing number is zero, as upstream reads it: "Mi" is 0.
  const digits = whole.replace(/^0+/, '') + fraction
  if (digits.length > MAX_EXPONENT) return NUMERIC_ERROR
  const magnitude = digits === '' ? 0n : BigInt(digits)
  let nanos =
    scale.base === 10
      ? shift(magnitude, NANO_DIGITS - fraction.length + scale.exponent)
      : shift(magnitude << BigInt(scale.exponent), NANO_DIGITS - fraction.length)
  let format: QuantityFormat = scale.format
  if (format === 'BinarySI') {
    if (nanos > MAX_BINARY) nanos = MAX_BINARY
    if (nanos > 0n && nanos < ONE) format = 'DecimalSI'
  }
  const kept = keepsText(magnitude, digits, fraction.length, scale) ? text : undefined
  return new Quantity(sign === '-' ? -nanos : nanos, format, kept)
}

interface SuffixScale {
  readonly base: 2 | 10
  readonly exponent: number
  readonly format: QuantityFormat
}

function interpretSuffix(suffix: string): SuffixScale | undefined {
  const decimal = DECIMAL_EXPONENTS.get(suffix)
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' }
  const binary = BINARY_EXPONENTS.get(suffix)
  if (binary !== undefined) return { base: 2, exponent: binary, format: 'BinarySI' }
  if (!/^[eE][-+]?\d+$/.test(suffix)) return undefined
  const exponent = Number(suffix.slice(1))
  return Math.abs(exponent) > MAX_EXPONENT ? undefined : { base: 10, exponent, format: 'DecimalExponent' }
}

/** Upstream remembers the text it parsed when a quick look says it is canonical; "+5" and "010" survive that way. */
function keepsText(magnitude: bigint, digits: string, fractionDigits: number, scale: SuffixScale): boolean {
  if (digits === '' || digits.length > 18) return false
  if (scale.format === 'BinarySI') {
    const precision = 15 - digits.length - Math.trunc((scale.exponent * 3) / 10) - 1
    if (fractionDigits > 0 || precision < 0 || magnitude << BigInt(scale.exponent) > MAX_INT64) return false
    return (magnitude & 7n) !== 0n
  }
  const exponent = scale.exponent - fractionDigits
  return exponent >= -NANO_DIGITS && exponent % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0')
}

/** `magnitude * 10^exponent`, rounded away from zero. */
function shift(magnitude: bigint, exponent: number): bigint {
  if (exponent >= 0) return magnitude * 10n ** BigInt(exponent)
  return divideRoundingUp(magnitude, 10n ** BigInt(-exponent))
}

function divideRoundingUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  if (quotient * divisor === dividend) return quotient
  return dividend < 0n ? quotient - 1n : quotient + 1n
}

function canonicalText(nanos: bigint, format: QuantityFormat): string {
  if (nanos === 0n) return '0'
  if (format === 'BinarySI') {
    const isWhole = nanos % ONE === 0n
    const magnitude = nanos < 0n ? -nanos : nanos
    if (isWhole && magnitude >= 1024n * ONE) return binaryText(nanos / ONE)
  }
  return decimalText(nanos, format === 'DecimalExponent' ? 'DecimalExponent' : 'DecimalSI')
}

function binaryText(units: bigint): string {
  let rest = units
  let step = 0
  while (step < BINARY_SUFFIXES.length - 1 && rest % 1024n === 0n) {
    rest /= 1024n
    step++
  }
  return `${rest}${BINARY_SUFFIXES[step]}`
}

function decimalText(nanos: bigint, format: 'DecimalSI' | 'DecimalExponent'): string {
  let rest = nanos
  let exponent = -NANO_DIGITS
  // Upstream leaves SI amounts past the largest suffix without one that fits; ours stop at E.
  while (rest % 1000n === 0n && (format === 'DecimalExponent' || exponent < 18)) {
    rest /= 1000n
    exponent += 3
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${rest}` : `${rest}e${exponent}`
  return `${rest}${DECIMAL_SUFFIXES.get(exponent) ?? ''}`
}
