/**
 * The recent events of one resource, for watches that resume and lists at a recent revision. Grows while it is full of
 * fresh events, gives room back when they have aged; bounded in number and bytes.
 * Upstream: apiserver pkg/storage/cacher/watch_cache.go. Differs: also serves lists at any revision within the window, by
 * undoing the events after it.
 */
import type { Clock } from '#machinery/util/clock.ts'
import type { CacheEntry } from './cache-entry.ts'
import type { CacheEvent } from './cache-event.ts'

const CAPACITY_MIN = 100
const CAPACITY_MAX = 10_000
const FRESH_MS = 5 * 60_000
/** Bytes of stored values that events may pin. */
const BYTES_MAX = 32 * 1024 * 1024

interface Slot {
  readonly event: CacheEvent
  readonly atMs: number
  readonly bytes: number
}

export class EventWindow {
  readonly #clock: Clock
  /** Oldest first; `#start` is the first one in use, the dead part before it is cut off now and then. */
  #slots: Slot[] = []
  #start = 0
  #capacity = CAPACITY_MIN
  #bytes = 0
  #floor: number

  /** `floor`: the revision of the list the cache was filled with. */
  constructor(clock: Clock, floor: number) {
    this.#clock = clock
    this.#floor = floor
  }

  /** Every event after this revision is here. */
  get floor(): number {
    return this.#floor
  }

  /** `bytes`: size of the values the event pins. */
  push(event: CacheEvent, bytes: number): void {
    const now = this.#clock.monotonicMs()
    this.#slots.push({ event, atMs: now, bytes })
    this.#bytes += bytes
    if (this.#length > this.#capacity) this.#makeRoom(now)
    while (this.#bytes > BYTES_MAX && this.#length > 1) this.#dropOldest()
  }

  /** Events with a revision above `revision`, oldest first. `revision` must not be below the floor. */
  after(revision: number): CacheEvent[] {
    let low = this.#start
    let high = this.#slots.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#slots[middle]?.event.revision ?? 0) > revision) high = middle
      else low = middle + 1
    }
    return this.#slots.slice(low).map((slot) => slot.event)
  }

  /** For every key changed after `revision`: its version at `revision`, undefined = it did not exist. */
  undoTo(revision: number): Map<string, CacheEntry | undefined> {
    const versions = new Map<string, CacheEntry | undefined>()
    for (const event of this.after(revision)) {
      if (!versions.has(event.key)) versions.set(event.key, event.previous)
    }
    return versions
  }

  get #length(): number {
    return this.#slots.length - this.#start
  }

  #makeRoom(now: number): void {
    const oldest = this.#slots[this.#start]
    if (oldest !== undefined && now - oldest.atMs < FRESH_MS && this.#capacity < CAPACITY_MAX) {
      this.#capacity = Math.min(this.#capacity * 2, CAPACITY_MAX)
      return
    }
    const quarter = this.#slots[this.#slots.length - Math.floor(this.#capacity / 4)]
    if (quarter !== undefined && now - quarter.atMs >= FRESH_MS) {
      this.#capacity = Math.max(Math.floor(this.#capacity / 2), CAPACITY_MIN)
    }
    while (this.#length > this.#capacity) this.#dropOldest()
  }

  #dropOldest(): void {
    const slot = this.#slots[this.#start]
    if (slot === undefined) return
    this.#floor = slot.event.revision
    this.#bytes -= slot.bytes
    this.#start++
    if (this.#start > this.#length + CAPACITY_MIN) {
      this.#slots = this.#slots.slice(this.#start)
      this.#start = 0
    }
  }
}
