/**
 * Field validation errors and the paths they point at.
 * Upstream: apimachinery pkg/util/validation/field/{errors,path}.go.
 */

/** The value is the StatusCause reason upstream sends. */
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid'

export interface FieldError {
  readonly type: FieldErrorType
  /** `spec.containers[0].image`; empty for the whole object. */
  readonly field: string
  readonly badValue?: unknown
  readonly detail: string
}

/** As a bad value: the message shows none. Upstream: field.OmitValueType. */
export const OMITTED_VALUE: unique symbol = Symbol('omitted')

const LABELS: Record<FieldErrorType, string> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
}

const WITHOUT_VALUE: ReadonlySet<FieldErrorType> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'InternalError',
])

/** Without the path: what a StatusCause carries. */
export function fieldErrorMessage(error: FieldError): string {
  let text = LABELS[error.type]
  if (!WITHOUT_VALUE.has(error.type) && error.badValue !== OMITTED_VALUE) text += `: ${formatBadValue(error.badValue)}`
  return error.detail === '' ? text : `${text}: ${error.detail}`
}

function formatBadValue(value: unknown): string {
  if (value === undefined || value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object') return goJson(value)
  return String(value)
}

/** JSON as Go writes it for people: characters that matter to HTML are escaped. */
function goJson(value: object): string {
  return JSON.stringify(value).replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)
}

/** `path: message`, upstream's Error.Error(). */
export function fieldErrorString(error: FieldError): string {
  return error.field === '' ? `<nil>: ${fieldErrorMessage(error)}` : `${error.field}: ${fieldErrorMessage(error)}`
}

/** One error as it is, several as `[a, b]`, duplicates once: upstream's ErrorList.ToAggregate().Error(). */
export function aggregateFieldErrors(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorString))]
  return texts.length === 1 ? (texts[0] ?? '') : texts.length === 0 ? '' : `[${texts.join(', ')}]`
}

export const fieldRequired = (field: string, detail: string): FieldError => ({
  type: 'FieldValueRequired',
  field,
  detail,
})

export const fieldInvalid = (field: string, badValue: unknown, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  badValue,
  detail,
})

export const fieldForbidden = (field: string, detail: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  detail,
})

export const fieldDuplicate = (field: string, badValue: unknown): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  badValue,
  detail: '',
})

export const fieldNotFound = (field: string, badValue: unknown): FieldError => ({
  type: 'FieldValueNotFound',
  field,
  badValue,
  detail: '',
})

export const fieldNotSupported = (field: string, badValue: unknown, supported: readonly string[]): FieldError => ({
  type: 'FieldValueNotSupported',
  field,
  badValue,
  detail: supported.length === 0 ? '' : `supported values: ${supported.map((v) => JSON.stringify(v)).join(', ')}`,
})

export const fieldTooLong = (field: string, maxLength: number): FieldError => ({
  type: 'FieldValueTooLong',
  field,
  detail: `may not be more than ${maxLength} ${maxLength === 1 ? 'byte' : 'bytes'}`,
})

export const fieldTooMany = (field: string, actual: number, max: number): FieldError => ({
  type: 'FieldValueTooMany',
  field,
  badValue: actual,
  detail: `must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
})

/** `parent.child`, tolerating an empty parent. */
export const childField = (parent: string, child: string): string => (parent === '' ? child : `${parent}.${child}`)
export const indexField = (parent: string, index: number): string => `${parent}[${index}]`
export const keyField = (parent: string, key: string): string => `${parent}[${key}]`
