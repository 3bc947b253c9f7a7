/** metav1.Conditions of a status. Upstream: apimachinery pkg/apis/meta/v1/validation ValidateConditions. */
import type { Condition } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from './validation.ts'

const STATUSES = ['False', 'True', 'Unknown']
const REASON_MAX = 1024
const MESSAGE_MAX = 32 * 1024
const REASON = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/
const REASON_MESSAGE =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"

export function validateConditions(conditions: DeepReadonly<Condition[]> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  conditions?.forEach((condition, i) => {
    const { type = '' } = condition
    if (seen.has(type)) errors.push(fieldDuplicate(`${field}[${i}].type`, type))
    seen.add(type)
    validateCondition(errors, `${field}[${i}]`, condition)
  })
  return errors
}

function validateCondition(errors: FieldError[], field: string, condition: DeepReadonly<Partial<Condition>>): void {
  const { type = '', status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' } = condition
  addInvalid(errors, `${field}.type`, type, isQualifiedName(type))
  if (!STATUSES.includes(status)) errors.push(fieldNotSupported(`${field}.status`, status, STATUSES))
  if (observedGeneration < 0) {
    const detail = 'must be greater than or equal to zero'
    errors.push(fieldInvalid(`${field}.observedGeneration`, observedGeneration, detail))
  }
  if (lastTransitionTime === undefined) errors.push(fieldRequired(`${field}.lastTransitionTime`, ''))
  if (reason === '') errors.push(fieldRequired(`${field}.reason`, ''))
  else if (!REASON.test(reason)) errors.push(fieldInvalid(`${field}.reason`, reason, REASON_MESSAGE))
  if (Buffer.byteLength(reason) > REASON_MAX) errors.push(fieldTooLong(`${field}.reason`, REASON_MAX))
  if (Buffer.byteLength(message) > MESSAGE_MAX) errors.push(fieldTooLong(`${field}.message`, MESSAGE_MAX))
}
