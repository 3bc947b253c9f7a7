/**
 * Path elements as text: how they are written in FieldsV1, how conflicts print them, how client-sent ones are brought into
 * the one form sets compare by. Upstream: structured-merge-diff fieldpath/{element,serialize-pe,serialize}.go.
 */
import { isObject } from '#machinery/util/json.ts'
import type { FieldSet } from './field-set.ts'
import { EMPTY_SET, elementsOf, hasElement, union } from './field-set.ts'

const DEPTH_MAX = 500

export const fieldElement = (name: string): string => `f:${name}`
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`

/** `.spec.containers[name="a"].image` */
export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('')
}

function elementText(element: string): string {
  const text = element.slice(2)
  if (element.startsWith('f:')) return `.${text}`
  if (element.startsWith('k:')) {
    const keys = Object.entries(JSON.parse(text) as Record<string, unknown>)
    return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`
  }
  return element.startsWith('v:') ? `[=${text}]` : `[${text}]`
}

const KINDS = 'fkvi'
const SELF = '.'

/** Fields before keys before values before indexes, each in its own order. */
function compareElements(a: string, b: string): number {
  const kinds = KINDS.indexOf(a.charAt(0)) - KINDS.indexOf(b.charAt(0))
  if (kinds !== 0) return kinds
  if (a.startsWith('f:')) return a === b ? 0 : a < b ? -1 : 1
  return compareValues(JSON.parse(a.slice(2)), JSON.parse(b.slice(2)))
}

function compareValues(a: unknown, b: unknown): number {
  if (isObject(a) && isObject(b)) {
    const left = Object.entries(a)
    const right = Object.entries(b)
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      const [leftName, leftValue] = left[i] as [string, unknown]
      const [rightName, rightValue] = right[i] as [string, unknown]
      if (leftName !== rightName) return leftName < rightName ? -1 : 1
      const values = compareValues(leftValue, rightValue)
      if (values !== 0) return values
    }
    return left.length - right.length
  }
  if (typeof a === typeof b) return a === b ? 0 : (a as number) < (b as number) ? -1 : 1
  return typeof a < typeof b ? -1 : 1
}

/** The same set with its elements in the order upstream writes them, `.` first: what is stored, and what clients compare. */
export function sortedSet(set: FieldSet): FieldSet {
  return isSorted(set) ? set : sorted(set)
}

/** Nearly all are: what is read from the store was sorted when it was written. */
function isSorted(set: FieldSet): boolean {
  let before: string | undefined
  for (const element in set) {
    if (before !== undefined && !isInOrder(before, element)) return false
    before = element
    if (!isSorted(set[element] ?? EMPTY_SET)) return false
  }
  return true
}

/** Fields, which nearly all are, compare as strings. */
function isInOrder(before: string, element: string): boolean {
  return before.startsWith('f:') && element.startsWith('f:') ? before < element : compareMarked(before, element) < 0
}

function sorted(set: FieldSet): FieldSet {
  const entries = Object.entries(set).sort(([a], [b]) => compareMarked(a, b))
  return Object.fromEntries(entries.map(([element, node]) => [element, sortedSet(node)]))
}

function compareMarked(a: string, b: string): number {
  if (a === SELF || b === SELF) return a === b ? 0 : a === SELF ? -1 : 1
  return compareElements(a, b)
}

/** What one listing shows at most. */
const PATHS_MAX = 1000

/** The members' paths, parents before their children: the first thousand. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const elements = elementsOf(set).slice(0, PATHS_MAX).sort(compareElements)
  const members = elements.filter((element) => hasElement(set, element)).map((element) => [...prefix, element])
  const below = elements.flatMap((element) => pathsOf(set[element] ?? EMPTY_SET, [...prefix, element]))
  return [...members, ...below].slice(0, PATHS_MAX)
}

/** A client's FieldsV1 as a set. Elements of an unknown kind are dropped; what cannot be one at all throws. */
export function parseFieldsV1(value: unknown): FieldSet {
  return parseNode(value, 0) ?? EMPTY_SET
}

function parseNode(value: unknown, depth: number): FieldSet | undefined {
  if (!isObject(value)) throw new Error('a set of fields is an object')
  if (depth > DEPTH_MAX) throw new Error('a set of fields is nested too deeply')
  const names = Object.keys(value)
  let out: Record<string, FieldSet> = {}
  for (const name of names) {
    if (name === '.') {
      out[name] = EMPTY_SET
      continue
    }
    const element = canonicalElement(name)
    if (element === undefined) continue
    const child = parseNode(value[name], depth + 1)
    if (child === undefined) continue
    if (out[element] === undefined) out[element] = child
    else out = { ...union(out, { [element]: child }) }
  }
  const isOnlySelf = Object.keys(out).length === (out['.'] === undefined ? 0 : 1)
  if (!isOnlySelf) return out
  return EMPTY_SET
}

function canonicalElement(name: string): string | undefined {
  if (name.length < 2) throw new Error('key must be 2 characters long:')
  if (name.charAt(1) !== ':') throw new Error(`missing colon: ${name}`)
  const text = name.slice(2)
  switch (name.charAt(0)) {
    case 'f':
      return name
    case 'v':
      return `v:${JSON.stringify(JSON.parse(text))}`
    case 'k': {
      const keys: unknown = JSON.parse(text)
      if (!isObject(keys)) throw new Error(`a key is an object: ${name}`)
      return keyElement(Object.keys(keys).sort(), (key) => keys[key])
    }
    case 'i': {
      if (!/^-?\d+$/.test(text)) throw new Error(`an index is a number: ${name}`)
      return name
    }
    default:
      return undefined
  }
}

/** `names` sorted; a value that is undefined is left out. */
export function keyElement(names: readonly string[], readKey: (name: string) => unknown): string {
  let text = ''
  for (const name of names) {
    const value = readKey(name)
    if (value === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`
  }
  return `k:{${text}}`
}
