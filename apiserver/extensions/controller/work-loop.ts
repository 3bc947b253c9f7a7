/**
 * Runs one action per dirty name, one after the other, again with growing pauses when it fails or asks for it.
 * Smaller than the controllers' workqueue, which the API server cannot depend on.
 */
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'

const PAUSE_MIN_MS = 20
const PAUSE_MAX_MS = 5_000

export type WorkResult = 'done' | 'again'

interface WorkLoopOptions {
  readonly clock: Clock
  readonly logger: Logger
  run(name: string, signal: AbortSignal): Promise<WorkResult>
}

export class WorkLoop {
  readonly #options: WorkLoopOptions
  readonly #signal: AbortSignal
  readonly #dirty = new Set<string>()
  readonly #pauseMs = new Map<string, number>()
  #isRunning = false

  constructor(options: WorkLoopOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  add(name: string): void {
    this.#dirty.add(name)
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#drain()
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    for (const name of this.#dirty) {
      if (this.#signal.aborted) break
      this.#dirty.delete(name)
      await this.#runOne(name)
    }
    this.#isRunning = false
  }

  async #runOne(name: string): Promise<void> {
    const { clock, logger } = this.#options
    try {
      if ((await this.#options.run(name, this.#signal)) === 'done') {
        this.#pauseMs.delete(name)
        return
      }
    } catch (err: unknown) {
      if (this.#signal.aborted) return
      logger.warn({ customResourceDefinition: name, error: errorMessage(err) }, 'CustomResourceDefinition sync failed')
    }
    const pauseMs = this.#pauseMs.get(name) ?? PAUSE_MIN_MS
    this.#pauseMs.set(name, Math.min(pauseMs * 2, PAUSE_MAX_MS))
    clock.setTimeout(() => {
      if (!this.#signal.aborted) this.add(name)
    }, pauseMs)
  }
}
