/** Copying, comparing and freezing JSON-shaped values. Absent, null and undefined are kept apart. */
import type { DeepReadonly } from './types.ts'

/** A mutable copy of a JSON-shaped value. `undefined` members are dropped, as JSON would. */
export function deepCopy<T>(value: DeepReadonly<T> | T): T {
  return copyValue(value) as T
}

function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const length = value.length
    const copy = new Array<unknown>(length)
    for (let i = 0; i < length; i++) copy[i] = copyValue(value[i])
    return copy
  }
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    if (member !== undefined) setMember(copy, key, copyValue(member))
  }
  return copy
}

/** Assigns an own member even for `__proto__`, which a plain assignment would turn into a prototype change. */
export function setMember(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    target[key] = value
  }
}

/** Semantic equality of JSON-shaped values: member order is ignored, an undefined member equals an absent one. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return Number.isNaN(a) && Number.isNaN(b)
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false
    return true
  }
  if (Array.isArray(b)) return false
  return membersEqual(a as Record<string, unknown>, b as Record<string, unknown>)
}

function membersEqual(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  let inA = 0
  for (const key of Object.keys(a)) {
    const member = a[key]
    if (member === undefined) continue
    inA++
    const other = b[key]
    // Equal to what `b` inherits is not equal: only a name like `constructor` gets as far as the second question.
    if ((member !== other && !deepEqual(member, other)) || !Object.hasOwn(b, key)) return false
  }
  let inB = 0
  for (const key of Object.keys(b)) if (b[key] !== undefined) inB++
  return inA === inB
}

/** Freezes the whole tree and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const member of Object.values(value)) deepFreeze(member)
  return value
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
