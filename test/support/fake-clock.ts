/** A Clock that stands still until a test moves it. Timers fire inside `advance`, in order of their due time. */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'

interface Timer {
  readonly callback: () => void
  readonly periodMs: number | undefined
  readonly order: number
  dueMs: number
}

export class FakeClock implements Clock {
  readonly #timers = new Set<Timer>()
  readonly #startMs: number
  #nowMs: number
  #order = 0

  constructor(start: string = '2026-01-01T00:00:00Z') {
    this.#startMs = Date.parse(start)
    this.#nowMs = this.#startMs
  }

  now(): Date {
    return new Date(this.#nowMs)
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    return this.#add(callback, delayMs, undefined)
  }

  setInterval(callback: () => void, periodMs: number): TimerHandle {
    return this.#add(callback, periodMs, Math.max(periodMs, 1))
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  /** Moves time on, running every timer that falls due, also those that are set by others on the way. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
      if (timer.periodMs === undefined) this.#timers.delete(timer)
      else timer.dueMs += timer.periodMs
      timer.callback()
    }
    this.#nowMs = endMs
  }

  /** As `advance`, in steps, letting promises settle between them: for code that sets its next timer after an await. */
  async advanceInSteps(ms: number, stepMs = 100): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      this.advance(Math.min(stepMs, ms - passedMs))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #add(callback: () => void, delayMs: number, periodMs: number | undefined): TimerHandle {
    this.#order++
    const timer = { callback, periodMs, order: this.#order, dueMs: this.#nowMs + Math.max(delayMs, 0) }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order))
        next = timer
    }
    return next
  }
}
