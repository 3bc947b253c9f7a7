/** A value without the fields and list items of a set. Upstream: structured-merge-diff typed/remove.go. */
import { isObject, setMember } from '#machinery/util/json.ts'
import type { FieldSet } from './field-set.ts'
import { childSet, hasElement } from './field-set.ts'
import { tryItemElement } from './list-items.ts'
import { fieldElement } from './path-element.ts'
import type { ListType, MapType, MergeType } from './types.ts'
import { shapeOf } from './types.ts'

/** Null where nothing is left. Shares with `value` what stays as it is. */
export function removeItems(type: MergeType | undefined, value: unknown, set: FieldSet): unknown {
  if (type === undefined) return value
  switch (shapeOf(type, value)) {
    case 'scalar':
      return value
    case 'list':
      return removeFromList(type.list as ListType, value, set)
    case 'map':
      return removeFromMap(type.map as MapType, value, set)
  }
}

function removeFromList(list: ListType, value: unknown, set: FieldSet): unknown {
  if (!Array.isArray(value) || value.length === 0 || list.isAtomic) return null
  const items: unknown[] = []
  for (const item of value) {
    const element = tryItemElement(list, item) ?? ''
    if (hasElement(set, element)) continue
    const below = childSet(set, element)
    items.push(below === undefined ? item : removeItems(list.element, item, below))
  }
  return items.length === 0 ? null : items
}

function removeFromMap(map: MapType, value: unknown, set: FieldSet): unknown {
  if (!isObject(value) || map.isAtomic) return null
  const members: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    const element = fieldElement(name)
    if (hasElement(set, element)) continue
    const below = childSet(set, element)
    const type = map.fields?.get(name)?.type ?? map.element
    setMember(members, name, below === undefined ? member : removeItems(type, member, below))
  }
  return Object.keys(members).length === 0 ? null : members
}
