/** Parameters for drivers. Upstream: pkg/apis/resource/validation validateDeviceConfiguration, validateRawExtension. */
import type { DeviceConfiguration } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired, fieldTooLong } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkDriverName } from '../validation.ts'

const PARAMETERS_MAX_BYTES = 10 * 1024

/** `isStored`: what came before the limit may stay as long as it is. */
export function validateConfiguration(
  errors: FieldError[],
  field: string,
  { opaque }: DeepReadonly<DeviceConfiguration>,
  isStored: boolean,
): void {
  if (opaque === undefined) {
    errors.push(fieldRequired(`${field}.opaque`, ''))
    return
  }
  checkDriverName(errors, `${field}.opaque.driver`, opaque.driver)
  checkRawObject(errors, `${field}.opaque.parameters`, opaque.parameters, isStored)
}

/** Any JSON object. */
export function checkRawObject(errors: FieldError[], field: string, value: unknown, isStored: boolean): void {
  if (value === undefined || value === null) errors.push(fieldRequired(field, ''))
  else if (!isStored && Buffer.byteLength(JSON.stringify(value)) > PARAMETERS_MAX_BYTES) {
    errors.push(fieldTooLong(field, PARAMETERS_MAX_BYTES))
  } else if (typeof value !== 'object' || Array.isArray(value)) {
    errors.push(fieldInvalid(field, '<value omitted>', 'must be a valid JSON object'))
  }
}
