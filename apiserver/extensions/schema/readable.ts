/**
 * Whether a stored object can be shown as it is: nothing to prune, no default to fill. Reads are far more frequent than
 * schema changes, so the usual answer must cost no copy.
 */
import type { SchemaNode } from './node.ts'
import { memberNode } from './node.ts'

export function isReadable(object: unknown, node: SchemaNode): boolean {
  return isSettled(object, node, true)
}

function isSettled(value: unknown, node: SchemaNode | undefined, isResource: boolean): boolean {
  if (typeof value !== 'object' || value === null) return true
  const isOpen = node?.preserveUnknown === true
  if (Array.isArray(value)) return areItemsSettled(value, node)
  if (node?.hasDefaults === true && node.properties !== undefined) {
    for (const [name, property] of node.properties) {
      if (property.defaultValue !== undefined && !Object.hasOwn(value, name)) return false
    }
  }
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
    if (!isSettled(member, child, child?.embedded === true)) return false
  }
  return true
}

function areItemsSettled(list: readonly unknown[], node: SchemaNode | undefined): boolean {
  const items = node?.items
  for (const item of list) {
    if (item === null && items?.defaultValue !== undefined && !items.nullable) return false
    if (items === undefined && node?.preserveUnknown === true) continue
    if (!isSettled(item, items, items?.embedded === true)) return false
  }
  return true
}
