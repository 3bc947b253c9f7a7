/**
 * minimum, maximum, multipleOf and the ranges of int32, int64 and float, with upstream's texts and oddities: bounds of
 * integers are cut to integers, and a bound that does not fit the type is an error of the value.
 * Upstream: kube-openapi pkg/validation/validate/{validator,values}.go.
 */
import type { NumberRules, SchemaNode } from './node.ts'
import type { ValidationResult } from './validation-result.ts'

const INT32_MAX = 2 ** 31 - 1
const INT64_LIMIT = 2 ** 63
const FLOAT32_MAX = 3.4028235677973366e38

/** Go's %v of a float64. */
function goNumber(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && size < 1e-4) {
    const [digits = '', exponent = ''] = value.toExponential().split('e-')
    return `${digits}e-${exponent.padStart(2, '0')}`
  }
  return String(value)
}

export function validateNumber(value: number, node: SchemaNode, result: ValidationResult): void {
  checkRange(value, 'Checked', node, result)
  if (node.numbers !== undefined) validateRules(value, node.numbers, node, result)
  result.matchCount++
}

function validateRules(value: number, rules: NumberRules, node: SchemaNode, result: ValidationResult): void {
  const isInteger = Number.isInteger(value)
  if (rules.multipleOf !== undefined) {
    const isFitting = checkRange(rules.multipleOf, 'MultipleOf', node, result)
    checkMultiple(value, isInteger && isFitting ? Math.trunc(rules.multipleOf) : rules.multipleOf, result)
  }
  if (rules.maximum !== undefined) {
    const isFitting = checkRange(rules.maximum, 'Maximum boundary', node, result)
    const bound = isInteger && isFitting ? Math.trunc(rules.maximum) : rules.maximum
    if (value > bound || (rules.exclusiveMaximum && value === bound)) {
      const relation = rules.exclusiveMaximum ? 'less than' : 'less than or equal to'
      addInvalid(value, `should be ${relation} ${goNumber(bound)}`, result)
    }
  }
  if (rules.minimum !== undefined) {
    const isFitting = checkRange(rules.minimum, 'Minimum boundary', node, result)
    const bound = isInteger && isFitting ? Math.trunc(rules.minimum) : rules.minimum
    if (value < bound || (rules.exclusiveMinimum && value === bound)) {
      const relation = rules.exclusiveMinimum ? 'greater than' : 'greater than or equal to'
      addInvalid(value, `should be ${relation} ${goNumber(bound)}`, result)
    }
  }
}

function addInvalid(value: number, rule: string, result: ValidationResult): void {
  const path = result.path()
  result.add({ type: 'FieldValueInvalid', path, badValue: value, detail: `${path} in body ${rule}` })
}

function checkMultiple(value: number, factor: number, result: ValidationResult): void {
  const path = result.path()
  if (factor <= 0) {
    const detail = `factor MultipleOf declared for ${path} must be positive: ${goNumber(factor)}`
    result.add({ type: 'FieldValueInvalid', path, badValue: factor, detail })
    return
  }
  const quotient = factor < 1 ? (1 / factor) * value : value / factor
  if (!isNearInteger(quotient)) addInvalid(value, `should be a multiple of ${goNumber(factor)}`, result)
}

/** Upstream's IsFloat64AJSONInteger: equal to an integer up to rounding errors. */
function isNearInteger(value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false
  const rounded = Math.trunc(value)
  const difference = Math.abs(value - rounded)
  if (difference === 0) return true
  const nearest = Math.round(value)
  return Math.abs(value - nearest) / Math.max(Math.abs(value) + Math.abs(nearest), Number.MIN_VALUE) < 1e-9
}

/** False (and a finding about the whole object) when the value cannot be held by the node's type and format. */
function checkRange(value: number, what: string, node: SchemaNode, result: ValidationResult): boolean {
  const type = node.types.length === 1 ? (node.types[0] ?? '') : ''
  if (isInRange(value, type, node.format)) return true
  const format = node.format === '' ? '(default format)' : `with format ${node.format}`
  const detail = `${what} value must be of type ${type} ${format} in ${result.path()}`
  result.add({ type: 'FieldValueInvalid', path: undefined, badValue: '', detail })
  return false
}

function isInRange(value: number, type: string, format: string): boolean {
  if (type === 'integer') {
    if (!Number.isInteger(value)) return false
    return format === 'int32'
      ? value >= -INT32_MAX - 1 && value <= INT32_MAX
      : value >= -INT64_LIMIT && value < INT64_LIMIT
  }
  return format !== 'float' || Math.abs(value) < FLOAT32_MAX
}
