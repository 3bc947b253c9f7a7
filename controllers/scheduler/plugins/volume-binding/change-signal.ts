/** Lets several wait for the next change of something that changes for all of them at once. */
import type { Clock } from '#machinery/util/clock.ts'

export class ChangeSignal {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  fire(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next `fire` or after `timeoutMs`; rejects with the signal's reason when it aborts first. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const end = (settle: () => void) => (): void => {
        timer.cancel()
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', abort)
        settle()
      }
      const wake = end(resolve)
      const abort = end(() => reject(signal.reason))
      const timer = this.#clock.setTimeout(wake, timeoutMs)
      this.#waiting.add(wake)
      signal.addEventListener('abort', abort, { once: true })
    })
  }
}
