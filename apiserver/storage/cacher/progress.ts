/** How far the cache has come, and the waiting for it to have come far enough. */
import { newTooLargeResourceVersion } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'

/** Upstream: blockTimeout and resourceVersionTooHighRetrySeconds in watch_cache.go. */
const WAIT_MS = 3000
const RETRY_AFTER_SECONDS = 1

interface Waiter {
  readonly revision: number
  readonly resolve: () => void
}

export class Progress {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()
  #revision = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get revision(): number {
    return this.#revision
  }

  advance(revision: number): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    for (const waiter of this.#waiters) {
      if (waiter.revision > revision) continue
      this.#waiters.delete(waiter)
      waiter.resolve()
    }
  }

  /** Resolves when the cache has applied `revision`; rejects ResourceVersionTooLarge after three seconds. */
  waitFor(revision: number): Promise<void> | undefined {
    if (revision <= this.#revision) return undefined
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        revision,
        resolve: () => {
          timer.cancel()
          resolve()
        },
      }
      const timer = this.#clock.setTimeout(() => {
        this.#waiters.delete(waiter)
        reject(newTooLargeResourceVersion(revision, this.#revision, RETRY_AFTER_SECONDS))
      }, WAIT_MS)
      this.#waiters.add(waiter)
    })
  }
}
