/**
 * Pods that are being scheduled and what happened meanwhile: an event that came while a Pod was looked at may be the one
 * it then waits for. Upstream: scheduler backend/queue/active_queue.go inFlightPods, inFlightEvents.
 */
import type { ClusterEvent } from '../framework/interfaces.ts'

/** Beyond this many nobody looks at single events: a Pod in flight is simply tried again. */
const EVENTS_MAX = 10_000

export class InFlight {
  /** UID -> how many events had been seen when the Pod was taken. */
  readonly #pods = new Map<string, number>()
  #events: ClusterEvent[] = []
  /** Number of the first event kept. */
  #first = 0

  get size(): number {
    return this.#pods.size
  }

  has(key: string): boolean {
    return this.#pods.has(key)
  }

  events(): Iterable<ClusterEvent> {
    return this.#events
  }

  start(key: string): void {
    this.#pods.set(key, this.#first + this.#events.length)
  }

  record(event: ClusterEvent): void {
    if (this.#pods.size === 0) return
    if (this.#events.length >= EVENTS_MAX) {
      this.#first += this.#events.length
      this.#events = []
    }
    this.#events.push(event)
  }

  /** Events since the Pod was taken; undefined when they are not all known. */
  eventsSince(key: string): readonly ClusterEvent[] | undefined {
    const seen = this.#pods.get(key)
    if (seen === undefined) return []
    return seen < this.#first ? undefined : this.#events.slice(seen - this.#first)
  }

  /** Idempotent. Forgets events no Pod needs any more. */
  done(key: string): void {
    if (!this.#pods.delete(key)) return
    // The map is in the order of taking, so its first entry needs the oldest events.
    const oldest = this.#pods.values().next().value ?? this.#first + this.#events.length
    if (oldest > this.#first) {
      this.#events = this.#events.slice(oldest - this.#first)
      this.#first = oldest
    }
  }
}
