/**
 * The identity of list items: their keys (defaults included) or, in a set, their value.
 * Upstream: structured-merge-diff typed/helpers.go listItemToPathElement.
 */
import { isObject } from '#machinery/util/json.ts'
import { keyElement, valueElement } from './path-element.ts'
import type { ListType } from './types.ts'

/** Throws an Error for an item that has no identity. */
export function itemElement(list: ListType, item: unknown): string {
  if (list.keys === undefined) return setElement(item)
  if (item === null) throw new Error('associative list with keys may not have a null element')
  if (!isObject(item)) throw new Error('associative list with keys may not have non-map elements')
  const fields = list.element.map?.fields
  const element = keyElement(list.keys, (name) => {
    const value = Object.hasOwn(item, name) ? item[name] : undefined
    return value ?? fields?.get(name)?.default
  })
  if (element !== 'k:{}') return element
  throw new Error(
    `associative list with keys has an element that omits all key fields ${JSON.stringify(list.keys)} (and doesn't have default values for any key fields)`,
  )
}

function setElement(item: unknown): string {
  if (item === null) throw new Error("associative list without keys has an element that's an explicit null")
  if (Array.isArray(item)) throw new Error('not supported: associative list with lists as elements')
  if (typeof item === 'object') throw new Error("associative list without keys has an element that's a map type")
  return valueElement(item)
}

/** Whether both have an identity, and the same one. */
export function isSameItem(list: ListType, a: unknown, b: unknown): boolean {
  if (list.keys === undefined) return a === b
  if (!isObject(a) || !isObject(b)) return false
  // With defaults in play the identity has to be spelled out.
  return list.keys.every((name) => a[name] === b[name] && typeof a[name] !== 'object' && a[name] !== undefined)
}

/** The items of a stored list by identity, duplicates together; those without an identity are left out. */
export function itemsByElement(list: ListType, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>()
  for (const item of items) {
    const element = tryItemElement(list, item)
    if (element === undefined) continue
    const same = found.get(element)
    if (same === undefined) found.set(element, [item])
    else same.push(item)
  }
  return found
}

export function tryItemElement(list: ListType, item: unknown): string | undefined {
  try {
    return itemElement(list, item)
  } catch {
    return undefined
  }
}
