// The few operations of shopspring/decimal that sprig's floating point functions go through.

export interface Decimal {
  readonly coefficient: bigint
  /** Digits after the point. */
  readonly scale: number
}

export function decimalFrom(value: number): Decimal {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))
  if (match === null) return { coefficient: 0n, scale: 0 }
  const fraction = match[3] ?? ''
  const coefficient = BigInt((match[2] as string) + fraction) * (match[1] === '-' ? -1n : 1n)
  const scale = fraction.length - Number(match[4] ?? 0)
  return scale < 0 ? { coefficient: coefficient * 10n ** BigInt(-scale), scale: 0 } : { coefficient, scale }
}

export function decimalToNumber(value: Decimal): number {
  return Number(`${value.coefficient}e-${value.scale}`)
}

function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale)
  return [a.coefficient * 10n ** BigInt(scale - a.scale), b.coefficient * 10n ** BigInt(scale - b.scale), scale]
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = align(a, b)
  return { coefficient: x + y, scale }
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  const [x, y, scale] = align(a, b)
  return { coefficient: x - y, scale }
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { coefficient: a.coefficient * b.coefficient, scale: a.scale + b.scale }
}

const DIVISION_PRECISION = 16

/** Rounded half away from zero to 16 places. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  const [x, y] = align(a, b)
  const numerator = x * 10n ** BigInt(DIVISION_PRECISION)
  let quotient = numerator / y
  const remainder = numerator % y
  const twice = (remainder < 0n ? -remainder : remainder) * 2n
  if (twice >= (y < 0n ? -y : y)) quotient += x < 0n !== y < 0n ? -1n : 1n
  return { coefficient: quotient, scale: DIVISION_PRECISION }
}
