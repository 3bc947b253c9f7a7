/** Taints of devices, what tolerates them, and conditions of binding. Upstream: pkg/apis/resource/validation. */
import type { DeviceTaint, DeviceToleration } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isLabelValue, isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../validation.ts'
import { validateItems } from './lists.ts'

const EFFECTS = ['NoExecute', 'NoSchedule', 'None']
const BINDING_CONDITIONS_MAX = 4

export function validateDeviceTaint(errors: FieldError[], field: string, taint: DeepReadonly<DeviceTaint>): void {
  const { key = '', value = '', effect = '' } = taint
  addInvalid(errors, `${field}.key`, key, isQualifiedName(key))
  if (value !== '') addInvalid(errors, `${field}.value`, value, isLabelValue(value))
  if (effect === '') errors.push(fieldRequired(`${field}.effect`, ''))
  else if (!EFFECTS.includes(effect)) errors.push(fieldNotSupported(`${field}.effect`, effect, EFFECTS))
}

export function validateDeviceTolerations(
  errors: FieldError[],
  field: string,
  tolerations: DeepReadonly<DeviceToleration[]> | undefined,
): void {
  tolerations?.forEach((toleration, i) => {
    validateToleration(errors, `${field}[${i}]`, toleration)
  })
}

function validateToleration(errors: FieldError[], field: string, toleration: DeepReadonly<DeviceToleration>): void {
  const { key = '', operator = '', value = '', effect = '' } = toleration
  if (key !== '') addInvalid(errors, `${field}.key`, key, isQualifiedName(key))
  if (operator === 'Exists') {
    if (value !== '') errors.push(fieldInvalid(`${field}.value`, value, 'must be empty for operator `Exists`'))
  } else if (operator === 'Equal') addInvalid(errors, `${field}.value`, value, isLabelValue(value))
  else if (operator === '') errors.push(fieldRequired(`${field}.operator`, ''))
  else errors.push(fieldNotSupported(`${field}.operator`, operator, ['Equal', 'Exists']))
  if (effect !== '' && !EFFECTS.includes(effect)) errors.push(fieldNotSupported(`${field}.effect`, effect, EFFECTS))
}

interface Binding {
  readonly bindingConditions?: readonly string[]
  readonly bindingFailureConditions?: readonly string[]
}

/** Both lists or none, with nothing in common. */
export function validateBindingConditions(errors: FieldError[], field: string, binding: Binding): void {
  const { bindingConditions: conditions = [], bindingFailureConditions: failures = [] } = binding
  const lists = { bindingConditions: conditions, bindingFailureConditions: failures }
  for (const [member, list] of Object.entries(lists)) {
    validateItems(errors, `${field}.${member}`, list, { max: BINDING_CONDITIONS_MAX }, (condition, at) => {
      addInvalid(errors, at, condition, isQualifiedName(condition))
    })
  }
  for (const [member, list] of Object.entries(lists)) {
    list.forEach((condition, i) => {
      const at = `${field}.${member}[${i}]`
      if (list.indexOf(condition) < i) errors.push(fieldDuplicate(at, condition))
      if (list === failures && conditions.includes(condition)) {
        const detail = 'bindingFailureConditions must not overlap with bindingConditions'
        errors.push(fieldInvalid(at, condition, detail))
      }
    })
  }
  checkBoth(errors, field, binding)
}

function checkBoth(errors: FieldError[], field: string, binding: Binding): void {
  const { bindingConditions, bindingFailureConditions } = binding
  const has = (list: readonly string[] | undefined): boolean => (list ?? []).length > 0
  if (!has(bindingConditions) && has(bindingFailureConditions)) {
    const detail = 'bindingConditions are required to use bindingFailureConditions'
    errors.push(fieldInvalid(`${field}.bindingConditions`, bindingConditions ?? null, detail))
  }
  if (has(bindingConditions) && !has(bindingFailureConditions)) {
    const detail = 'bindingFailureConditions are required to use bindingConditions'
    errors.push(fieldInvalid(`${field}.bindingFailureConditions`, bindingFailureConditions ?? null, detail))
  }
}
