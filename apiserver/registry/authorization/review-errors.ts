/** Rules all access reviews share. Upstream: pkg/apis/authorization/validation/validation.go. */
import type { NonResourceAttributes, ResourceAttributes } from '#machinery/api/authorization/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { type FieldError, fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'

export interface ReviewedAction {
  readonly resourceAttributes?: ResourceAttributes
  readonly nonResourceAttributes?: NonResourceAttributes
}

export function validateAction({ resourceAttributes, nonResourceAttributes }: ReviewedAction): FieldError[] {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const detail = 'cannot be specified in combination with resourceAttributes'
    return [fieldInvalid('spec.nonResourceAttributes', nonResourceAttributes, detail)]
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    return [fieldInvalid('spec.resourceAttributes', null, detail)]
  }
  const { fieldSelector, labelSelector } = resourceAttributes ?? {}
  return [
    ...validateSelector('spec.resourceAttributes.fieldSelector', fieldSelector),
    ...validateSelector('spec.resourceAttributes.labelSelector', labelSelector),
  ]
}

interface Selector {
  readonly rawSelector?: string
  readonly requirements?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

function validateSelector(path: string, selector: Selector | undefined): FieldError[] {
  if (selector === undefined) return []
  const { rawSelector = '', requirements = [] } = selector
  if (rawSelector !== '' && requirements.length > 0) {
    return [fieldInvalid(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements')]
  }
  if (rawSelector === '' && requirements.length === 0) {
    const detail = `when ${path} is specified, requirements or rawSelector is required`
    return [fieldRequired(`${path}.requirements`, detail)]
  }
  return requirements.flatMap((requirement, i) => validateRequirement(`${path}.requirements[${i}]`, requirement))
}

function validateRequirement(
  path: string,
  { key, operator, values = [] }: NonNullable<Selector['requirements']>[number],
): FieldError[] {
  const errors = (key ?? '') === '' ? [fieldRequired(`${path}.key`, 'must be specified')] : []
  if (operator === 'In' || operator === 'NotIn') {
    const detail = "must be specified when `operator` is 'In' or 'NotIn'"
    if (values.length === 0) errors.push(fieldRequired(`${path}.values`, detail))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
    if (values.length > 0) errors.push(fieldForbidden(`${path}.values`, detail))
  } else {
    errors.push(fieldInvalid(`${path}.operator`, operator, 'not a valid selector operator'))
  }
  return errors
}

/** A review has no identity; only a LocalSubjectAccessReview has a namespace. */
export function validateEmptyMetadata({ metadata }: KubeObject, allowed: readonly string[]): FieldError[] {
  const ignored = new Set(['managedFields', 'creationTimestamp', ...allowed])
  const set = Object.entries(metadata).filter(([field, value]) => !ignored.has(field) && value !== '')
  return set.length === 0 ? [] : [fieldInvalid('metadata', metadata, 'must be empty')]
}
