/**
 * Defaults of a schema, filled in place; a null that is not nullable counts as absent.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/defaulting/algorithm.go.
 */
import { deepCopy, setMember } from '#machinery/util/json.ts'
import type { SchemaNode } from './node.ts'

type Members = Record<string, unknown>

export function applyDefaults(value: unknown, node: SchemaNode | undefined): void {
  if (node === undefined || !node.hasDefaults || typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) defaultItems(value, node.items)
  else defaultMembers(value as Members, node)
}

function defaultItems(list: unknown[], items: SchemaNode | undefined): void {
  if (items === undefined) return
  for (let i = 0; i < list.length; i++) {
    if (isDefaultableNull(list[i], items)) list[i] = deepCopy(items.defaultValue)
    applyDefaults(list[i], items)
  }
}

function defaultMembers(members: Members, node: SchemaNode): void {
  if (node.properties !== undefined) {
    for (const [name, property] of node.properties) {
      if (!property.hasDefaults) continue
      if (property.defaultValue !== undefined) {
        const isMissing = !Object.hasOwn(members, name) || isDefaultableNull(members[name], property)
        if (isMissing) setMember(members, name, deepCopy(property.defaultValue))
      }
      if (Object.hasOwn(members, name)) applyDefaults(members[name], property)
    }
  }
  const additional = node.additional?.node
  if (additional === undefined || !additional.hasDefaults) return
  for (const name of Object.keys(members)) {
    if (node.properties?.has(name) === true) continue
    if (isDefaultableNull(members[name], additional)) setMember(members, name, deepCopy(additional.defaultValue))
    applyDefaults(members[name], additional)
  }
}

function isDefaultableNull(value: unknown, node: SchemaNode): boolean {
  return value === null && !node.nullable && node.defaultValue !== undefined
}
