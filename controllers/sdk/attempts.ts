/**
 * Backoff for work that reports failure in its own object's status: that write wakes the controller again at once, so the
 * time of the next attempt must be remembered here. A changed fingerprint (the inputs) starts anew.
 */
import type { Clock } from '#machinery/util/clock.ts'

export interface AttemptsOptions {
  readonly baseMs: number
  readonly maxMs: number
}

interface Attempt {
  readonly fingerprint: string
  readonly count: number
  readonly dueMs: number
}

export class Attempts {
  readonly #clock: Clock
  readonly #options: AttemptsOptions
  readonly #failed = new Map<string, Attempt>()

  constructor(clock: Clock, options: AttemptsOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** Notes a failure; returns how long to wait. Call it before writing the status. */
  failed(key: string, fingerprint: string): number {
    const previous = this.#failed.get(key)
    const count = previous?.fingerprint === fingerprint ? previous.count + 1 : 1
    const delayMs = Math.min(this.#options.baseMs * 2 ** Math.min(count - 1, 20), this.#options.maxMs)
    this.#failed.set(key, { fingerprint, count, dueMs: this.#clock.monotonicMs() + delayMs })
    return delayMs
  }

  /** Milliseconds until the next attempt with these inputs may be made; 0 = now. */
  waitMs(key: string, fingerprint: string): number {
    const attempt = this.#failed.get(key)
    return attempt?.fingerprint === fingerprint ? Math.max(0, attempt.dueMs - this.#clock.monotonicMs()) : 0
  }

  /** Failures in a row with these inputs. */
  count(key: string, fingerprint: string): number {
    const attempt = this.#failed.get(key)
    return attempt?.fingerprint === fingerprint ? attempt.count : 0
  }

  clear(key: string): void {
    this.#failed.delete(key)
  }
}
