/**
 * Pruning: fields the schema does not name are removed in place, and their paths reported.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/pruning/algorithm.go and defaulting/prunenulls.go.
 */
import type { SchemaNode } from './node.ts'
import { memberNode } from './node.ts'

type Members = Record<string, unknown>

export interface PruneOptions {
  /** The root of a custom resource or an embedded one: apiVersion, kind and metadata are not the schema's business. */
  readonly isResourceRoot: boolean
  /** Receives the paths of removed fields, in upstream's form `spec.a[0].b`; undefined when nobody asks. */
  readonly unknownFields?: string[]
}

/** Removes what the schema does not know. A walk without allocation when there is nothing to remove. */
export function prune(value: unknown, node: SchemaNode | undefined, options: PruneOptions): void {
  const pruner = new Pruner(options.unknownFields)
  pruner.prune(value, node, options.isResourceRoot)
  options.unknownFields?.sort()
}

function isMetaField(name: string): boolean {
  return name === 'metadata' || name === 'kind' || name === 'apiVersion'
}

class Pruner {
  readonly #unknown: string[] | undefined
  readonly #path: (string | number)[] = []

  constructor(unknown: string[] | undefined) {
    this.#unknown = unknown
  }

  prune(value: unknown, node: SchemaNode | undefined, isResource: boolean): void {
    if (typeof value !== 'object' || value === null) return
    if (node?.preserveUnknown === true) this.#visitKnown(value, node, isResource)
    else if (Array.isArray(value)) this.#pruneItems(value, node)
    else this.#pruneMembers(value as Members, node, isResource)
  }

  #pruneItems(list: readonly unknown[], node: SchemaNode | undefined): void {
    const items = node?.items
    for (let i = 0; i < list.length; i++) {
      const item = list[i]
      if (typeof item !== 'object' || item === null) continue
      this.#path.push(i)
      this.prune(item, items, items?.embedded === true)
      this.#path.pop()
    }
  }

  #pruneMembers(members: Members, node: SchemaNode | undefined, isResource: boolean): void {
    for (const name of Object.keys(members)) {
      if (isResource && isMetaField(name)) continue
      const property = node?.properties?.get(name)
      if (property === undefined && node?.additional === undefined) {
        if (!isMetaField(name) || this.#path.length > 0) this.#report(name)
        delete members[name]
        continue
      }
      const value = members[name]
      if (typeof value !== 'object' || value === null) continue
      const child = property ?? node?.additional?.node
      this.#path.push(name)
      this.prune(value, child, child?.embedded === true)
      this.#path.pop()
    }
  }

  /** Below x-kubernetes-preserve-unknown-fields only what is specified is pruned further. */
  #visitKnown(value: object, node: SchemaNode, isResource: boolean): void {
    if (Array.isArray(value)) {
      if (node.items === undefined) return
      for (let i = 0; i < value.length; i++) {
        const item: unknown = value[i]
        if (typeof item !== 'object' || item === null) continue
        this.#path.push(i)
        this.#visitKnown(item, node.items, node.items.embedded)
        this.#path.pop()
      }
      return
    }
    if (node.properties === undefined && node.additional === undefined) return
    for (const [name, member] of Object.entries(value)) {
      if (isResource && isMetaField(name)) continue
      const property = node.properties?.get(name)
      if (property === undefined && node.additional === undefined) continue
      const child = property ?? node.additional?.node
      this.#path.push(name)
      this.prune(member, child, child?.embedded === true)
      this.#path.pop()
    }
  }

  #report(name: string): void {
    if (this.#unknown === undefined) return
    this.#path.push(name)
    this.#unknown.push(pathString(this.#path))
    this.#path.pop()
  }
}

function pathString(path: readonly (string | number)[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}

/** Removes nulls that are neither allowed nor replaced by a default, in place. */
export function pruneNulls(value: unknown, node: SchemaNode | undefined): void {
  if (typeof value !== 'object' || value === null || node === undefined) return
  if (Array.isArray(value)) {
    if (node.items === undefined) return
    for (const item of value) pruneNulls(item, node.items)
    return
  }
  if (node.properties === undefined && node.additional?.node === undefined) return
  const members = value as Members
  for (const name of Object.keys(members)) {
    const child = memberNode(node, name)
    if (child === undefined) continue
    const member = members[name]
    if (member !== null) pruneNulls(member, child)
    else if (!child.nullable && child.defaultValue === undefined) delete members[name]
  }
}
