/**
 * Sets written when a type was still granular, after it has become atomic: who owned something below now owns the whole.
 * Upstream: structured-merge-diff typed/reconcile_schema.go.
 */
import type { FieldSet } from './field-set.ts'
import { EMPTY_SET, elementsOf, isEmptySet, nodeOf } from './field-set.ts'
import type { MergeType } from './types.ts'
import { DEDUCED } from './types.ts'

/** The set itself when there is nothing to do. */
export function reconcileSet(set: FieldSet, type: MergeType): FieldSet {
  let out: Record<string, FieldSet> | undefined
  for (const element of elementsOf(set)) {
    const node = set[element] ?? EMPTY_SET
    const reconciled = reconcileNode(node, typeAt(type, element))
    if (reconciled === node) continue
    out ??= { ...set }
    out[element] = reconciled
  }
  return out ?? set
}

function reconcileNode(node: FieldSet, type: MergeType | undefined): FieldSet {
  if (type === undefined || type === DEDUCED || isEmptySet(node)) return node
  if (type.map?.isAtomic === true || (type.map === undefined && type.list?.isAtomic === true)) return EMPTY_SET
  const below = reconcileSet(node, type)
  return below === node ? node : (nodeOf(node['.'] !== undefined, below) ?? EMPTY_SET)
}

function typeAt(type: MergeType, element: string): MergeType | undefined {
  if (!element.startsWith('f:')) return type.list?.element
  return type.map?.fields?.get(element.slice(2))?.type ?? type.map?.element
}
