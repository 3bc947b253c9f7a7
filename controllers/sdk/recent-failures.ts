/** What a controller could not do lately, for /debug/controllers: the first question when something does not happen. */
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'

export interface Failure {
  readonly key: string
  readonly error: string
  /** RFC 3339, of the last attempt. */
  readonly time: string
  /** Failures in a row. */
  readonly count: number
}

const KEYS_MAX = 20
const ERROR_LENGTH_MAX = 500

export class RecentFailures {
  readonly #clock: Clock
  readonly #byKey = new Map<string, Failure>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  failed(key: string, err: unknown): void {
    const count = (this.#byKey.get(key)?.count ?? 0) + 1
    const error = errorMessage(err).slice(0, ERROR_LENGTH_MAX)
    this.#byKey.delete(key)
    this.#byKey.set(key, { key, error, time: formatTime(this.#clock.now()), count })
    if (this.#byKey.size <= KEYS_MAX) return
    const [oldest] = this.#byKey.keys()
    if (oldest !== undefined) this.#byKey.delete(oldest)
  }

  succeeded(key: string): void {
    this.#byKey.delete(key)
  }

  list(): readonly Failure[] {
    return [...this.#byKey.values()]
  }
}
