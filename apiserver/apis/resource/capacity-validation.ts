/** What may be asked of a device's capacity. Upstream: pkg/apis/resource/validation validateRequestPolicy. */
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  DeviceCapacity,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateItems } from './lists.ts'

type Range = DeepReadonly<CapacityRequestPolicyRange>

const VALUES_MAX = 10

const parsed = (text: string | undefined): Quantity => tryParseQuantity(text ?? '0') ?? ZERO_QUANTITY

export function validateCapacity(
  errors: FieldError[],
  field: string,
  { value, requestPolicy }: DeepReadonly<DeviceCapacity>,
  isShared: boolean,
): void {
  if (requestPolicy === undefined) return
  const at = `${field}.requestPolicy`
  if (isShared) validatePolicy(errors, at, requestPolicy, parsed(value))
  else errors.push(fieldForbidden(at, 'allowMultipleAllocations must be true'))
}

function validatePolicy(
  errors: FieldError[],
  field: string,
  policy: DeepReadonly<CapacityRequestPolicy>,
  capacity: Quantity,
): void {
  const { default: initial, validValues = [], validRange } = policy
  if (validValues.length > 0 && validRange !== undefined) {
    const detail = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
    errors.push(fieldForbidden(field, detail))
    return
  }
  const member = validValues.length > 0 ? 'validValues' : 'validRange'
  if (validValues.length === 0 && validRange === undefined) return
  if (initial === undefined) errors.push(fieldRequired(`${field}.default`, `required when ${member} is defined`))
  else if (validRange === undefined) {
    validateValues(errors, `${field}.validValues`, validValues, parsed(initial), capacity)
  } else validateRange(errors, `${field}.validRange`, validRange, parsed(initial), capacity)
}

function validateValues(
  errors: FieldError[],
  field: string,
  values: readonly string[],
  initial: Quantity,
  capacity: Quantity,
): void {
  const options = values.map(parsed)
  options.forEach((option, i) => {
    const before = options[i - 1]
    if (before === undefined || before.compare(option) <= 0) return
    errors.push(fieldInvalid(`${field}[${i}]`, option.toString(), 'values must be sorted in ascending order'))
  })
  const rules = { max: VALUES_MAX, keyOf: (option: Quantity): string => option.toString() }
  validateItems(errors, field, options, rules, (option, at) => {
    if (option.compare(capacity) <= 0) return
    errors.push(fieldInvalid(at, option.toString(), `option is larger than capacity value: ${capacity}`))
  })
  if (options.length <= VALUES_MAX && options.some((option) => option.equals(initial))) return
  errors.push(fieldInvalid(field, initial.toString(), 'default value is not valid according to the requestPolicy'))
}

function validateRange(errors: FieldError[], field: string, range: Range, initial: Quantity, capacity: Quantity): void {
  if (range.min === undefined) {
    errors.push(fieldRequired(`${field}.min`, 'required when validRange is defined'))
    return
  }
  const min = parsed(range.min)
  const max = range.max === undefined ? undefined : parsed(range.max)
  const refuse = (member: string, value: Quantity, detail: string): void => {
    errors.push(fieldInvalid(`${field}.${member}`, value.toString(), detail))
  }
  if (min.compare(capacity) > 0) refuse('min', min, `min is larger than capacity value: ${capacity}`)
  if (initial.compare(min) < 0) refuse('min', initial, `default is less than min: ${min}`)
  if (max !== undefined) {
    if (min.compare(max) > 0) refuse('max', min, `min is larger than max: ${max}`)
    if (max.compare(capacity) > 0) refuse('max', max, `max is larger than capacity value: ${capacity}`)
    if (initial.compare(max) > 0) refuse('max', initial, `default is more than max: ${max}`)
  }
  if (range.step !== undefined) checkStep(refuse, parsed(range.step), { min, max, initial, capacity })
}

interface Bounds {
  readonly min: Quantity
  readonly max: Quantity | undefined
  readonly initial: Quantity
  readonly capacity: Quantity
}

/** In whole units: fractions come with a gate of 1.37. */
function checkStep(
  refuse: (member: string, value: Quantity, detail: string) => void,
  step: Quantity,
  { min, max, initial, capacity }: Bounds,
): void {
  if (step.sign <= 0) {
    refuse('step', step, 'must be greater than zero')
    return
  }
  const first = min.add(step)
  if (first.compare(capacity) > 0) refuse('step', step, `one step ${first} is larger than capacity value: ${capacity}`)
  for (const value of max === undefined ? [initial] : [initial, max]) {
    if ((value.value() - min.value()) % step.value() === 0) continue
    refuse('step', value, `value is not a multiple of a given step (${step}) from (${min})`)
  }
}
