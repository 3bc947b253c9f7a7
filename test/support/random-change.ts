/**
 * What is done to random objects between two looks at them: lists that merge get keys, members go away, one object becomes
 * two that share nothing. Types lead the way: what is atomic stays whole.
 */

import { schemaFacts } from '#machinery/schema/facts.ts'
import type { MergeType } from '#machinery/structured-merge/types.ts'
import { isObject } from '#machinery/util/json.ts'

type Random = () => number
export type Plain = Record<string, unknown>

/** Members without value removed at every depth, and objects and lists that held nothing else: what patches cannot say. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutEmpty).filter((item) => item !== undefined)
    return items.length === 0 ? undefined : items
  }
  if (!isObject(value)) return value === null ? undefined : value
  const entries = Object.entries(value).map(([name, member]) => [name, withoutEmpty(member)] as const)
  const kept = entries.filter(([, member]) => member !== undefined)
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

/** A copy without null members: to a merge patch they are deletions. */
export function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutNulls) as T
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(([, member]) => member !== null)
  return Object.fromEntries(entries.map(([name, member]) => [name, withoutNulls(member)])) as T
}

/** Lists that merge by key or by value hold each key once, and none without; others stay. Changes the object. */
export function uniqueItems(type: string, object: Plain): void {
  for (const [name, expression, , , extra] of schemaFacts().fieldsOf(type) ?? []) {
    const value = object[name]
    if (Array.isArray(value)) {
      const inner = expression.slice(2)
      for (const item of value) if (isObject(item)) uniqueItems(inner, item as Plain)
      const keys = [[extra?.patchMergeKey ?? ''], extra?.listMapKeys ?? []].filter((names) => names.join('') !== '')
      let items: unknown[] = value
      for (const names of keys) items = uniqueBy(items, (item) => keyOf(names, item as Plain))
      if (extra?.listType === 'set' || (extra?.patchStrategy === 'merge' && keys.length === 0))
        items = uniqueBy(items, (item) => JSON.stringify(item))
      if (items.length === 0) delete object[name]
      else object[name] = items
    } else if (isObject(value)) {
      if (!expression.startsWith('{}')) uniqueItems(expression, value as Plain)
      else for (const item of Object.values(value)) if (isObject(item)) uniqueItems(expression.slice(2), item as Plain)
    }
  }
}

function keyOf(names: readonly string[], item: Plain): string | undefined {
  const values = names.map((name) => item[name])
  return values.includes(undefined) ? undefined : JSON.stringify(values)
}

function uniqueBy(items: readonly unknown[], key: (item: unknown) => string | undefined): unknown[] {
  const seen = new Set<string>()
  return items.filter((item) => {
    const text = key(item)
    if (text === undefined || seen.has(text)) return false
    seen.add(text)
    return true
  })
}

/** A copy of the object with some members and items gone, at any depth but in keys. */
export function thinned<T>(type: MergeType, value: T, random: Random, chance: number): T {
  if (Array.isArray(value) && type.list?.isAtomic === false) {
    const { element } = type.list
    const kept = value.filter(() => random() >= chance).map((item) => thinnedItem(type, element, item, random, chance))
    return kept as T
  }
  if (!isObject(value) || type.map === undefined || type.map.isAtomic) return value
  const copy: Plain = {}
  for (const [name, member] of Object.entries(value)) {
    const field = type.map.fields?.get(name)?.type ?? type.map.element
    if (random() >= chance) copy[name] = field === undefined ? member : thinned(field, member, random, chance)
  }
  return copy as T
}

function thinnedItem(list: MergeType, element: MergeType, item: unknown, random: Random, chance: number): unknown {
  if (!isObject(item)) return item
  const thin = { ...thinned(element, item as Plain, random, chance) }
  for (const key of list.list?.keys ?? []) if (Object.hasOwn(item, key)) thin[key] = (item as Plain)[key]
  return thin
}

/** Two objects that together have every member of `value` and share none, but for the keys of list items. */
export function divided(type: MergeType, value: unknown, random: Random): readonly [unknown, unknown] {
  const whole = (): readonly [unknown, unknown] => (random() < 0.5 ? [value, undefined] : [undefined, value])
  if (!isObject(value) || type.map === undefined || type.map.isAtomic || Object.keys(value).length === 0) return whole()
  const parts: [Plain, Plain] = [{}, {}]
  for (const [name, member] of Object.entries(value)) {
    const field = type.map.fields?.get(name)?.type ?? type.map.element
    const halves = field === undefined ? [member, undefined] : divided(field, member, random)
    for (const [i, half] of halves.entries()) if (half !== undefined) (parts[i as 0 | 1] as Plain)[name] = half
  }
  return parts
}
