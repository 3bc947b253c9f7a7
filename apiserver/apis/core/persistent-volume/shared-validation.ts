/** What volumes and claims have in common. Upstream: pkg/apis/core/validation. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { addInvalid } from '../../validation.ts'

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const VOLUME_MODES = ['Block', 'Filesystem']

export function checkAccessModes(errors: FieldError[], field: string, modes: readonly string[]): void {
  for (const mode of modes) {
    if (!ACCESS_MODES.includes(mode)) errors.push(fieldNotSupported(field, mode, ACCESS_MODES))
  }
  const others = modes.filter((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode))
  if (modes.includes('ReadWriteOncePod') && others.length > 0) {
    errors.push(fieldForbidden(field, 'may not use ReadWriteOncePod with other access modes'))
  }
}

export function checkVolumeMode(errors: FieldError[], field: string, mode: string | undefined): void {
  if (mode !== undefined && !VOLUME_MODES.includes(mode)) errors.push(fieldNotSupported(field, mode, VOLUME_MODES))
}

export function checkPositiveQuantity(errors: FieldError[], field: string, text: string): void {
  const quantity = tryParseQuantity(String(text))
  if (quantity === undefined || quantity.sign <= 0) errors.push(fieldInvalid(field, text, 'must be greater than zero'))
}

/** Upstream: validateBasicResource. */
export function checkBasicResource(errors: FieldError[], field: string, text: string): void {
  const value = tryParseQuantity(String(text))?.value() ?? 0
  if (value < 0) errors.push(fieldInvalid(field, value, 'must be a valid resource quantity'))
}

/** Empty is no class. */
export function checkClassName(errors: FieldError[], field: string, name: string | undefined): void {
  if (name !== undefined && name !== '') addInvalid(errors, field, name, isDns1123Subdomain(name))
}
