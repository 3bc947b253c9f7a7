/** Upstream: pkg/apis/core/validation ValidateNamespace, ValidateFinalizerName. */
import type { Namespace } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const STANDARD = ['foregroundDeletion', 'kubernetes', 'orphan']

export function validateNamespace({ spec }: DeepReadonly<Namespace>): FieldError[] {
  const errors: FieldError[] = []
  for (const finalizer of spec?.finalizers ?? []) checkFinalizer(errors, 'spec.finalizers', finalizer)
  return errors
}

/** Upstream: ValidateNamespaceFinalizeUpdate, whose paths are indexed. */
export function validateNamespaceFinalize({ spec }: DeepReadonly<Namespace>): FieldError[] {
  const errors: FieldError[] = []
  spec?.finalizers?.forEach((finalizer, i) => {
    checkFinalizer(errors, `spec.finalizers[${i}]`, finalizer)
  })
  return errors
}

function checkFinalizer(errors: FieldError[], field: string, finalizer: string): void {
  for (const message of isQualifiedName(finalizer)) errors.push(fieldInvalid(field, finalizer, message))
  if (finalizer.includes('/') || STANDARD.includes(finalizer)) return
  errors.push(fieldInvalid(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
}

export function validateNamespaceStatusUpdate(
  namespace: DeepReadonly<Namespace>,
  old: DeepReadonly<Namespace>,
): FieldError[] {
  const phase = namespace.status?.phase
  if (old.metadata.deletionTimestamp === undefined) {
    if (phase === 'Active' || phase === undefined || phase === '') return []
    return [fieldInvalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")]
  }
  if (phase === 'Terminating') return []
  return [fieldInvalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")]
}
