/**
 * One label requirement: its rules, how it matches, how it prints.
 * Upstream: apimachinery pkg/labels/selector.go (NewRequirement, Matches, String), pkg/api/validate/content/kube.go.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { aggregateFieldErrors, fieldInvalid, fieldNotSupported } from '#machinery/meta/field-error.ts'

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  readonly values: readonly string[]
}

const OPERATORS: readonly LabelOperator[] = ['!', '=', '==', 'in', '!=', 'notin', 'exists', 'gt', 'lt']

const KEY_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const DNS_LABELS = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const KEY_NAME_SOURCE = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const DNS_SOURCE = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const CHARACTERS = "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const KEY_FORMAT = `must consist of ${CHARACTERS} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${KEY_NAME_SOURCE}')`
const VALUE_FORMAT = `a valid label must be an empty string or consist of ${CHARACTERS} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${KEY_NAME_SOURCE})?')`
const DNS_FORMAT = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${DNS_SOURCE}')`
const MAX_NAME_LENGTH = 63
const MAX_PREFIX_LENGTH = 253

/** Throws an Error with upstream's aggregate message when the requirement breaks a rule. */
export function newLabelRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const errors: FieldError[] = []
  const keyErrors = labelKeyErrors(key)
  if (keyErrors.length > 0) errors.push(fieldInvalid('key', key, keyErrors.join('; ')))
  errors.push(...valueCountErrors(operator, values))
  values.forEach((value, i) => {
    const valueErrors = labelValueErrors(value)
    if (valueErrors.length > 0) errors.push(fieldInvalid(`values[${i}][${key}]`, value, valueErrors.join('; ')))
  })
  if (errors.length > 0) throw new Error(aggregateFieldErrors(errors))
  return { key, operator, values }
}

function valueCountErrors(operator: LabelOperator, values: readonly string[]): FieldError[] {
  const invalid = (detail: string): FieldError[] => [fieldInvalid('values', values, detail)]
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length === 0 ? invalid("for 'in', 'notin' operators, values set can't be empty") : []
    case '=':
    case '==':
    case '!=':
      return values.length === 1 ? [] : invalid('exact-match compatibility requires one single value')
    case 'exists':
    case '!':
      return values.length === 0 ? [] : invalid('values set must be empty for exists and does not exist')
    case 'gt':
    case 'lt': {
      const errors = values.length === 1 ? [] : invalid("for 'Gt', 'Lt' operators, exactly one value is required")
      values.forEach((value, i) => {
        if (parseInt64(value) === undefined) {
          errors.push(fieldInvalid(`values[${i}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"))
        }
      })
      return errors
    }
    default:
      return [fieldNotSupported('operator', operator, OPERATORS)]
  }
}

function labelKeyErrors(key: string): string[] {
  const parts = key.split('/')
  if (parts.length > 2) {
    return [`a valid label key ${KEY_FORMAT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const errors: string[] = []
  const name = parts[parts.length - 1] as string
  if (parts.length === 2) {
    const prefix = parts[0] as string
    if (prefix === '') {
      errors.push('prefix part must be non-empty')
    } else {
      if (prefix.length > MAX_PREFIX_LENGTH) errors.push(`prefix part must be no more than ${MAX_PREFIX_LENGTH} bytes`)
      if (!DNS_LABELS.test(prefix)) errors.push(`prefix part ${DNS_FORMAT}`)
    }
  }
  if (name === '') errors.push('name part must be non-empty')
  else if (name.length > MAX_NAME_LENGTH) errors.push(`name part must be no more than ${MAX_NAME_LENGTH} bytes`)
  if (!KEY_NAME.test(name)) errors.push(`name part ${KEY_FORMAT}`)
  return errors
}

/** Throws as upstream's parser does on a bad key, before any other rule is looked at. */
export function checkLabelKey(key: string): void {
  const errors = labelKeyErrors(key)
  if (errors.length > 0) throw new Error(aggregateFieldErrors([fieldInvalid('', key, errors.join('; '))]))
}

function labelValueErrors(value: string): string[] {
  const errors: string[] = []
  if (value.length > MAX_NAME_LENGTH) errors.push(`must be no more than ${MAX_NAME_LENGTH} bytes`)
  if (value !== '' && !KEY_NAME.test(value)) errors.push(VALUE_FORMAT)
  return errors
}

/** strconv.ParseInt(text, 10, 64). */
function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

export function requirementMatches(
  requirement: LabelRequirement,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const { key, operator, values } = requirement
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case '=':
    case '==':
      return value === values[0]
    case 'in':
      return value !== undefined && values.includes(value)
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case 'gt':
    case 'lt': {
      const actual = value === undefined ? undefined : parseInt64(value)
      const bound = parseInt64(values[0] ?? '')
      if (actual === undefined || bound === undefined) return false
      return operator === 'gt' ? actual > bound : actual < bound
    }
  }
}

export function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'gt':
      return `${key}>${values[0]}`
    case 'lt':
      return `${key}<${values[0]}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`
    default:
      return `${key}${operator}${values[0]}`
  }
}
