/**
 * Periodic compaction: every five minutes, keeping the last thousand revisions and whatever is younger than ten minutes, so
 * that pages and watches can be resumed. Upstream: apiserver pkg/storage/etcd3/compact.go (five minutes, no floor), kine
 * (the floor of a thousand revisions).
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'

const PERIOD_MS = 5 * 60_000
/** Revisions noted this many periods ago are ten minutes old. */
const PERIODS_KEPT = 2
const REVISIONS_KEPT = 1_000

interface CompactorParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly revision: () => number
  readonly compact: (revision: number) => Promise<void>
}

export class Compactor {
  readonly #timer: TimerHandle

  constructor(parts: CompactorParts) {
    const noted = [parts.revision()]
    this.#timer = parts.clock.setInterval(() => {
      const old = noted.length === PERIODS_KEPT ? noted.shift() : undefined
      noted.push(parts.revision())
      if (old === undefined) return
      const revision = Math.min(old, parts.revision() - REVISIONS_KEPT)
      if (revision <= 0) return
      parts.compact(revision).catch((err: unknown) => {
        parts.logger.warn({ err: toError(err), revision }, 'compaction failed, the next one will do its work')
      })
    }, PERIOD_MS)
  }

  stop(): void {
    this.#timer.cancel()
  }
}
