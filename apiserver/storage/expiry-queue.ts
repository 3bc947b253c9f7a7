/**
 * Which keys expire when, for the embedded drivers. One timer, set to the earliest second in which something is due.
 * The owner deletes the keys (bound to the revision that carried the TTL) and calls again on failure.
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'

const BUCKET_MS = 1000

export interface DueKey {
  readonly key: string
  /** The write that carried the TTL. */
  readonly revision: number
}

export class ExpiryQueue {
  readonly #clock: Clock
  readonly #onDue: (due: readonly DueKey[]) => void
  /** Second (rounded up) -> key -> revision. */
  readonly #buckets = new Map<number, Map<string, number>>()
  /** The seconds in use, ascending. */
  readonly #seconds: number[] = []
  #timer: TimerHandle | undefined
  #timerSecond = 0
  #isClosed = false

  constructor(clock: Clock, onDue: (due: readonly DueKey[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  add(key: string, revision: number, expiresAtMs: number): void {
    if (this.#isClosed) return
    const second = secondOf(expiresAtMs)
    let bucket = this.#buckets.get(second)
    if (bucket === undefined) {
      bucket = new Map()
      this.#buckets.set(second, bucket)
      let at = this.#seconds.length
      while (at > 0 && (this.#seconds[at - 1] ?? 0) > second) at--
      this.#seconds.splice(at, 0, second)
    }
    bucket.set(key, revision)
    this.#arm()
  }

  remove(key: string, expiresAtMs: number): void {
    const second = secondOf(expiresAtMs)
    const bucket = this.#buckets.get(second)
    if (bucket === undefined || !bucket.delete(key) || bucket.size > 0) return
    this.#buckets.delete(second)
    this.#seconds.splice(this.#seconds.indexOf(second), 1)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#buckets.clear()
    this.#seconds.length = 0
  }

  #arm(): void {
    const first = this.#seconds[0]
    if (first === undefined || (this.#timer !== undefined && this.#timerSecond <= first)) return
    this.#timer?.cancel()
    this.#timerSecond = first
    this.#timer = this.#clock.setTimeout(() => this.#fire(), first * BUCKET_MS - this.#clock.nowMs())
  }

  #fire(): void {
    this.#timer = undefined
    const now = this.#clock.nowMs()
    const due: DueKey[] = []
    while (this.#seconds.length > 0 && (this.#seconds[0] ?? 0) * BUCKET_MS <= now) {
      const second = this.#seconds.shift() ?? 0
      for (const [key, revision] of this.#buckets.get(second) ?? []) due.push({ key, revision })
      this.#buckets.delete(second)
    }
    this.#arm()
    if (due.length > 0) this.#onDue(due)
  }
}

function secondOf(expiresAtMs: number): number {
  return Math.ceil(expiresAtMs / BUCKET_MS)
}
