/**
 * Selectors of devices. Upstream: pkg/apis/resource/validation validateSelector.
 * Differs: what an expression can cost is not estimated; evaluations that cost too much fail.
 */
import type { DeviceSelector } from '#machinery/api/resource/v1/types.gen.ts'
import { compileDeviceSelector } from '#machinery/devices/device-selector.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired, fieldTooLong } from '#machinery/meta/field-error.ts'
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

/** What is stored was compiled when it was written. */
function validateSelectorExpression(errors: FieldError[], field: string, expression: string, isStored: boolean): void {
  // Too long an expression is not worth compiling.
  if (Buffer.byteLength(expression) > EXPRESSION_MAX_BYTES) errors.push(fieldTooLong(field, EXPRESSION_MAX_BYTES))
  else if (!isStored) {
    const selector = compileDeviceSelector(expression)
    if (typeof selector === 'string') errors.push(fieldInvalid(field, expression, selector))
  }
}
