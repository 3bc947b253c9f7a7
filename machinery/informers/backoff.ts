/**
 * Jittered exponential backoff for list and watch retries: 800 ms doubling to 30 s, each wait stretched by up to 100 %,
 * forgotten after two quiet minutes. Upstream: client-go NewReflectorWithOptions' backoff manager.
 */
import type { Clock } from '#machinery/util/clock.ts'
import type { Random } from '#machinery/util/random.ts'

const INITIAL_MS = 800
const MAX_MS = 30_000
const RESET_AFTER_MS = 120_000
const FACTOR = 2
const JITTER_STEPS = 1_000

export class ReflectorBackoff {
  readonly #clock: Clock
  readonly #random: Random
  #nextMs = INITIAL_MS
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** How long to wait now; the next call waits longer unless two quiet minutes pass. */
  nextDelayMs(): number {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#lastMs > RESET_AFTER_MS) this.#nextMs = INITIAL_MS
    this.#lastMs = nowMs
    const baseMs = this.#nextMs
    this.#nextMs = Math.min(baseMs * FACTOR, MAX_MS)
    return baseMs + (baseMs * this.#random.int(JITTER_STEPS)) / JITTER_STEPS
  }
}
