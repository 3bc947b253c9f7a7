/** One change of one object, as kept in the event window; its watch events are made once and shared by all watchers. */
import type { CacheEntry } from './cache-entry.ts'
import type { StoreWatchEvent } from './interface.ts'

export class CacheEvent {
  readonly revision: number
  readonly key: string
  /** The new version; undefined for a delete. */
  readonly current: CacheEntry | undefined
  /** The version before; undefined for a create. */
  readonly previous: CacheEntry | undefined
  #added: StoreWatchEvent | undefined
  #modified: StoreWatchEvent | undefined
  #deleted: StoreWatchEvent | undefined

  constructor(revision: number, key: string, current: CacheEntry | undefined, previous: CacheEntry | undefined) {
    this.revision = revision
    this.key = key
    this.current = current
    this.previous = previous
  }

  /** What a watcher with this selection sees; undefined when the change is none of its business. */
  forSelection(matches: ((entry: CacheEntry) => boolean) | undefined): StoreWatchEvent | undefined {
    const { current, previous } = this
    const isIn = current !== undefined && (matches === undefined || matches(current))
    const wasIn = previous !== undefined && (matches === undefined || matches(previous))
    if (isIn) {
      if (wasIn) {
        this.#modified ??= { type: 'MODIFIED', object: current, previous }
        return this.#modified
      }
      this.#added ??= { type: 'ADDED', object: current }
      return this.#added
    }
    // Upstream: the last content that was selected, with the resourceVersion of the change.
    if (wasIn) this.#deleted ??= { type: 'DELETED', object: previous.atRevision(this.revision) }
    return wasIn ? this.#deleted : undefined
  }
}
