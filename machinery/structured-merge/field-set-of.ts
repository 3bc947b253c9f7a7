/**
 * The fields a configuration mentions: what an apply owns. Upstream: structured-merge-diff typed/tofieldset.go,
 * fieldpath/set.go EnsureNamedFieldsAreMembers.
 */
import { isObject } from '#machinery/util/json.ts'
import type { FieldSet } from './field-set.ts'
import { EMPTY_SET, elementsOf, hasElement, isEmptySet, nodeOf } from './field-set.ts'
import { tryItemElement } from './list-items.ts'
import { fieldElement } from './path-element.ts'
import type { ListType, MapType, MergeType } from './types.ts'
import { shapeOf } from './types.ts'

export function fieldSetOf(type: MergeType, value: unknown): FieldSet {
  return nodeFor(type, value, false) ?? EMPTY_SET
}

function nodeFor(type: MergeType, value: unknown, isSelf: boolean): FieldSet | undefined {
  switch (shapeOf(type, value)) {
    case 'scalar':
      return EMPTY_SET
    case 'list':
      return listNode(type.list as ListType, value, isSelf)
    case 'map':
      return mapNode(type.map as MapType, value, isSelf)
  }
}

function mapNode(map: MapType, value: unknown, isSelf: boolean): FieldSet | undefined {
  if (map.isAtomic) return EMPTY_SET
  const children: Record<string, FieldSet> = {}
  if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const field = map.fields?.get(name)
      const type = field?.type ?? map.element
      if (type === undefined) continue
      const isLeaf = member === null || (isObject(member) && Object.keys(member).length === 0)
      const child = nodeFor(type, member, isLeaf || field === undefined)
      if (child !== undefined) children[fieldElement(name)] = child
    }
  }
  return nodeOf(isSelf, children)
}

function listNode(list: ListType, value: unknown, isSelf: boolean): FieldSet | undefined {
  if (list.isAtomic) return EMPTY_SET
  const children: Record<string, FieldSet> = {}
  for (const item of Array.isArray(value) ? value : []) {
    const element = tryItemElement(list, item)
    if (element === undefined) continue
    const isDuplicate = children[element] !== undefined
    children[element] = (isDuplicate ? undefined : nodeFor(list.element, item, true)) ?? EMPTY_SET
  }
  return nodeOf(isSelf, children)
}

/** The set with the declared members on the way to its members: `.a.b.c` brings `.a` along, unless `a` is a map's key. */
export function withNamedFields(set: FieldSet, type: MergeType | undefined): FieldSet {
  const out: Record<string, FieldSet> = {}
  for (const element of elementsOf(set)) {
    const node = set[element] ?? EMPTY_SET
    if (isEmptySet(node)) {
      out[element] = node
      continue
    }
    const field = element.startsWith('f:') ? type?.map?.fields?.get(element.slice(2)) : undefined
    const below = withNamedFields(node, typeAt(type, element))
    out[element] = nodeOf(field !== undefined || hasElement(set, element), below) ?? EMPTY_SET
  }
  return out
}

function typeAt(type: MergeType | undefined, element: string): MergeType | undefined {
  if (element.startsWith('f:')) return type?.map?.fields?.get(element.slice(2))?.type ?? type?.map?.element
  return element.startsWith('k:') ? type?.list?.element : undefined
}
