/** Claims that are part of a pod or a StatefulSet. Upstream: pkg/apis/core/validation ValidatePersistentVolumeClaimTemplate. */
import type { PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabelSelector, checkTemplateMeta } from '../../validation.ts'

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const VOLUME_MODES = ['Block', 'Filesystem']

export function validateClaimTemplate(
  errors: FieldError[],
  field: string,
  template: DeepReadonly<PersistentVolumeClaimTemplate>,
): void {
  const { metadata } = template
  checkTemplateMeta(errors, `${field}.metadata`, metadata)
  for (const member of Object.keys(metadata ?? {})) {
    if (member === 'labels' || member === 'annotations') continue
    errors.push(fieldForbidden(`${field}.metadata.${member}`, 'cannot be set'))
  }
  validateClaimSpec(errors, `${field}.spec`, template.spec ?? {})
}

export function validateClaimSpec(
  errors: FieldError[],
  field: string,
  spec: DeepReadonly<PersistentVolumeClaimSpec>,
): void {
  const { accessModes = [], storageClassName = '', volumeMode, dataSource, dataSourceRef } = spec
  if (accessModes.length === 0) {
    errors.push(fieldRequired(`${field}.accessModes`, 'at least 1 access mode is required'))
  }
  checkLabelSelector(errors, `${field}.selector`, spec.selector)
  for (const mode of accessModes) {
    if (!ACCESS_MODES.includes(mode)) errors.push(fieldNotSupported(`${field}.accessModes`, mode, ACCESS_MODES))
  }
  if (accessModes.includes('ReadWriteOncePod') && accessModes.some((mode) => mode !== 'ReadWriteOncePod')) {
    const detail = 'may not use ReadWriteOncePod with other access modes'
    errors.push(fieldForbidden(`${field}.accessModes`, detail))
  }
  const storage = spec.resources?.requests?.['storage']
  const at = `${field}.resources[storage]`
  const quantity = storage === undefined ? undefined : tryParseQuantity(String(storage))
  if (storage === undefined) errors.push(fieldRequired(at, ''))
  else if (quantity === undefined || quantity.sign <= 0) {
    errors.push(fieldInvalid(at, quantity?.toString() ?? storage, 'must be greater than zero'))
  }
  if (storageClassName !== '') {
    addInvalid(errors, `${field}.storageClassName`, storageClassName, isDns1123Subdomain(storageClassName))
  }
  if (volumeMode !== undefined && !VOLUME_MODES.includes(volumeMode)) {
    errors.push(fieldNotSupported(`${field}.volumeMode`, volumeMode, VOLUME_MODES))
  }
  if (dataSource !== undefined) checkSource(errors, `${field}.dataSource`, dataSource)
  if (dataSourceRef !== undefined) checkSource(errors, `${field}.dataSourceRef`, dataSourceRef)
}

function checkSource(
  errors: FieldError[],
  field: string,
  source: { readonly name?: string; readonly kind?: string; readonly apiGroup?: string },
): void {
  const { name = '', kind = '', apiGroup = '' } = source
  if (name === '') errors.push(fieldRequired(`${field}.name`, ''))
  if (kind === '') errors.push(fieldRequired(`${field}.kind`, ''))
  if (apiGroup === '' && kind !== 'PersistentVolumeClaim') {
    const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
    errors.push(fieldInvalid(field, kind, detail))
  }
  if (apiGroup !== '') addInvalid(errors, `${field}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup))
}
