/** Upstream: pkg/apis/policy/validation/validation.go. */
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateConditions } from '../condition-validation.ts'
import {
  checkLabelSelector,
  checkNonNegative,
  checkNotMoreThan100Percent,
  checkOneOf,
  checkPositiveIntOrPercent,
  isInvalidSelector,
} from '../validation.ts'

/** `old`: label values of a selector that was let in before stay. */
export function validatePodDisruptionBudget(
  { spec }: DeepReadonly<PodDisruptionBudget>,
  old?: DeepReadonly<PodDisruptionBudget>,
): FieldError[] {
  const errors: FieldError[] = []
  if (spec === undefined) return errors
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(fieldInvalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
  }
  checkPositiveIntOrPercent(errors, 'spec.minAvailable', minAvailable)
  checkNotMoreThan100Percent(errors, 'spec.minAvailable', minAvailable)
  checkPositiveIntOrPercent(errors, 'spec.maxUnavailable', maxUnavailable)
  checkNotMoreThan100Percent(errors, 'spec.maxUnavailable', maxUnavailable)
  checkLabelSelector(errors, 'spec.selector', selector, isInvalidSelector(old?.spec?.selector))
  const policies = ['AlwaysAllow', 'IfHealthyBudget']
  if (policy !== undefined) checkOneOf(errors, 'spec.unhealthyPodEvictionPolicy', policy, policies, 'unsupported')
  return errors
}

export function validatePodDisruptionBudgetStatus({ status }: DeepReadonly<PodDisruptionBudget>): FieldError[] {
  const errors = validateConditions(status?.conditions, 'status.conditions')
  checkNonNegative(errors, 'status.disruptionsAllowed', status?.disruptionsAllowed)
  checkNonNegative(errors, 'status.currentHealthy', status?.currentHealthy)
  checkNonNegative(errors, 'status.desiredHealthy', status?.desiredHealthy)
  checkNonNegative(errors, 'status.expectedPods', status?.expectedPods)
  return errors
}
