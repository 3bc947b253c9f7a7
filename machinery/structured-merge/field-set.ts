/**
 * Sets of field paths in the very form managedFields stores them (FieldsV1): a tree of path elements, `f:name`, `k:{keys}`,
 * `v:value`, `i:index`. Below the root an empty node is a member, `.` marks a member that has children as well.
 * Sets are never changed: operations share subtrees, and answer their first operand itself when nothing is different.
 * Upstream: structured-merge-diff fieldpath/set.go. Differs: elements are in the order they were met, and sorted
 * (`sortedSet`) before they are stored.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet
}

type MutableSet = Record<string, FieldSet>

/** As a root: nothing. Below: a member without children. */
export const EMPTY_SET: FieldSet = Object.freeze({})
const SELF = '.'

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false
  return true
}

function isMember(node: FieldSet): boolean {
  return node[SELF] !== undefined || isEmptySet(node)
}

/** The node for a member (or not) with these children; undefined when it is neither. */
export function nodeOf(isSelf: boolean, children: FieldSet | undefined): FieldSet | undefined {
  if (children === undefined || isEmptySet(children)) return isSelf ? EMPTY_SET : undefined
  return isSelf && children[SELF] === undefined ? { [SELF]: EMPTY_SET, ...children } : children
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a
  if (isEmptySet(a)) return b
  let out: MutableSet | undefined
  for (const element in b) {
    const theirs = b[element] as FieldSet
    const mine = a[element]
    const both = mine === undefined ? theirs : unionOfNodes(mine, theirs)
    if (both === mine) continue
    out ??= { ...a }
    out[element] = both
  }
  return out ?? a
}

function unionOfNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return isMember(a) ? a : { [SELF]: EMPTY_SET, ...a }
  if (isEmptySet(a)) return isMember(b) ? b : { [SELF]: EMPTY_SET, ...b }
  return union(a, b)
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return intersectionOfNodes(a, b, false) ?? EMPTY_SET
}

function intersectionOfNodes(a: FieldSet, b: FieldSet, isSelf: boolean): FieldSet | undefined {
  let children: MutableSet | undefined
  for (const element in a) {
    if (element === SELF) continue
    const mine = a[element] as FieldSet
    const theirs = b[element]
    if (theirs === undefined) continue
    const both = intersectionOfNodes(mine, theirs, isMember(mine) && isMember(theirs))
    if (both === undefined) continue
    children ??= {}
    children[element] = both
  }
  return nodeOf(isSelf, children)
}

/** What is in `a` and not in `b`; a parent in `b` leaves its children in `a` alone. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a
  return without(a, b, false, false, false) ?? EMPTY_SET
}

/** The same, but a parent in `b` takes its children in `a` along. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a
  return without(a, b, false, false, true) ?? EMPTY_SET
}

function without(
  a: FieldSet,
  b: FieldSet,
  wasSelf: boolean,
  isSelf: boolean,
  isRecursive: boolean,
): FieldSet | undefined {
  let changed: Map<string, FieldSet | undefined> | undefined
  for (const element in b) {
    const mine = a[element]
    if (element === SELF || mine === undefined) continue
    const rest = withoutNode(mine, b[element] as FieldSet, isRecursive)
    if (rest === mine) continue
    changed ??= new Map()
    changed.set(element, rest)
  }
  if (changed === undefined && wasSelf === isSelf) return a
  // Built anew: an object that had members deleted is slow to read ever after.
  const out: MutableSet = isSelf ? { [SELF]: EMPTY_SET } : {}
  let hasChildren = false
  for (const element in a) {
    if (element === SELF) continue
    const rest = changed?.has(element) === true ? changed.get(element) : a[element]
    if (rest === undefined) continue
    out[element] = rest
    hasChildren = true
  }
  if (hasChildren) return out
  return isSelf ? EMPTY_SET : undefined
}

function withoutNode(mine: FieldSet, theirs: FieldSet, isRecursive: boolean): FieldSet | undefined {
  const isTaken = isMember(theirs)
  if (isTaken && isRecursive) return undefined
  const wasSelf = isMember(mine)
  return without(mine, theirs, wasSelf, wasSelf && !isTaken, isRecursive)
}

/** The children of an element; undefined when the set has none there. */
export function childSet(set: FieldSet, element: string): FieldSet | undefined {
  const node = set[element]
  if (node === undefined || isEmptySet(node)) return undefined
  return node
}

/** Whether the element itself is a member. */
export function hasElement(set: FieldSet, element: string): boolean {
  const node = set[element]
  return node !== undefined && isMember(node)
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set
  for (const element of path) {
    node = node[element]
    if (node === undefined) return false
  }
  return path.length > 0 && isMember(node)
}

/** The set of one path. */
export function setOfPath(path: readonly string[]): FieldSet {
  let node = EMPTY_SET
  for (let i = path.length - 1; i >= 0; i--) node = { [path[i] as string]: node }
  return node
}

export function setOfPaths(paths: readonly (readonly string[])[]): FieldSet {
  return paths.reduce<FieldSet>((set, path) => union(set, setOfPath(path)), EMPTY_SET)
}

/** The elements below a node, without the mark of the node itself. */
export function elementsOf(set: FieldSet): string[] {
  return Object.keys(set).filter((element) => element !== SELF)
}

/** Adds `node` at a path of a set under construction, making the nodes on the way. */
export function insertNode(
  root: Record<string, FieldSet>,
  path: readonly string[],
  element: string,
  node: FieldSet,
): void {
  let parent = root
  for (const step of path) {
    const child = parent[step]
    // A member so far without children: the shared leaf gives way to a node of its own.
    if (child === undefined || child === EMPTY_SET) {
      const made: MutableSet = child === undefined ? {} : { [SELF]: EMPTY_SET }
      parent[step] = made
      parent = made
    } else parent = child as MutableSet
  }
  const existing = parent[element]
  parent[element] = existing === undefined ? node : unionOfNodes(existing, node)
}
