/**
 * Selectors of devices. Upstream: pkg/apis/resource/validation validateSelector.
 * Differs: CEL expressions are measured, not compiled.
 */
import type { DeviceSelector } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldRequired, fieldTooLong } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateItems } from './lists.ts'

const SELECTORS_MAX = 32
const EXPRESSION_MAX_BYTES = 10 * 1024

/** `isStored`: the selectors were there before, so an expression may use what newer rules refuse. */
export function validateSelectors(
  errors: FieldError[],
  field: string,
  selectors: DeepReadonly<DeviceSelector[]> | undefined,
  isStored: boolean,
): void {
  validateItems(errors, field, selectors ?? [], { max: SELECTORS_MAX }, ({ cel }, at) => {
    if (cel === undefined) errors.push(fieldRequired(`${at}.cel`, ''))
    else validateSelectorExpression(errors, `${at}.cel.expression`, cel.expression ?? '', isStored)
  })
}

/** The one place that judges an expression: its type and its cost belong here. */
function validateSelectorExpression(errors: FieldError[], field: string, expression: string, _isStored: boolean): void {
  // Too long an expression is not worth compiling.
  if (Buffer.byteLength(expression) > EXPRESSION_MAX_BYTES) errors.push(fieldTooLong(field, EXPRESSION_MAX_BYTES))
}
