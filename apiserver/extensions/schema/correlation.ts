/**
 * What of a value was there before an update: the old item of a list's item, and whether a part is as it was. What the
 * schema does not know cannot be compared, and counts as changed.
 * Upstream: apiserver pkg/cel/common/equality.go (CorrelatedObject).
 */
import { deepEqual } from '#machinery/util/json.ts'
import type { SchemaNode } from './node.ts'
import { memberNode } from './node.ts'

type Members = Readonly<Record<string, unknown>>

/** Stands for "there is no old value to compare with", which null is not. */
export const NO_OLD: unique symbol = Symbol('no old value')

/** Items of lists of type map are the same item when their keys are equal; other items have no old self. */
export function oldItemFinder(old: unknown, node: SchemaNode): (item: unknown) => unknown {
  if (node.listType !== 'map' || !Array.isArray(old)) return () => NO_OLD
  let byKey: Map<string, unknown> | undefined
  const keyOf = (item: unknown): string => {
    const members = typeof item === 'object' && item !== null ? (item as Members) : {}
    return JSON.stringify(node.listMapKeys.map((key) => members[key] ?? null))
  }
  return (item) => {
    byKey ??= new Map(old.map((one) => [keyOf(one), one]))
    const key = keyOf(item)
    return byKey.has(key) ? byKey.get(key) : NO_OLD
  }
}

/** The order of a list of type map does not matter. */
export function isUnchanged(value: unknown, old: unknown, node: SchemaNode | undefined): boolean {
  if (old === NO_OLD || node === undefined) return false
  if (typeof value !== 'object' || value === null || typeof old !== 'object' || old === null) return value === old
  if (Array.isArray(value)) return Array.isArray(old) && areItemsUnchanged(value, old, node)
  return !Array.isArray(old) && areMembersUnchanged(value as Members, old as Members, node)
}

function areItemsUnchanged(list: readonly unknown[], old: readonly unknown[], node: SchemaNode): boolean {
  if (list.length !== old.length) return false
  if (node.listType !== 'map') return deepEqual(list, old)
  const find = oldItemFinder(old, node)
  return list.every((item) => isUnchanged(item, find(item), node.items))
}

function areMembersUnchanged(members: Members, old: Members, node: SchemaNode): boolean {
  const names = Object.keys(members)
  if (names.length !== Object.keys(old).length) return false
  return names.every(
    (name) => Object.hasOwn(old, name) && isUnchanged(members[name], old[name], memberNode(node, name)),
  )
}
