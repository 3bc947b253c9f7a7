/**
 * A Clock for whole-cluster simulations: time stands still while anything can still happen, then jumps to the next timer.
 * Everything in the simulated process runs on promises, so one turn of the event loop drains all of it.
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'

interface Timer {
  readonly callback: () => void
  readonly periodMs: number | undefined
  readonly order: number
  dueMs: number
  isCancelled: boolean
}

const START_MS = Date.parse('2026-01-01T00:00:00Z')
/** Some work continues in the turn after the one in which it was started. */
const TURNS_TO_SETTLE = 2

export class SimulatedTime implements Clock {
  /** A binary heap by due time, then order of setting. */
  readonly #heap: Timer[] = []
  #nowMs = START_MS
  #order = 0

  now(): Date {
    return new Date(this.#nowMs)
  }

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs - START_MS
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    return this.#add(callback, Math.max(delayMs, 0), undefined)
  }

  setInterval(callback: () => void, periodMs: number): TimerHandle {
    const period = Math.max(periodMs, 1)
    return this.#add(callback, period, period)
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Lives through the next `ms` milliseconds; ends early once `isOver` holds. */
  async run(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const endMs = this.#nowMs + ms
    await this.settle()
    while (!isOver()) {
      const next = this.#heap[0]
      if (next === undefined || next.dueMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#fireDue()
      await this.settle()
    }
    if (!isOver()) this.#nowMs = Math.max(this.#nowMs, endMs)
  }

  #fireDue(): void {
    for (let timer = this.#heap[0]; timer !== undefined && timer.dueMs <= this.#nowMs; timer = this.#heap[0]) {
      this.#pop()
      if (timer.isCancelled) continue
      if (timer.periodMs !== undefined) {
        timer.dueMs += timer.periodMs
        this.#push(timer)
      }
      timer.callback()
    }
  }

  #add(callback: () => void, delayMs: number, periodMs: number | undefined): TimerHandle {
    this.#order++
    const timer = { callback, periodMs, order: this.#order, dueMs: this.#nowMs + delayMs, isCancelled: false }
    this.#push(timer)
    return {
      cancel: () => {
        timer.isCancelled = true
      },
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent] as Timer)) break
      heap[at] = heap[parent] as Timer
      at = parent
    }
    heap[at] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = last
      let leastAt = at
      for (const child of [left, right]) {
        const candidate = heap[child]
        if (candidate === undefined || !isBefore(candidate, least)) continue
        least = candidate
        leastAt = child
      }
      if (leastAt === at) break
      heap[at] = least
      at = leastAt
    }
    heap[at] = last
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}
