/**
 * Bookmarks: an empty object with a resourceVersion that says "you have seen everything up to here", sent about every
 * minute and two seconds before a watch times out, so that a client of a quiet resource can resume without a relist.
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'
import type { EntrySettings } from './cache-entry.ts'
import { CacheEntry, encodeStored } from './cache-entry.ts'
import type { CacheWatcher } from './cache-watcher.ts'
import type { ObjectStoreOptions, StoreWatchEvent } from './interface.ts'

const TICK_MS = 1000
const PERIOD_MS = 60_000
const BEFORE_TIMEOUT_MS = 2000
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

interface Schedule {
  nextMs: number
  /** Monotonic; Infinity when it does not time out, or the last bookmark has been sent. */
  beforeTimeoutMs: number
  readonly make: () => StoreWatchEvent
}

/** One timer for all watches of all resources; none while nobody wants bookmarks. */
export class BookmarkTimer {
  readonly #clock: Clock
  readonly #schedules = new Map<CacheWatcher, Schedule>()
  #timer: TimerHandle | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(watcher: CacheWatcher, timeoutMs: number | undefined, make: () => StoreWatchEvent): void {
    if (watcher.isEnded) return
    const now = this.#clock.monotonicMs()
    const beforeTimeoutMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : now + timeoutMs - BEFORE_TIMEOUT_MS
    this.#schedules.set(watcher, { nextMs: now + PERIOD_MS, beforeTimeoutMs, make })
    this.#timer ??= this.#clock.setInterval(() => this.#tick(), TICK_MS)
  }

  remove(watcher: CacheWatcher): void {
    this.#schedules.delete(watcher)
    if (this.#schedules.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #tick(): void {
    const now = this.#clock.monotonicMs()
    for (const [watcher, schedule] of this.#schedules) {
      const isLast = now >= schedule.beforeTimeoutMs
      if (!isLast && now < schedule.nextMs) continue
      if (isLast) schedule.beforeTimeoutMs = Number.POSITIVE_INFINITY
      schedule.nextMs = now + PERIOD_MS
      watcher.send(schedule.make())
    }
  }
}

/** Makes one resource's bookmarks; watchers told the same revision share one. */
export class BookmarkFactory {
  readonly #kind: string
  readonly #apiVersion: string
  readonly #key: string
  readonly #settings: EntrySettings
  #latest: StoreWatchEvent | undefined

  constructor(options: ObjectStoreOptions, key: string, settings: EntrySettings) {
    this.#kind = options.kind
    this.#apiVersion = options.apiVersion
    this.#key = key
    this.#settings = settings
  }

  make(revision: number): StoreWatchEvent {
    if (this.#latest?.object.revision !== revision) this.#latest = this.#bookmark(revision, undefined)
    return this.#latest
  }

  /** Marks the end of the objects that sendInitialEvents asked for. */
  makeInitialEventsEnd(revision: number): StoreWatchEvent {
    return this.#bookmark(revision, { [INITIAL_EVENTS_END]: 'true' })
  }

  #bookmark(revision: number, annotations: Record<string, string> | undefined): StoreWatchEvent {
    const metadata = annotations === undefined ? {} : { annotations }
    const value = encodeStored({ kind: this.#kind, apiVersion: this.#apiVersion, metadata })
    return { type: 'BOOKMARK', object: new CacheEntry(this.#key, revision, value, this.#settings) }
  }
}
