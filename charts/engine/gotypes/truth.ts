// Truth as text/template defines it, and sprig's `empty`.

import { GoInt, GoObject, GoSlice, type GoValue } from './value.ts'

export function isTrue(value: GoValue): boolean {
  if (value === null || value === undefined) return false
  if (typeof value === 'boolean') return value
  if (typeof value === 'string') return value.length > 0
  if (typeof value === 'number') return value !== 0
  if (value instanceof GoInt) return value.value !== 0n
  if (value instanceof Map) return value.size > 0
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof GoSlice) return value.items.length > 0
  if (value instanceof Uint8Array) return value.length > 0
  if (value instanceof GoObject && value.kind !== 'struct') return value.fields.size > 0
  return true // Structs and functions.
}

/** sprig's empty(): like !isTrue, except that structs and functions are never empty either. */
export function isEmpty(value: GoValue): boolean {
  return !isTrue(value)
}
