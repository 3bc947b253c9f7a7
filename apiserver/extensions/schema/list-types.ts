/**
 * Uniqueness in lists of type set and map.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/listtype/validation.go.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { childField, fieldDuplicate, fieldInvalid, indexField, keyField } from '#machinery/meta/field-error.ts'
import type { SchemaNode } from './node.ts'

type Members = Readonly<Record<string, unknown>>

export function validateListTypes(value: unknown, node: SchemaNode): FieldError[] {
  const errors: FieldError[] = []
  if (node.hasListRules) visit(value, node, '', errors)
  return errors
}

function visit(value: unknown, node: SchemaNode, field: string, errors: FieldError[]): void {
  if (!node.hasListRules || typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    if (node.listType === 'set') visitSet(value, field, errors)
    else if (node.listType === 'map') visitMap(value, node.listMapKeys, field, errors)
    const { items } = node
    if (items !== undefined)
      value.forEach((item, i) => {
        visit(item, items, indexField(field, i), errors)
      })
    return
  }
  for (const [name, member] of Object.entries(value)) {
    const property = node.properties?.get(name)
    if (property !== undefined) visit(member, property, childField(field, name), errors)
    else if (node.additional?.node !== undefined) visit(member, node.additional.node, keyField(field, name), errors)
  }
}

function visitSet(list: readonly unknown[], field: string, errors: FieldError[]): void {
  for (const i of repeated(list)) errors.push(fieldDuplicate(indexField(field, i), list[i]))
}

function visitMap(list: readonly unknown[], keys: readonly string[], field: string, errors: FieldError[]): void {
  const wrong = list.findIndex((item) => item !== null && (typeof item !== 'object' || Array.isArray(item)))
  if (wrong >= 0) {
    const detail = 'must be an object for an array of list-type map'
    errors.push(fieldInvalid(indexField(field, wrong), list[wrong], detail))
    return
  }
  const keyValues = list.map((item) => keyOf((item ?? {}) as Members, keys))
  for (const i of repeated(keyValues)) errors.push(fieldDuplicate(indexField(field, i), keyValues[i]))
}

function keyOf(item: Members, keys: readonly string[]): Members {
  const key: Record<string, unknown> = {}
  for (const name of keys) if (Object.hasOwn(item, name)) key[name] = item[name]
  return key
}

/** Indexes of the second appearance of every value; later ones are not reported again. */
function repeated(list: readonly unknown[]): number[] {
  if (list.length <= 1) return []
  const seen = new Map<string, number>()
  const indexes: number[] = []
  list.forEach((value, i) => {
    const text = canonicalText(value)
    const times = (seen.get(text) ?? 0) + 1
    seen.set(text, times)
    if (times === 2) indexes.push(i)
  })
  return indexes
}

/** JSON with sorted members, so that equal values are equal texts. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
