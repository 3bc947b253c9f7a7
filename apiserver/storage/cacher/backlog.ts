/** What a watch is sent before its live events: the current objects, or the events it has missed. */
import { endOfPrefix } from '../sorted-map.ts'
import type { CacheEntry } from './cache-entry.ts'
import type { CacheEvent } from './cache-event.ts'
import type { StoreWatchEvent } from './interface.ts'
import type { ObjectIndex } from './object-index.ts'
import type { Scope } from './scope.ts'
import { isInScope, isSelected } from './scope.ts'

export type WatchStart =
  /** The current objects as ADDED; isMarked: then the bookmark that ends them. */
  | { readonly from: 'state'; readonly isMarked: boolean }
  | { readonly from: 'now' }
  /** What came after the revision. */
  | { readonly from: 'revision'; readonly revision: number }

/** The objects in scope right now; selection is left to the moment they are sent. */
export function initialEvents(objects: ObjectIndex, scope: Scope): { entries: CacheEntry[]; scope: Scope } {
  const entries: CacheEntry[] = []
  if (scope.key !== undefined) {
    const entry = objects.get(scope.key)
    return { entries: entry === undefined ? [] : [entry], scope }
  }
  const { index } = scope
  const isIndexed = index !== undefined && objects.hasIndex(index.name)
  const scan = isIndexed ? objects.scanIndex(index.name, index.value) : objects.scan
  scan(scope.prefix, endOfPrefix(scope.prefix), (entry) => {
    entries.push(entry)
    return true
  })
  return { entries, scope }
}

export function* backlogOf(
  initial: { entries: readonly CacheEntry[]; scope: Scope },
  end: StoreWatchEvent | undefined,
): Generator<StoreWatchEvent, undefined> {
  for (const object of initial.entries) if (isSelected(initial.scope, object)) yield { type: 'ADDED', object }
  if (end !== undefined) yield end
}

export function* eventsOf(events: readonly CacheEvent[], scope: Scope): Generator<StoreWatchEvent, undefined> {
  for (const event of events) {
    if (!isInScope(scope, event.key)) continue
    const watchEvent = event.forSelection(scope.matches)
    if (watchEvent !== undefined) yield watchEvent
  }
}
