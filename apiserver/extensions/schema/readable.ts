/**
 * Whether a stored object can be shown as it is: nothing to prune, no default to fill. Reads are far more frequent than
 * schema changes, so the usual answer must cost no copy.
 */
import type { SchemaNode } from './node.ts'
import { memberNode } from './node.ts'

export function isReadable(object: unknown, node: SchemaNode): boolean {
  return isSettled(object, node, { isResource: true, isDefaulted: true })
}

/** The same, but that defaults may be missing. */
export function isPruned(object: unknown, node: SchemaNode): boolean {
  return isSettled(object, node, { isResource: true, isDefaulted: false })
}

interface Expectation {
  readonly isResource: boolean
  /** False: nobody asks for defaults. */
  readonly isDefaulted: boolean
}

function isSettled(value: unknown, node: SchemaNode | undefined, expected: Expectation): boolean {
  if (typeof value !== 'object' || value === null) return true
  const isOpen = node?.preserveUnknown === true
  const { isResource, isDefaulted } = expected
  if (Array.isArray(value)) return areItemsSettled(value, node, isDefaulted)
  if (isDefaulted && node !== undefined && lacksDefault(value, node)) return false
  for (const name of Object.keys(value)) {
    if (isResource && (name === 'metadata' || name === 'kind' || name === 'apiVersion')) continue
    const member = (value as Record<string, unknown>)[name]
    const child = memberNode(node, name)
    const isKnown = child !== undefined || node?.additional !== undefined
    if (!isKnown) {
      if (isOpen) continue
      return false
    }
    if (member === null && child !== undefined && !child.nullable) return false
    if (!isSettled(member, child, inside(child, isDefaulted))) return false
  }
  return true
}

function lacksDefault(value: object, { hasDefaults, properties }: SchemaNode): boolean {
  if (!hasDefaults || properties === undefined) return false
  for (const [name, property] of properties) {
    if (property.defaultValue !== undefined && !Object.hasOwn(value, name)) return true
  }
  return false
}

function areItemsSettled(list: readonly unknown[], node: SchemaNode | undefined, isDefaulted: boolean): boolean {
  const items = node?.items
  const expected = inside(items, isDefaulted)
  for (const item of list) {
    if (item === null && items?.defaultValue !== undefined && !items.nullable) return false
    if (items === undefined && node?.preserveUnknown === true) continue
    if (!isSettled(item, items, expected)) return false
  }
  return true
}

const EXPECTATIONS: readonly Expectation[] = [0, 1, 2, 3].map((bits) => ({
  isResource: bits % 2 === 1,
  isDefaulted: bits > 1,
}))

/** Shared: walks over every object read must not allocate. */
function inside(node: SchemaNode | undefined, isDefaulted: boolean): Expectation {
  return EXPECTATIONS[(node?.embedded === true ? 1 : 0) + (isDefaulted ? 2 : 0)] as Expectation
}
