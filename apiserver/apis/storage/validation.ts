/** Upstream: pkg/apis/storage/validation/validation.go. */
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkImmutable, checkName, checkOneOf } from '../validation.ts'

export function validateStorageClass(storageClass: DeepReadonly<StorageClass>): FieldError[] {
  const errors: FieldError[] = []
  checkName(errors, 'provisioner', storageClass.provisioner, (value) => isQualifiedName(value.toLowerCase()))
  checkOneOf(errors, 'reclaimPolicy', storageClass.reclaimPolicy, ['Delete', 'Retain'], 'allowed')
  checkOneOf(errors, 'volumeBindingMode', storageClass.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'])
  return errors
}

export function validateStorageClassUpdate(
  next: DeepReadonly<StorageClass>,
  old: DeepReadonly<StorageClass>,
): FieldError[] {
  const errors = validateStorageClass(next)
  const refuse = (field: string, a: unknown, b: unknown): void => {
    if (!deepEqual(a, b)) errors.push(fieldForbidden(field, `updates to ${field} are forbidden.`))
  }
  refuse('parameters', next.parameters ?? {}, old.parameters ?? {})
  refuse('provisioner', next.provisioner, old.provisioner)
  refuse('reclaimPolicy', next.reclaimPolicy, old.reclaimPolicy)
  checkImmutable(errors, 'volumeBindingMode', next.volumeBindingMode, old.volumeBindingMode)
  return errors
}
