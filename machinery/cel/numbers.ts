/** Arithmetic of int (64 bits), uint (64 bits) and double that fails where it would overflow. Upstream: cel-go overflow.go. */
import { CelUint, EvaluationError } from './values.ts'

export const MAX_INT: bigint = (1n << 63n) - 1n
export const MIN_INT: bigint = -(1n << 63n)
export const MAX_UINT: bigint = (1n << 64n) - 1n

export function toInt(value: bigint): bigint {
  if (value > MAX_INT || value < MIN_INT) throw new EvaluationError('integer overflow')
  return value
}

export function toUint(value: bigint): CelUint {
  if (value < 0n || value > MAX_UINT) throw new EvaluationError('unsigned integer overflow')
  return new CelUint(value)
}

export function nonZero(divisor: bigint, operation: 'division' | 'modulus'): bigint {
  if (divisor === 0n) throw new EvaluationError(`${operation} by zero`)
  return divisor
}

/** Truncates; what is out of range or no number fails. */
export function doubleToInt(value: number): bigint {
  if (Number.isNaN(value) || Math.abs(value) >= 2 ** 63) throw new EvaluationError('integer overflow')
  return BigInt(Math.trunc(value))
}

export function doubleToUint(value: number): CelUint {
  if (Number.isNaN(value) || value < 0 || value >= 2 ** 64) throw new EvaluationError('unsigned integer overflow')
  return new CelUint(BigInt(Math.trunc(value)))
}
