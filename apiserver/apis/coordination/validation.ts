/** Upstream: pkg/apis/coordination/validation/validation.go. */
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkNonNegative, checkPositive } from '../validation.ts'

export function validateLease({ spec }: DeepReadonly<Lease>): FieldError[] {
  const errors: FieldError[] = []
  checkPositive(errors, 'spec.leaseDurationSeconds', spec?.leaseDurationSeconds)
  checkNonNegative(errors, 'spec.leaseTransitions', spec?.leaseTransitions)
  return errors
}
