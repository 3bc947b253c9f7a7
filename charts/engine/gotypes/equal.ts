// reflect.DeepEqual for template values.

import { typeOf } from './kind.ts'
import { GoInt, GoObject, type GoValue, sliceItems } from './value.ts'

export function deepEqual(a: GoValue, b: GoValue): boolean {
  if (a === b) return true
  if (a === null || a === undefined || b === null || b === undefined) {
    return (a === null || a === undefined) && (b === null || b === undefined)
  }
  if (typeOf(a) !== typeOf(b)) return false
  if (a instanceof GoInt && b instanceof GoInt) return a.value === b.value
  if (a instanceof Map && b instanceof Map) return mapsEqual(a, b)
  const left = sliceItems(a)
  const right = sliceItems(b)
  if (left !== undefined && right !== undefined) {
    return left.length === right.length && left.every((item, i) => deepEqual(item, right[i]))
  }
  if (a instanceof GoObject && b instanceof GoObject) return mapsEqual(a.fields, b.fields) && a.text?.() === b.text?.()
  return false
}

function mapsEqual(a: ReadonlyMap<string, GoValue>, b: ReadonlyMap<string, GoValue>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (!b.has(key) || !deepEqual(value, b.get(key))) return false
  return true
}
