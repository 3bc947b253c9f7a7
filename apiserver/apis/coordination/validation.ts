/** Upstream: pkg/apis/coordination/validation/validation.go. */
import type { Lease, LeaseSpec } from '#machinery/api/coordination/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkNonNegative, checkOneOf, checkPositive } from '../validation.ts'

export function validateLease({ spec }: DeepReadonly<Lease>): FieldError[] {
  const errors: FieldError[] = []
  checkPositive(errors, 'spec.leaseDurationSeconds', spec?.leaseDurationSeconds)
  checkNonNegative(errors, 'spec.leaseTransitions', spec?.leaseTransitions)
  validateElection(errors, spec)
  return errors
}

/** The path of a strategy is doubled upstream. */
function validateElection(
  errors: FieldError[],
  { strategy, preferredHolder = '' }: DeepReadonly<LeaseSpec> = {},
): void {
  const field = 'spec.strategy.strategy'
  if (strategy?.includes('/')) addInvalid(errors, field, strategy, isQualifiedName(strategy))
  else if (strategy !== undefined) checkOneOf(errors, field, strategy, ['OldestEmulationVersion'], 'unsupported')
  if (preferredHolder !== '' && (strategy ?? '') === '') {
    errors.push(fieldForbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'))
  }
}
