/**
 * What one state of an object changed of another: the fields it set and the fields it removed, in one walk along the type.
 * On create the other state is the empty object. Upstream: structured-merge-diff typed/compare.go over Go structs.
 * Differs: added and modified fields are one set, as everything upstream does with them is.
 */
import { deepEqual } from '#machinery/util/json.ts'
import type { FieldSet } from './field-set.ts'
import { EMPTY_SET, insertNode } from './field-set.ts'
import { isSameItem, itemsByElement, tryItemElement } from './list-items.ts'
import { fieldElement } from './path-element.ts'
import type { ListType, MapType, MergeField, MergeType } from './types.ts'
import { shapeOf } from './types.ts'

export interface Changes {
  /** Added or modified. */
  readonly set: FieldSet
  readonly removed: FieldSet
}

type Members = Readonly<Record<string, unknown>>
const NOTHING: Members = Object.freeze({})
const NO_ITEMS: readonly unknown[] = []

/** What the server sets: nobody owns it, so nobody needs to know that it changed. */
const SERVER_METADATA: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
])

const isServerMetadata = (name: string): boolean => SERVER_METADATA.has(name)

/** Which parts of a whole object count. */
export interface ComparedParts {
  /** Top-level members that do not; metadata is not among them. */
  readonly skipped: ReadonlySet<string>
  readonly hasMetadata: boolean
  /** The new state is a merge with what a client sent: an empty value it wrote out is there, unlike in a Go struct. */
  readonly isSent?: boolean
}

/** Of whole objects; metadata as such is always there. */
export function compareObjects(type: MergeType, before: object, after: object, parts: ComparedParts): Changes {
  const changes = new ChangeRecorder(parts.isSent === true)
  const { map } = type
  if (map === undefined) return changes
  const was = before as Members
  const is = after as Members
  const metadata = map.fields?.get('metadata')
  compareMembers(map, was, is, changes, (name) => name === 'metadata' || parts.skipped.has(name))
  if (metadata?.type.map === undefined || !parts.hasMetadata) return changes
  changes.path.push(metadata.path)
  compareMembers(metadata.type.map, membersOf(was['metadata']), membersOf(is['metadata']), changes, isServerMetadata)
  changes.path.pop()
  return changes
}

class ChangeRecorder implements Changes {
  set: Record<string, FieldSet> = EMPTY_SET as Record<string, FieldSet>
  removed: Record<string, FieldSet> = EMPTY_SET as Record<string, FieldSet>
  readonly path: string[] = []
  /** Of the new state. */
  readonly isSent: boolean

  constructor(isSent: boolean) {
    this.isSent = isSent
  }

  sets(element: string, node: FieldSet): void {
    if (this.set === EMPTY_SET) this.set = {}
    insertNode(this.set, this.path, element, node)
  }

  removes(element: string, node: FieldSet): void {
    if (this.removed === EMPTY_SET) this.removed = {}
    insertNode(this.removed, this.path, element, node)
  }
}

function compareMembers(
  map: MapType,
  before: Members,
  after: Members,
  changes: ChangeRecorder,
  isSkipped: ((name: string) => boolean) | undefined,
): void {
  const { fields } = map
  for (const name in after) {
    if (isSkipped?.(name) === true) continue
    const field = fields?.get(name)
    const type = field?.type ?? map.element
    if (type === undefined) continue
    const is = after[name]
    const was = Object.hasOwn(before, name) ? before[name] : undefined
    if (is !== was) compareMember(type, field, name, was, is, changes)
  }
  for (const name in before) {
    if (Object.hasOwn(after, name) && after[name] !== undefined) continue
    if (isSkipped?.(name) === true) continue
    const field = fields?.get(name)
    const type = field?.type ?? map.element
    if (type !== undefined) compareMember(type, field, name, before[name], undefined, changes)
  }
}

function compareMember(
  type: MergeType,
  field: MergeField | undefined,
  name: string,
  before: unknown,
  after: unknown,
  changes: ChangeRecorder,
): void {
  const was = field === undefined ? before : effective(field, before, false)
  const is = field === undefined ? after : effective(field, after, changes.isSent)
  if (was === is) return
  compareValues(type, field?.path ?? fieldElement(name), was, is, changes)
}

function effective(field: MergeField, value: unknown, isSent: boolean): unknown {
  if (field.presence === 'explicit') return value
  if (field.presence === 'always') return value ?? field.zero
  return !isSent && isEmpty(value) ? undefined : value
}

/** What omitempty leaves out. */
function isEmpty(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === false) return true
  if (typeof value !== 'object') return value === undefined
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}

function compareValues(type: MergeType, element: string, was: unknown, is: unknown, changes: ChangeRecorder): void {
  if (was === undefined) {
    if (is !== undefined) changes.sets(element, wholeNode(type, is, changes.isSent))
  } else if (is === undefined) changes.removes(element, wholeNode(type, was, false))
  else comparePresent(type, element, was, is, changes)
}

function comparePresent(type: MergeType, element: string, was: unknown, is: unknown, changes: ChangeRecorder): void {
  const shape = was === null ? shapeOf(type, is) : shapeOf(type, was)
  if (is !== null && shapeOf(type, is) !== shape) {
    // One kind of value became another: all of the old one goes, all of the new one comes.
    comparePresent(type, element, was, null, changes)
    comparePresent(type, element, null, is, changes)
    changes.sets(element, EMPTY_SET)
  } else if (shape === 'map') compareMaps(type.map as MapType, element, was, is, changes)
  else if (shape === 'list') compareLists(type.list as ListType, element, was, is, changes)
  else if (was !== is) changes.sets(element, EMPTY_SET)
}

function compareMaps(map: MapType, element: string, was: unknown, is: unknown, changes: ChangeRecorder): void {
  const before = membersOf(was)
  const after = membersOf(is)
  if (map.isAtomic || (isEmpty(before) && isEmpty(after))) {
    compareLeaves(element, was, is, changes)
    return
  }
  changes.path.push(element)
  compareMembers(map, before, after, changes, undefined)
  changes.path.pop()
}

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : NOTHING

function compareLeaves(element: string, was: unknown, is: unknown, changes: ChangeRecorder): void {
  if (!deepEqual(was, is)) changes.sets(element, EMPTY_SET)
}

function compareLists(list: ListType, element: string, was: unknown, is: unknown, changes: ChangeRecorder): void {
  const before = Array.isArray(was) ? was : NO_ITEMS
  const after = Array.isArray(is) ? is : NO_ITEMS
  if (list.isAtomic || (before.length === 0 && after.length === 0)) {
    compareLeaves(element, was, is, changes)
    return
  }
  if (before.length === after.length && compareInPlace(list, element, before, after, changes)) return
  changes.path.push(element)
  const old = itemsByElement(list, before)
  const fresh = itemsByElement(list, after)
  for (const [item, values] of old) compareItems(list, item, values, fresh.get(item) ?? NO_ITEMS, changes)
  for (const [item, values] of fresh) if (!old.has(item)) compareItems(list, item, NO_ITEMS, values, changes)
  changes.path.pop()
}

/** Beyond it, looking for duplicates one by one takes longer than indexing the list. */
const IN_PLACE_MAX = 64

/**
 * Most updates leave most items as they are, and all of them where they are: only items that differ need an identity.
 * False: the lists have to be compared by identity.
 */
function compareInPlace(
  list: ListType,
  element: string,
  before: readonly unknown[],
  after: readonly unknown[],
  changes: ChangeRecorder,
): boolean {
  let differing: number[] | undefined
  for (let i = 0; i < after.length; i++) {
    if (before[i] === after[i] || deepEqual(before[i], after[i])) continue
    if (after.length > IN_PLACE_MAX || !isSameItem(list, before[i], after[i])) return false
    differing ??= []
    differing.push(i)
  }
  if (differing === undefined) return true
  const isUnique = (i: number): boolean => after.every((item, j) => j === i || !isSameItem(list, item, after[i]))
  if (!differing.every(isUnique)) return false
  changes.path.push(element)
  for (const i of differing) {
    const item = tryItemElement(list, after[i])
    if (item !== undefined) compareValues(list.element, item, before[i], after[i], changes)
  }
  changes.path.pop()
  return true
}

/** Duplicates are compared as one atomic value. */
function compareItems(
  list: ListType,
  item: string,
  was: readonly unknown[],
  is: readonly unknown[],
  changes: ChangeRecorder,
): void {
  if (was.length <= 1 && is.length <= 1) compareValues(list.element, item, was[0], is[0], changes)
  else if (was.length >= 2 && is.length >= 2) compareLeaves(item, was, is, changes)
  else if (was.length >= 2) {
    compareValues(list.element, item, undefined, is[0], changes)
    changes.removes(item, EMPTY_SET)
  } else {
    compareValues(list.element, item, was[0], undefined, changes)
    changes.sets(item, EMPTY_SET)
  }
}

/** A value that is new, or gone, as a whole: itself and all below it. */
function wholeNode(type: MergeType, value: unknown, isSent: boolean): FieldSet {
  if (typeof value !== 'object' || value === null) return EMPTY_SET
  if (Array.isArray(value)) return type.list === undefined ? EMPTY_SET : wholeList(type.list, value, isSent)
  return type.map === undefined ? EMPTY_SET : wholeMap(type.map, value as Members, isSent)
}

function wholeMap(map: MapType, value: Members, isSent: boolean): FieldSet {
  if (map.isAtomic) return EMPTY_SET
  const { fields, element } = map
  let node: Record<string, FieldSet> | undefined
  for (const name in value) {
    const field = fields?.get(name)
    const member = value[name]
    if (field === undefined) {
      if (element === undefined || member === undefined) continue
      node ??= { '.': EMPTY_SET }
      node[fieldElement(name)] = wholeNode(element, member, isSent)
    } else {
      if (member === undefined || (!isSent && field.presence === 'omitempty' && isEmpty(member))) continue
      node ??= { '.': EMPTY_SET }
      node[field.path] = wholeNode(field.type, member, isSent)
    }
  }
  return node ?? EMPTY_SET
}

function wholeList(list: ListType, value: readonly unknown[], isSent: boolean): FieldSet {
  if (list.isAtomic || value.length === 0) return EMPTY_SET
  const node: Record<string, FieldSet> = { '.': EMPTY_SET }
  for (const item of value) {
    const element = tryItemElement(list, item)
    if (element === undefined) continue
    node[element] = node[element] === undefined ? wholeNode(list.element, item, isSent) : EMPTY_SET
  }
  return node
}
