/**
 * Deduplicating, rate-limited queue of keys. A key is never handed to two workers at once: one that is added while it is
 * being worked on comes back after `done`. Carries keys only, so its size is bounded by the number of objects.
 * Upstream: client-go util/workqueue.
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'
import { DelayHeap } from './delay-heap.ts'
import type { RateLimiter } from './rate-limiter.ts'
import { createDefaultRateLimiter } from './rate-limiter.ts'

/** Called synchronously. Durations in seconds, as the metrics are. */
export interface WorkQueueMetrics {
  added(): void
  retried(): void
  waitedSeconds(seconds: number): void
  workedSeconds(seconds: number): void
}

export interface WorkQueueOptions {
  readonly clock: Clock
  readonly rateLimiter?: RateLimiter
  readonly metrics?: WorkQueueMetrics
}

export class WorkQueue {
  readonly #clock: Clock
  readonly #limiter: RateLimiter
  readonly #metrics: WorkQueueMetrics | undefined
  /** Order of work; `#head` is the next. Every key in it is in `#dirty` and not in `#processing`. */
  #queue: string[] = []
  #head = 0
  /** Keys that need work, with the time they were added. */
  readonly #dirty = new Map<string, number>()
  /** Keys being worked on, with the time work began. */
  readonly #processing = new Map<string, number>()
  readonly #delayed = new DelayHeap()
  readonly #idle: ((key: string | undefined) => void)[] = []
  #timer: { readonly handle: TimerHandle; readonly dueMs: number } | undefined
  #isHandingOut = false
  #isShutDown = false

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#limiter = options.rateLimiter ?? createDefaultRateLimiter(options.clock)
    this.#metrics = options.metrics
  }

  /** Keys ready for work. */
  get depth(): number {
    return this.#queue.length - this.#head
  }

  get delayedCount(): number {
    return this.#delayed.size
  }

  /** Seconds of work in progress that is not yet in the work duration: grows without end when a worker is stuck. */
  unfinishedWorkSeconds(): number {
    let totalMs = 0
    const nowMs = this.#clock.monotonicMs()
    for (const startedMs of this.#processing.values()) totalMs += nowMs - startedMs
    return totalMs / 1_000
  }

  longestRunningSeconds(): number {
    let longestMs = 0
    const nowMs = this.#clock.monotonicMs()
    for (const startedMs of this.#processing.values()) longestMs = Math.max(longestMs, nowMs - startedMs)
    return longestMs / 1_000
  }

  add(key: string): void {
    if (this.#isShutDown || this.#dirty.has(key)) return
    this.#metrics?.added()
    this.#dirty.set(key, this.#clock.monotonicMs())
    if (!this.#processing.has(key)) this.#enqueue(key)
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#isShutDown) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    this.#delayed.add(key, this.#clock.monotonicMs() + delayMs)
    this.#arm()
  }

  /** After a failure: waits as long as the rate limiter says, and at least as long as the caller was told to. */
  addRateLimited(key: string, minDelayMs = 0): void {
    this.#metrics?.retried()
    this.addAfter(key, Math.max(this.#limiter.nextDelayMs(key), minDelayMs))
  }

  /** Ends the key's backoff. Does not remove it from the queue. */
  forget(key: string): void {
    this.#limiter.forget(key)
  }

  retries(key: string): number {
    return this.#limiter.retries(key)
  }

  /** Resolves with the next key, or undefined once the queue is shut down. The taker must call `done`. */
  take(): Promise<string | undefined> {
    if (this.#isShutDown) return Promise.resolve(undefined)
    const key = this.#dequeue()
    if (key !== undefined) return Promise.resolve(this.#begin(key))
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }

  done(key: string): void {
    const startedMs = this.#processing.get(key)
    if (startedMs === undefined) return
    this.#processing.delete(key)
    this.#metrics?.workedSeconds((this.#clock.monotonicMs() - startedMs) / 1_000)
    if (this.#dirty.has(key) && !this.#isShutDown) this.#enqueue(key)
  }

  /** Waiting takers get undefined; what is queued is dropped. */
  shutDown(): void {
    this.#isShutDown = true
    this.#timer?.handle.cancel()
    this.#timer = undefined
    for (const resolve of this.#idle.splice(0)) resolve(undefined)
    this.#queue = []
    this.#head = 0
    this.#dirty.clear()
  }

  #enqueue(key: string): void {
    this.#queue.push(key)
    if (this.#idle.length === 0 || this.#isHandingOut) return
    // Not at once: what one change adds twice in a row is one piece of work.
    this.#isHandingOut = true
    queueMicrotask(() => this.#handOut())
  }

  #handOut(): void {
    this.#isHandingOut = false
    while (this.#idle.length > 0) {
      const key = this.#dequeue()
      if (key === undefined) return
      this.#idle.shift()?.(this.#begin(key))
    }
  }

  #dequeue(): string | undefined {
    const key = this.#queue[this.#head]
    if (key === undefined) return undefined
    this.#head++
    if (this.#head === this.#queue.length || this.#head > 1_024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return key
  }

  #begin(key: string): string {
    const nowMs = this.#clock.monotonicMs()
    this.#metrics?.waitedSeconds((nowMs - (this.#dirty.get(key) ?? nowMs)) / 1_000)
    this.#dirty.delete(key)
    this.#processing.set(key, nowMs)
    return key
  }

  #arm(): void {
    const dueMs = this.#delayed.nextDueMs
    if (dueMs === undefined || (this.#timer !== undefined && this.#timer.dueMs <= dueMs)) return
    this.#timer?.handle.cancel()
    const handle = this.#clock.setTimeout(() => this.#release(), dueMs - this.#clock.monotonicMs())
    this.#timer = { handle, dueMs }
  }

  #release(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonicMs()
    for (let key = this.#delayed.popDue(nowMs); key !== undefined; key = this.#delayed.popDue(nowMs)) this.add(key)
    this.#arm()
  }
}
