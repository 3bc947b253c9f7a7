/**
 * The watchers of one resource, filed by the narrowest thing they ask for, so that an event is shown only to those it may
 * concern: a thousand watches of one object each, or of one node's pods, cost an event nothing.
 */
import type { CacheEvent } from './cache-event.ts'
import type { CacheWatcher } from './cache-watcher.ts'
import type { ObjectIndex } from './object-index.ts'
import type { Scope } from './scope.ts'

type Shelf = Map<string, Set<CacheWatcher>>

export class WatcherRegistry {
  readonly #objects: ObjectIndex
  readonly #resourcePrefix: string
  readonly #all = new Set<CacheWatcher>()
  readonly #byKey: Shelf = new Map()
  readonly #byNameSuffix: Shelf = new Map()
  readonly #byPrefix: Shelf = new Map()
  readonly #byIndex = new Map<string, Shelf>()

  constructor(objects: ObjectIndex, resourcePrefix: string) {
    this.#objects = objects
    this.#resourcePrefix = resourcePrefix
    for (const name of objects.indexNames) this.#byIndex.set(name, new Map())
  }

  get size(): number {
    return this.#all.size
  }

  add(watcher: CacheWatcher): void {
    this.#all.add(watcher)
    const [shelf, label] = this.#placeOf(watcher.scope)
    const set = shelf.get(label)
    if (set === undefined) shelf.set(label, new Set([watcher]))
    else set.add(watcher)
  }

  remove(watcher: CacheWatcher): void {
    if (!this.#all.delete(watcher)) return
    const [shelf, label] = this.#placeOf(watcher.scope)
    const set = shelf.get(label)
    if (set?.delete(watcher) && set.size === 0) shelf.delete(label)
  }

  dispatch(event: CacheEvent): void {
    if (this.#all.size === 0) return
    const { key } = event
    offerTo(this.#byKey.get(key), event)
    const nameAt = key.lastIndexOf('/')
    if (this.#byNameSuffix.size > 0) offerTo(this.#byNameSuffix.get(key.slice(nameAt)), event)
    for (const [name, shelf] of this.#byIndex) {
      if (shelf.size === 0) continue
      const value = this.#objects.indexValue(name, event.current)
      const oldValue = this.#objects.indexValue(name, event.previous)
      if (value !== undefined) offerTo(shelf.get(value), event)
      if (oldValue !== undefined && oldValue !== value) offerTo(shelf.get(oldValue), event)
    }
    const namespacePrefix = key.slice(0, nameAt + 1)
    if (namespacePrefix !== this.#resourcePrefix) offerTo(this.#byPrefix.get(namespacePrefix), event)
    offerTo(this.#byPrefix.get(this.#resourcePrefix), event)
  }

  /** A copy, because ending a watcher removes it. */
  snapshot(): CacheWatcher[] {
    return [...this.#all]
  }

  #placeOf(scope: Scope): [Shelf, string] {
    if (scope.key !== undefined) return [this.#byKey, scope.key]
    if (scope.nameSuffix !== undefined) return [this.#byNameSuffix, scope.nameSuffix]
    const indexShelf = scope.index && this.#byIndex.get(scope.index.name)
    if (scope.index !== undefined && indexShelf !== undefined) return [indexShelf, scope.index.value]
    return [this.#byPrefix, scope.prefix]
  }
}

function offerTo(watchers: Set<CacheWatcher> | undefined, event: CacheEvent): void {
  if (watchers === undefined) return
  for (const watcher of watchers) watcher.offer(event)
}
