/**
 * Creates and deletes a controller has issued but not yet seen in its cache. While some are outstanding the cache is
 * known to be stale and the controller must not create or delete again; after five minutes it stops waiting.
 * Upstream: pkg/controller/controller_utils.go ControllerExpectations, UIDTrackingControllerExpectations.
 */
import type { Clock } from '#machinery/util/clock.ts'

const TTL_MS = 300_000
const NONE: ReadonlySet<string> = new Set()

interface Expected {
  creations: number
  /** UIDs of what is being deleted: a delete may be seen several times and must count once. */
  readonly deletions: Set<string>
  readonly setMs: number
}

export class Expectations {
  readonly #clock: Clock
  readonly #byKey = new Map<string, Expected>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Undefined: nothing is outstanding, or was for long enough, and the cache may be acted on. Else the milliseconds until
   * it may whatever it shows. What was created and deleted while
   * the watch was down is never shown, and nothing else may come to wake its owner.
   */
  waitMs(key: string): number | undefined {
    const expected = this.#byKey.get(key)
    if (expected === undefined || (expected.creations <= 0 && expected.deletions.size === 0)) return undefined
    const leftMs = expected.setMs + TTL_MS - this.#clock.monotonicMs()
    return leftMs < 0 ? undefined : leftMs + 1
  }

  /** UIDs of what has been deleted and the cache may still show. */
  deletions(key: string): ReadonlySet<string> {
    return this.waitMs(key) === undefined ? NONE : (this.#byKey.get(key)?.deletions ?? NONE)
  }

  /** Call before the creates are sent. Replaces what was expected before. */
  expectCreations(key: string, count: number): void {
    this.#set(key, count, [])
  }

  /** Call before the deletes are sent. Replaces what was expected before. */
  expectDeletions(key: string, uids: readonly string[]): void {
    this.#set(key, 0, uids)
  }

  /** Call before creates and deletes are sent. Adds to what is outstanding. */
  expectMore(key: string, creations: number, uids: readonly string[]): void {
    const before = this.#byKey.get(key)
    this.#set(key, (before?.creations ?? 0) + creations, [...(before?.deletions ?? []), ...uids])
  }

  /** The cache has shown one, or one could not be sent. */
  creationObserved(key: string): void {
    const expected = this.#byKey.get(key)
    if (expected !== undefined && expected.creations > 0) expected.creations--
  }

  deletionObserved(key: string, uid: string): void {
    this.#byKey.get(key)?.deletions.delete(uid)
  }

  /** The owner is gone. */
  forget(key: string): void {
    this.#byKey.delete(key)
  }

  #set(key: string, creations: number, uids: readonly string[]): void {
    this.#byKey.set(key, { creations, deletions: new Set(uids), setMs: this.#clock.monotonicMs() })
  }
}
