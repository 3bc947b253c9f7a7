/**
 * What a claim asks for, be it an object of its own or part of a pod or a StatefulSet.
 * Upstream: pkg/apis/core/validation ValidatePersistentVolumeClaimSpec, ValidatePersistentVolumeClaimTemplate.
 */
import type {
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimTemplate,
  TypedObjectReference,
} from '#machinery/api/core/v1/types.gen.ts'
import type { ObjectMeta } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired, keyField } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkAnnotations, checkLabelSelector, checkLabels } from '../../validation.ts'
import { checkAccessModes, checkClassName, checkPositiveQuantity, checkVolumeMode } from './shared-validation.ts'

type FrozenSpec = DeepReadonly<PersistentVolumeClaimSpec>

/** `allowsOddGroup`: the stored claim has an API group, whatever it is. */
export function validateClaimSpec(errors: FieldError[], field: string, spec: FrozenSpec, allowsOddGroup = false): void {
  const { accessModes = [] } = spec
  if (accessModes.length === 0) {
    errors.push(fieldRequired(`${field}.accessModes`, 'at least 1 access mode is required'))
  }
  checkLabelSelector(errors, `${field}.selector`, spec.selector)
  checkAccessModes(errors, `${field}.accessModes`, accessModes)
  const storage = spec.resources?.requests?.['storage']
  const storageField = keyField(`${field}.resources`, 'storage')
  if (storage === undefined) errors.push(fieldRequired(storageField, ''))
  else checkPositiveQuantity(errors, storageField, storage)
  checkClassName(errors, `${field}.storageClassName`, spec.storageClassName)
  checkVolumeMode(errors, `${field}.volumeMode`, spec.volumeMode)
  validateDataSources(errors, field, spec, allowsOddGroup)
  checkClassName(errors, `${field}.volumeAttributesClassName`, spec.volumeAttributesClassName)
}

function validateDataSources(errors: FieldError[], field: string, spec: FrozenSpec, allowsOddGroup: boolean): void {
  const { dataSource, dataSourceRef } = spec
  if (dataSource !== undefined) validateDataSource(errors, `${field}.dataSource`, dataSource, allowsOddGroup)
  if (dataSourceRef === undefined) return
  validateDataSource(errors, `${field}.dataSourceRef`, dataSourceRef, allowsOddGroup)
  const { namespace = '' } = dataSourceRef
  if (namespace !== '') {
    addInvalid(errors, `${field}.dataSourceRef.namespace`, namespace, isDns1123Label(namespace))
  }
  if (dataSource === undefined) return
  const isSame =
    dataSource.apiGroup === dataSourceRef.apiGroup &&
    dataSource.kind === dataSourceRef.kind &&
    dataSource.name === dataSourceRef.name
  // The bad value is a field.Path, which has no exported members.
  if (namespace !== '') {
    errors.push(fieldInvalid(field, {}, 'may not be specified when dataSourceRef.namespace is specified'))
  } else if (!isSame) errors.push(fieldInvalid(field, {}, 'must match dataSourceRef'))
}

function validateDataSource(
  errors: FieldError[],
  field: string,
  { apiGroup = '', kind, name }: DeepReadonly<TypedObjectReference>,
  allowsOddGroup: boolean,
): void {
  if ((name ?? '') === '') errors.push(fieldRequired(`${field}.name`, ''))
  if ((kind ?? '') === '') errors.push(fieldRequired(`${field}.kind`, ''))
  if (apiGroup === '') {
    const detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
    if (kind !== 'PersistentVolumeClaim') errors.push(fieldInvalid(field, kind ?? '', detail))
  } else if (!allowsOddGroup) addInvalid(errors, `${field}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup))
}

export function validateClaimTemplate(
  errors: FieldError[],
  field: string,
  { metadata, spec }: DeepReadonly<PersistentVolumeClaimTemplate>,
): void {
  checkEmbeddedMeta(errors, `${field}.metadata`, metadata)
  validateClaimSpec(errors, `${field}.spec`, spec ?? {})
}

/** Labels and annotations, and nothing else. Upstream: ValidateTemplateObjectMeta. */
function checkEmbeddedMeta(errors: FieldError[], field: string, meta: DeepReadonly<ObjectMeta> | undefined): void {
  checkAnnotations(errors, `${field}.annotations`, meta?.annotations)
  checkLabels(errors, `${field}.labels`, meta?.labels)
  for (const member of Object.keys(meta ?? {})) {
    if (member === 'labels' || member === 'annotations') continue
    errors.push(fieldForbidden(`${field}.${member}`, 'cannot be set'))
  }
}
