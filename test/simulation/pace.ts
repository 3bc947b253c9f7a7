/**
 * Calls take no simulated time: controllers that wake one another for ever would never let any pass. Whoever makes so many
 * calls at one instant is told of, and slowed down.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'

const CALLS_AT_ONE_INSTANT_MAX = 5_000

export class Pace {
  readonly #clock: Clock
  readonly #onBusyLoop: () => void
  #nowMs = -1
  #calls = 0

  constructor(clock: Clock, onBusyLoop: () => void) {
    this.#clock = clock
    this.#onBusyLoop = onBusyLoop
  }

  async keep(): Promise<void> {
    const nowMs = this.#clock.nowMs()
    if (nowMs !== this.#nowMs) this.#calls = 0
    this.#nowMs = nowMs
    if (++this.#calls <= CALLS_AT_ONE_INSTANT_MAX) return
    if (this.#calls === CALLS_AT_ONE_INSTANT_MAX + 1) this.#onBusyLoop()
    await sleep(this.#clock, 100)
  }
}
