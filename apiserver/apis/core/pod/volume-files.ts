/** Files that volumes are made of: keys of a Secret or ConfigMap, fields of the pod. Upstream: validateKeyToPath, validateDownwardAPIVolumeFile. */
import type { DownwardAPIVolumeFile, KeyToPath } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { VOLUME_FIELD_PATHS, validateFieldRef, validateResourceFieldRef } from './env-validation.ts'
import { checkNonReservedPath } from './paths.ts'

const MODE_MAX = 0o777

export function checkMode(errors: FieldError[], field: string, mode: number | undefined): void {
  if (mode === undefined || (mode >= 0 && mode <= MODE_MAX)) return
  errors.push(fieldInvalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
}

export function validateItems(errors: FieldError[], field: string, items: readonly DeepReadonly<KeyToPath>[]): void {
  items.forEach((item, i) => {
    validateItem(errors, `${field}[${i}]`, item)
  })
}

export function validateItem(
  errors: FieldError[],
  at: string,
  { key = '', path = '', mode }: DeepReadonly<KeyToPath>,
): void {
  if (key === '') errors.push(fieldRequired(`${at}.key`, ''))
  if (path === '') errors.push(fieldRequired(`${at}.path`, ''))
  checkNonReservedPath(errors, `${at}.path`, path)
  checkMode(errors, `${at}.mode`, mode)
}

/** A file of the downward API; upstream's path is that of the source, whichever file it is. */
export function validateDownwardFile(
  errors: FieldError[],
  field: string,
  { path = '', fieldRef, resourceFieldRef, mode }: DeepReadonly<DownwardAPIVolumeFile>,
): void {
  if (path === '') errors.push(fieldRequired(`${field}.path`, ''))
  checkNonReservedPath(errors, `${field}.path`, path)
  if (fieldRef !== undefined) {
    validateFieldRef(errors, `${field}.fieldRef`, fieldRef, VOLUME_FIELD_PATHS)
    if (resourceFieldRef !== undefined) {
      const detail = 'fieldRef and resourceFieldRef can not be specified simultaneously'
      errors.push(fieldInvalid(field, 'resource', detail))
    }
  } else if (resourceFieldRef !== undefined) {
    validateResourceFieldRef(errors, `${field}.resourceFieldRef`, resourceFieldRef, true)
  } else errors.push(fieldRequired(field, 'one of fieldRef and resourceFieldRef is required'))
  checkMode(errors, `${field}.mode`, mode)
}
