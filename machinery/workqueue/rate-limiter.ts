/**
 * When may a failed key be tried again: per-key exponential backoff and one token bucket for all keys; the longer wait
 * wins. Upstream: client-go util/workqueue/default_rate_limiters.go.
 */
import type { Clock } from '#machinery/util/clock.ts'

export interface RateLimiter {
  /** How long `key` has to wait now; counts as one failure. */
  nextDelayMs(key: string): number
  /** The key succeeded (or is given up). */
  forget(key: string): void
  retries(key: string): number
}

export interface ExponentialBackoffOptions {
  readonly baseMs: number
  readonly maxMs: number
}

const DEFAULT_BACKOFF: ExponentialBackoffOptions = { baseMs: 5, maxMs: 1_000_000 }

export class ExponentialBackoff implements RateLimiter {
  readonly #options: ExponentialBackoffOptions
  readonly #failures = new Map<string, number>()

  constructor(options: ExponentialBackoffOptions = DEFAULT_BACKOFF) {
    this.#options = options
  }

  nextDelayMs(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    return Math.min(this.#options.baseMs * 2 ** failures, this.#options.maxMs)
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  retries(key: string): number {
    return this.#failures.get(key) ?? 0
  }
}

export interface TokenBucketOptions {
  readonly qps: number
  readonly burst: number
}

/** Reservations, as golang.org/x/time/rate: tokens may go negative, the debt is the wait. */
export class TokenBucket {
  readonly #options: TokenBucketOptions
  readonly #clock: Clock
  #tokens: number
  #filledMs: number

  constructor(options: TokenBucketOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#tokens = options.burst
    this.#filledMs = clock.monotonicMs()
  }

  /** Takes one token, now or in the future; returns how long to wait for it. */
  reserve(): number {
    this.#fill()
    this.#tokens -= 1
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#options.qps) * 1_000
  }

  /** Takes one token if there is one. */
  tryTake(): boolean {
    this.#fill()
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs()
    const earned = ((nowMs - this.#filledMs) / 1_000) * this.#options.qps
    this.#tokens = Math.min(this.#options.burst, this.#tokens + earned)
    this.#filledMs = nowMs
  }
}

class DefaultRateLimiter implements RateLimiter {
  readonly #backoff: ExponentialBackoff
  readonly #bucket: TokenBucket

  constructor(clock: Clock, backoff: ExponentialBackoffOptions) {
    this.#backoff = new ExponentialBackoff(backoff)
    this.#bucket = new TokenBucket({ qps: 10, burst: 100 }, clock)
  }

  nextDelayMs(key: string): number {
    return Math.max(this.#backoff.nextDelayMs(key), this.#bucket.reserve())
  }

  forget(key: string): void {
    this.#backoff.forget(key)
  }

  retries(key: string): number {
    return this.#backoff.retries(key)
  }
}

/** Upstream's DefaultTypedControllerRateLimiter: 5 ms doubling to 1000 s per key, 10 per second with bursts of 100 overall. */
export function createDefaultRateLimiter(
  clock: Clock,
  backoff: ExponentialBackoffOptions = DEFAULT_BACKOFF,
): RateLimiter {
  return new DefaultRateLimiter(clock, backoff)
}
