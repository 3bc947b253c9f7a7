/**
 * The keyed cache under an informer, with indexes that are built when first read and kept up to date afterwards.
 * Holds references to frozen objects; never copies them. Upstream: client-go tools/cache/thread_safe_store.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import { assert } from '#machinery/util/assert.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { keyString, keyStringOf } from './key.ts'
import type { Lister } from './lister.ts'

/** The values under which an object is found; must be pure. */
export type IndexFunction<T extends KubeObject = KubeObject> = (object: DeepReadonly<T>) => readonly string[]

const NAMESPACE_INDEX = 'namespace'
const OWNER_UID_INDEX = 'owner-uid'
const CONTROLLER_UID_INDEX = 'controller-uid'

const NO_VALUES: readonly string[] = Object.freeze([])

function ownerUids(object: DeepReadonly<KubeObject>): readonly string[] {
  return object.metadata.ownerReferences?.map((reference) => reference.uid) ?? NO_VALUES
}

function controllerUid(object: DeepReadonly<KubeObject>): readonly string[] {
  const controller = object.metadata.ownerReferences?.find((reference) => reference.controller === true)
  return controller === undefined ? NO_VALUES : [controller.uid]
}

function namespaceOf(object: DeepReadonly<KubeObject>): readonly string[] {
  return [object.metadata.namespace ?? '']
}

interface Index<T extends KubeObject> {
  readonly values: IndexFunction<T>
  /** Undefined until the index is read for the first time: an index nobody reads costs nothing. */
  entries: Map<string, Set<string>> | undefined
}

export class Store<T extends KubeObject = KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, DeepReadonly<T>>()
  readonly #indexes = new Map<string, Index<T>>([
    [NAMESPACE_INDEX, { values: namespaceOf, entries: undefined }],
    [OWNER_UID_INDEX, { values: ownerUids, entries: undefined }],
    [CONTROLLER_UID_INDEX, { values: controllerUid, entries: undefined }],
  ])

  get size(): number {
    return this.#objects.size
  }

  get(key: ObjectKey): DeepReadonly<T> | undefined {
    return this.#objects.get(keyString(key))
  }

  getByString(key: string): DeepReadonly<T> | undefined {
    return this.#objects.get(key)
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys()
  }

  values(): IterableIterator<DeepReadonly<T>> {
    return this.#objects.values()
  }

  list(namespace?: string, matches?: (object: DeepReadonly<T>) => boolean): DeepReadonly<T>[] {
    if (namespace !== undefined) {
      const inNamespace = this.byIndex(NAMESPACE_INDEX, namespace)
      return matches === undefined ? inNamespace : inNamespace.filter(matches)
    }
    const all: DeepReadonly<T>[] = []
    for (const object of this.#objects.values()) if (matches === undefined || matches(object)) all.push(object)
    return all
  }

  byIndex(name: string, value: string): DeepReadonly<T>[] {
    const found: DeepReadonly<T>[] = []
    for (const key of this.#entriesOf(name).get(value) ?? []) {
      const object = this.#objects.get(key)
      assert(object !== undefined, 'an index holds only keys of the store')
      found.push(object)
    }
    return found
  }

  indexValues(name: string): Iterable<string> {
    return this.#entriesOf(name).keys()
  }

  /** Adding the same name twice keeps the first function: controllers that share an informer share its indexes. */
  addIndex(name: string, values: IndexFunction<T>): void {
    if (!this.#indexes.has(name)) this.#indexes.set(name, { values, entries: undefined })
  }

  /** Returns the object that was replaced. */
  set(object: DeepReadonly<T>): DeepReadonly<T> | undefined {
    const key = keyStringOf(object)
    const old = this.#objects.get(key)
    this.#objects.set(key, object)
    this.#reindex(key, old, object)
    return old
  }

  /** Returns the object that was removed. */
  delete(key: string): DeepReadonly<T> | undefined {
    const old = this.#objects.get(key)
    if (old === undefined) return undefined
    this.#objects.delete(key)
    this.#reindex(key, old, undefined)
    return old
  }

  #entriesOf(name: string): Map<string, Set<string>> {
    const index = this.#indexes.get(name)
    assert(index !== undefined, `index "${name}" was added before it is read`)
    index.entries ??= this.#build(index)
    return index.entries
  }

  #build(index: Index<T>): Map<string, Set<string>> {
    const entries = new Map<string, Set<string>>()
    for (const [key, object] of this.#objects) for (const value of index.values(object)) insert(entries, value, key)
    return entries
  }

  #reindex(key: string, old: DeepReadonly<T> | undefined, next: DeepReadonly<T> | undefined): void {
    for (const { values, entries } of this.#indexes.values()) {
      if (entries === undefined) continue
      const before = old === undefined ? NO_VALUES : values(old)
      const after = next === undefined ? NO_VALUES : values(next)
      if (before.length === after.length && before.every((value, i) => value === after[i])) continue
      for (const value of before) remove(entries, value, key)
      for (const value of after) insert(entries, value, key)
    }
  }
}

function insert(entries: Map<string, Set<string>>, value: string, key: string): void {
  const keys = entries.get(value)
  if (keys === undefined) entries.set(value, new Set([key]))
  else keys.add(key)
}

function remove(entries: Map<string, Set<string>>, value: string, key: string): void {
  const keys = entries.get(value)
  if (keys === undefined) return
  keys.delete(key)
  if (keys.size === 0) entries.delete(value)
}
