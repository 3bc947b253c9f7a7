// Field access on a value. Upstream: text/template/exec.go evalField.

import { typeOf } from '../gotypes/kind.ts'
import { GoFunc, GoObject, type GoValue, TypedMap } from '../gotypes/value.ts'

/** Thrown text is positioned by the caller. */
export class FieldError extends Error {}

interface FieldAccess {
  readonly name: string
  /** Whether the receiver came out of a container: its static type is then interface {}. */
  readonly isInner: boolean
  readonly strict: boolean
}

/** A method found under the name is returned as GoFunc; the caller calls it. */
export function getField(receiver: GoValue, access: FieldAccess): GoValue {
  const { name } = access
  if (receiver instanceof Map) {
    const value = receiver.get(name)
    if (value !== undefined) return value
    if (access.strict && !receiver.has(name)) throw new FieldError(`map has no entry for key ${JSON.stringify(name)}`)
    return receiver instanceof TypedMap ? receiver.zero : null
  }
  if (receiver === undefined) return undefined
  if (receiver === null) throw new FieldError(`nil pointer evaluating interface {}.${name}`)
  if (receiver instanceof GoObject) {
    const method = receiver.methods.get(name)
    if (method !== undefined) return method
    const value = receiver.fields.get(name)
    if (value !== undefined) return value
    if (receiver.kind === 'map') return receiver.fields.has(name) ? null : undefined
  }
  throw new FieldError(`can't evaluate field ${name} in type ${access.isInner ? 'interface {}' : typeOf(receiver)}`)
}

export function isMethod(receiver: GoValue, value: GoValue): value is GoFunc {
  return value instanceof GoFunc && receiver instanceof GoObject
}
