/** Rules all access reviews share. Upstream: pkg/apis/authorization/validation/validation.go. */
import type { NonResourceAttributes, ResourceAttributes } from '#machinery/api/authorization/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { type FieldError, fieldInvalid } from '#machinery/meta/field-error.ts'

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
  return []
}

/** A review has no identity; only a LocalSubjectAccessReview has a namespace. */
export function validateEmptyMetadata({ metadata }: KubeObject, allowed: readonly string[]): FieldError[] {
  const ignored = new Set(['managedFields', 'creationTimestamp', ...allowed])
  const set = Object.entries(metadata).filter(([field, value]) => !ignored.has(field) && value !== '')
  return set.length === 0 ? [] : [fieldInvalid('metadata', metadata, 'must be empty')]
}
