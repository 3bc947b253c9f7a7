/**
 * The vocabulary of strategic merge patches: directive names, their errors, and how lists are ordered and partitioned.
 * Upstream: apimachinery pkg/util/strategicpatch/patch.go, pkg/util/mergepatch/errors.go. Differs: a patch that cannot be
 * merged is always the client's fault (400), where upstream lets some of these errors out as 500.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { StatusError } from '#machinery/meta/errors.ts'
import type { StrategicMergeField } from '#machinery/schema/interfaces.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import { isObject } from '#machinery/util/json.ts'

export const PATCH_DIRECTIVE = '$patch'
export const RETAIN_KEYS_DIRECTIVE = '$retainKeys'
export const DELETE_FROM_LIST_PREFIX = '$deleteFromPrimitiveList'
export const SET_ELEMENT_ORDER_PREFIX = '$setElementOrder'

export const badRetainKeys = (): StatusError => newBadRequest('invalid patch format of retainKeys')
export const badSetElementOrder = (): StatusError => newBadRequest('invalid patch format of setElementOrder list')
const badPrimitiveList = (): StatusError => newBadRequest('invalid patch format of primitive list')
const noListOfLists = (): StatusError => newBadRequest('lists of lists are not supported')
export const noMergeKey = (element: JsonObject, key: string): StatusError =>
  newBadRequest(`map: ${JSON.stringify(element)} does not contain declared merge key: ${key}`)
export const badDirective = (directive: JsonValue | undefined, element: JsonObject): StatusError =>
  newBadRequest(`unknown patch type: ${String(directive)} in map: ${JSON.stringify(element)}`)
export const badType = (expected: string, actual: JsonValue | undefined): StatusError =>
  newBadRequest(`expected a ${expected}, but received a ${jsonKind(actual)}`)

export type JsonKind = 'nil' | 'bool' | 'number' | 'string' | 'list' | 'map'

export function jsonKind(value: JsonValue | undefined): JsonKind {
  if (value === null || value === undefined) return 'nil'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'object') return 'map'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? 'number' : 'string'
}

/** The name behind `$setElementOrder/` or `$deleteFromPrimitiveList/`. */
export function directiveTarget(key: string, prefix: string): string {
  const slash = key.indexOf('/')
  if (slash !== prefix.length) throw prefix === SET_ELEMENT_ORDER_PREFIX ? badSetElementOrder() : badPrimitiveList()
  return key.slice(slash + 1)
}

/** `replace`, `merge` or none; retainKeys is a flag beside it. */
export function listStrategy(field: StrategicMergeField | undefined): 'merge' | 'replace' | undefined {
  const strategies = field?.strategies ?? []
  return strategies.includes('merge') ? 'merge' : strategies.includes('replace') ? 'replace' : undefined
}

/** The one kind all elements have; undefined when there are none. */
export function elementKind(...lists: readonly (readonly JsonValue[])[]): JsonKind | undefined {
  let kind: JsonKind | undefined
  for (const list of lists) {
    for (const element of list) {
      const current = jsonKind(element)
      if (kind === undefined) {
        if (current === 'list') throw noListOfLists()
        kind = current
      } else if (kind !== current) {
        throw newBadRequest(`list element types are not identical: ${JSON.stringify(lists)}`)
      }
    }
  }
  return kind
}

/** What identifies an element: the merge key's value in a list of objects, the element itself in a list of scalars. */
export function elementKey(element: JsonValue, mergeKey: string): JsonValue {
  if (mergeKey === '') return element
  if (!isObject(element)) throw badType('map', element)
  const value = (element as JsonObject)[mergeKey]
  if (value === undefined) throw noMergeKey(element as JsonObject, mergeKey)
  return value
}

/** First position of every key. */
export function positions(list: readonly JsonValue[], mergeKey: string): Map<JsonValue, number> {
  const found = new Map<JsonValue, number>()
  list.forEach((element, i) => {
    const key = elementKey(element, mergeKey)
    if (!found.has(key)) found.set(key, i)
  })
  return found
}

/** Sorts by the position in `order`, stably; `$patch: delete` elements go last. */
export function sortedLike(list: readonly JsonValue[], order: readonly JsonValue[], mergeKey: string): JsonValue[] {
  const rank = positions(order, mergeKey)
  const rankOf = (element: JsonValue): number => rank.get(elementKey(element, mergeKey)) ?? -1
  const deletions = mergeKey === '' ? [] : list.filter(isDeletion)
  const rest = mergeKey === '' ? [...list] : list.filter((element) => !isDeletion(element))
  return [...rest.sort((a, b) => rankOf(a) - rankOf(b)), ...deletions]
}

export function isDeletion(element: JsonValue): boolean {
  return isObject(element) && element[PATCH_DIRECTIVE] === 'delete'
}

/**
 * Orders a merged list: elements the patch names follow `patchOrder`, the others keep the server's order; where both
 * orders know two elements the server's decides.
 */
export function ordered(
  merged: readonly JsonValue[],
  patchOrder: readonly JsonValue[],
  serverOrder: readonly JsonValue[],
  mergeKey: string,
): JsonValue[] {
  const inPatch = positions(patchOrder, mergeKey)
  const isPatched = (element: JsonValue): boolean => inPatch.has(elementKey(element, mergeKey))
  const left = sortedLike(
    merged.filter((element) => !isPatched(element)),
    serverOrder,
    mergeKey,
  )
  const right = sortedLike(merged.filter(isPatched), patchOrder, mergeKey)
  const rank = positions(serverOrder, mergeKey)
  const result: JsonValue[] = []
  let i = 0
  let j = 0
  while (i < left.length && j < right.length) {
    const l = rank.get(elementKey(left[i] as JsonValue, mergeKey))
    const r = rank.get(elementKey(right[j] as JsonValue, mergeKey))
    if (l !== undefined && r !== undefined && l < r) result.push(left[i++] as JsonValue)
    else result.push(right[j++] as JsonValue)
  }
  return result.concat(left.slice(i), right.slice(j))
}
