/** Events older than the event window, read from the storage log, for a watch that resumes from far back. */
import { newExpired } from '#machinery/meta/errors.ts'
import type { Storage, StorageEvent } from '../interface.ts'
import { StorageError } from '../interface.ts'
import type { EntrySettings } from './cache-entry.ts'
import { CacheEntry } from './cache-entry.ts'
import { CacheEvent } from './cache-event.ts'
import type { Scope } from './scope.ts'

/** A client further behind than this is better served by a new list. */
const MISSED_EVENTS_MAX = 10_000

/**
 * Events in the scope's prefix with afterRevision < revision <= upToRevision. Throws Expired when the log has been
 * compacted beyond afterRevision, or there are too many.
 */
export async function missedEvents(
  parts: { readonly storage: Storage; readonly settings: EntrySettings },
  scope: Scope,
  afterRevision: number,
  upToRevision: number,
  signal: AbortSignal,
): Promise<CacheEvent[]> {
  const { storage, settings } = parts
  const events: CacheEvent[] = []
  const reading = new AbortController()
  let error: StorageError | undefined
  const watcher = {
    onEvents(batch: readonly StorageEvent[]): void {
      for (const event of batch) if (event.revision <= upToRevision) events.push(cacheEventOf(event, settings))
      if (events.length > MISSED_EVENTS_MAX) reading.abort()
    },
    onError(err: StorageError): void {
      error = err
    },
  }
  try {
    // Resolves when the logged events have been delivered.
    await storage.watch(scope.key ?? scope.prefix, afterRevision, watcher, AbortSignal.any([signal, reading.signal]))
  } catch (err) {
    if (err instanceof StorageError && err.code === 'Compacted') throw tooOld(afterRevision, err.revision)
    throw err
  } finally {
    reading.abort()
  }
  if (error !== undefined) throw error
  if (events.length > MISSED_EVENTS_MAX) throw tooOld(afterRevision, upToRevision)
  return events
}

function tooOld(revision: number, oldest: number): Error {
  return newExpired(`too old resource version: ${revision} (${oldest})`)
}

function cacheEventOf(event: StorageEvent, settings: EntrySettings): CacheEvent {
  const { key, revision, value, previousValue } = event
  const current = event.type === 'put' ? new CacheEntry(key, revision, value, settings) : undefined
  // Its own revision is not known and not needed: it is only matched, and sent at the revision of this event.
  const previous = previousValue === undefined ? undefined : new CacheEntry(key, 0, previousValue, settings)
  return new CacheEvent(revision, key, current, previous)
}
