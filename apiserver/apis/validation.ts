/**
 * Checks that many kinds share. Each appends to `errors`, so that a caller reports everything it finds.
 * Upstream: apimachinery pkg/api/validation, pkg/apis/meta/v1/validation, pkg/apis/core/validation.
 */
import type { LabelSelector, ObjectMeta } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  childField,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import {
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  isValidPercent,
  isValidPortName,
  isValidPortNumber,
} from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export const NON_NEGATIVE = 'must be greater than or equal to 0'
const ANNOTATIONS_MAX_BYTES = 256 * 1024

export function addInvalid(errors: FieldError[], field: string, value: unknown, messages: readonly string[]): void {
  for (const message of messages) errors.push(fieldInvalid(field, value, message))
}

/** Required when empty, Invalid by `check` otherwise. */
export function checkName(
  errors: FieldError[],
  field: string,
  value: string | undefined,
  check: (value: string) => readonly string[],
): void {
  if (value === undefined || value === '') errors.push(fieldRequired(field, ''))
  else addInvalid(errors, field, value, check(value))
}

const DRIVER_NAME_MAX = 63

/** Names of CSI and device drivers. Upstream: ValidateCSIDriverName. */
export function checkDriverName(errors: FieldError[], field: string, name = ''): void {
  if (name === '') {
    errors.push(fieldRequired(field, ''))
    return
  }
  if (Buffer.byteLength(name) > DRIVER_NAME_MAX) errors.push(fieldTooLong(field, DRIVER_NAME_MAX))
  addInvalid(errors, field, name, isDns1123Subdomain(name.toLowerCase()))
}

export function checkRequired(errors: FieldError[], field: string, value: string | undefined, detail = ''): void {
  if (value === undefined || value === '') errors.push(fieldRequired(field, detail))
}

export function checkNonNegative(errors: FieldError[], field: string, value: number | undefined): void {
  if (value !== undefined && value < 0) errors.push(fieldInvalid(field, value, NON_NEGATIVE))
}

export function checkPositive(errors: FieldError[], field: string, value: number | undefined): void {
  if (value !== undefined && value <= 0) errors.push(fieldInvalid(field, value, 'must be greater than 0'))
}

/** NotSupported unless `value` is one of `supported`; with `detail`, Required when it is empty. */
export function checkOneOf(
  errors: FieldError[],
  field: string,
  value: string | undefined,
  supported: readonly string[],
  whenEmpty: 'required' | 'unsupported' | 'allowed' = 'required',
): void {
  if (value === undefined || value === '') {
    if (whenEmpty === 'required') errors.push(fieldRequired(field, ''))
    if (whenEmpty === 'unsupported') errors.push(fieldNotSupported(field, value ?? '', supported))
  } else if (!supported.includes(value)) {
    errors.push(fieldNotSupported(field, value, supported))
  }
}

export function checkImmutable(errors: FieldError[], field: string, value: unknown, old: unknown): void {
  if (!deepEqual(value, old)) errors.push(fieldInvalid(field, value, 'field is immutable'))
}

export function checkLabels(
  errors: FieldError[],
  field: string,
  labels: Readonly<Record<string, string>> | undefined,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    addInvalid(errors, field, key, isQualifiedName(key))
    addInvalid(errors, field, value, isLabelValue(value))
  }
}

/** Labels and annotations of metadata that is not an object's own. `field` is the path of the two members. */
export function checkTemplateMeta(
  errors: FieldError[],
  field: string,
  meta: DeepReadonly<ObjectMeta> | undefined,
): void {
  if (meta?.labels !== undefined) checkLabels(errors, childField(field, 'labels'), meta.labels)
  if (meta?.annotations !== undefined) checkAnnotations(errors, childField(field, 'annotations'), meta.annotations)
}

export function checkAnnotations(
  errors: FieldError[],
  field: string,
  annotations: Readonly<Record<string, string>> | undefined,
): void {
  if (annotations === undefined) return
  let bytes = 0
  for (const [key, value] of Object.entries(annotations)) {
    addInvalid(errors, field, key, isQualifiedName(key.toLowerCase()))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > ANNOTATIONS_MAX_BYTES) errors.push(fieldTooLong(field, ANNOTATIONS_MAX_BYTES))
}

/** True: values of a requirement may be what they are in an object that has such a selector stored. */
export function isInvalidSelector(selector: DeepReadonly<LabelSelector> | undefined): boolean {
  const errors: FieldError[] = []
  checkLabelSelector(errors, '', selector)
  return errors.length > 0
}

/** `allowsAnyValue`: upstream's AllowInvalidLabelValueInSelector. */
export function checkLabelSelector(
  errors: FieldError[],
  field: string,
  selector: DeepReadonly<LabelSelector> | undefined,
  allowsAnyValue = false,
): void {
  if (selector === undefined) return
  checkLabels(errors, childField(field, 'matchLabels'), selector.matchLabels)
  const expressions = selector.matchExpressions ?? []
  expressions.forEach(({ key, operator, values = [] }, i) => {
    const at = `${field}.matchExpressions[${i}]`
    if (operator === 'In' || operator === 'NotIn') {
      const detail = "must be specified when `operator` is 'In' or 'NotIn'"
      if (values.length === 0) errors.push(fieldRequired(`${at}.values`, detail))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
      if (values.length > 0) errors.push(fieldForbidden(`${at}.values`, detail))
    } else {
      errors.push(fieldInvalid(`${at}.operator`, operator, 'not a valid selector operator'))
    }
    addInvalid(errors, `${at}.key`, key, isQualifiedName(key))
    if (allowsAnyValue) return
    values.forEach((value, j) => {
      addInvalid(errors, `${at}.values[${j}]`, value, isLabelValue(value))
    })
  })
}

export function isEmptySelector(selector: DeepReadonly<LabelSelector> | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0
}

/** A port as number or as name of a container's port. */
export function checkPortNumberOrName(errors: FieldError[], field: string, port: number | string | undefined): void {
  if (typeof port === 'string') addInvalid(errors, field, port, isValidPortName(port))
  else addInvalid(errors, field, port ?? 0, isValidPortNumber(port ?? 0))
}

/** Upstream: ValidatePositiveIntOrPercent. */
export function checkPositiveIntOrPercent(
  errors: FieldError[],
  field: string,
  value: number | string | undefined,
): void {
  if (typeof value === 'string') addInvalid(errors, field, value, isValidPercent(value))
  else checkNonNegative(errors, field, value)
}

/** The percentage of an int-or-percent; undefined for numbers and other text. */
export function percentOf(value: number | string | undefined): number | undefined {
  return typeof value === 'string' && /^\d+%$/.test(value) ? Number(value.slice(0, -1)) : undefined
}

export function checkNotMoreThan100Percent(
  errors: FieldError[],
  field: string,
  value: number | string | undefined,
): void {
  const percent = percentOf(value)
  if (percent !== undefined && percent > 100) errors.push(fieldInvalid(field, value, 'must not be greater than 100%'))
}
