/** Paths inside volumes and on hosts. Upstream: pkg/apis/core/validation validateLocalDescendingPath and its kin. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'

export function checkNoBacksteps(errors: FieldError[], field: string, path: string): void {
  if (!path.includes('..')) return
  if (path.split('/').includes('..')) errors.push(fieldInvalid(field, path, "must not contain '..'"))
}

/** Relative, without a way up. Upstream: validateLocalDescendingPath. */
export function checkDescendingPath(errors: FieldError[], field: string, path: string): void {
  if (path.startsWith('/')) errors.push(fieldInvalid(field, path, 'must be a relative path'))
  checkNoBacksteps(errors, field, path)
}

/** Upstream: ValidateLocalNonReservedPath. */
export function checkNonReservedPath(errors: FieldError[], field: string, path: string): void {
  checkDescendingPath(errors, field, path)
  if (path.startsWith('..') && !path.startsWith('../')) {
    errors.push(fieldInvalid(field, path, "must not start with '..'"))
  }
}
