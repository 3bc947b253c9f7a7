/**
 * The log backend: events become lines at once, lines wait in a bounded queue, one write at a time takes what is there. No
 * mode writes on the main thread; they differ in who waits for the write and what its failure means.
 * Upstream: apiserver plugin/pkg/audit/{log,buffered,truncate}. Differs: blocking modes share writes and have a bounded
 * queue, too; the server's log tells of lost events every ten seconds at most, not of each.
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { AuditFormat } from '../event-text.ts'
import { eventLine } from '../event-text.ts'
import type { AuditEvent, AuditSink } from '../interfaces.ts'
import type { AuditCounts } from '../metrics.ts'
import type { LineChunks, LogEntry, LogTarget } from './interfaces.ts'

/**
 * batch: nobody waits, and what the queue has no room for is dropped. blocking: the request waits, and goes on whatever
 * happens. blocking-strict: as blocking, but a request that could not be recorded when it came is refused.
 */
export type AuditLogMode = 'batch' | 'blocking' | 'blocking-strict'

export interface LogBackendOptions {
  readonly target: LogTarget
  readonly format: AuditFormat
  readonly mode: AuditLogMode
  /** Events that may wait, in mode batch. */
  readonly queueMax: number
  /** Events of one write, in mode batch. */
  readonly batchMax: number
  /** How long a batch that is not full waits for more, in mode batch. */
  readonly batchWaitMs: number
  /** Larger events lose their bodies; undefined: they do not. */
  readonly eventBytesMax: number | undefined
  readonly counts: AuditCounts
  readonly clock: Clock
  readonly logger: Logger
}

/** Events that may wait in the blocking modes: as many requests wait for them. */
const BLOCKING_QUEUE_MAX = 10_000
/** Bodies may be large: bytes that may wait in any mode, unless it is a single event. */
const QUEUED_BYTES_MAX = 64 * 1024 * 1024
const WRITE_BYTES_MAX = 4 * 1024 * 1024

const LOSS_REPORT_MS = 10_000

type Plugin = keyof AuditCounts['errors']

export class LogBackend implements AuditSink {
  readonly #options: LogBackendOptions
  #queue: LogEntry[] = []
  #queuedBytes = 0
  #writing: Promise<void> | undefined
  #timer: TimerHandle | undefined
  #isClosing = false
  /** Lost and not yet in the server's log. */
  #unreported = 0
  #nextReportMs = 0

  constructor(options: LogBackendOptions) {
    this.#options = options
  }

  process(event: AuditEvent): boolean | Promise<boolean> {
    const { counts, mode } = this.#options
    counts.events++
    const chunks = this.#lineOf(event)
    if (chunks === undefined) return mode !== 'blocking-strict'
    const bytes = sizeOf(chunks)
    if (!this.#hasRoom(bytes)) {
      this.#lose('buffered', new Error('audit buffer queue blocked'))
      return mode !== 'blocking-strict'
    }
    return this.#enqueue(chunks, bytes)
  }

  /** Resolves when everything that was taken is written or lost. Events that come later are lost. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#flush()
    while (this.#writing !== undefined) await this.#writing
    await this.#options.target.close()
  }

  #lineOf(event: AuditEvent): LineChunks | undefined {
    const { format, eventBytesMax } = this.#options
    const line = eventLine(event, format)
    if (eventBytesMax === undefined || sizeOf(line) <= eventBytesMax) return line
    if (event.level !== 'Metadata') {
      const shortened = eventLine(event, format, true)
      if (sizeOf(shortened) <= eventBytesMax) return shortened
    }
    this.#lose('truncate', new Error('event is too large even after truncating'))
    return undefined
  }

  #hasRoom(bytes: number): boolean {
    const { mode, queueMax } = this.#options
    const max = mode === 'batch' ? queueMax : BLOCKING_QUEUE_MAX
    if (this.#isClosing || this.#queue.length >= max) return false
    return this.#queue.length === 0 || this.#queuedBytes + bytes <= QUEUED_BYTES_MAX
  }

  #enqueue(chunks: LineChunks, bytes: number): boolean | Promise<boolean> {
    const { mode } = this.#options
    if (mode === 'batch') {
      this.#push({ chunks, bytes, settle: (failure) => this.#settle(failure) })
      return true
    }
    const isStrict = mode === 'blocking-strict'
    return new Promise((resolve) => {
      const settle = (failure: Error | undefined): void => {
        this.#settle(failure)
        resolve(failure === undefined || !isStrict)
      }
      this.#push({ chunks, bytes, settle })
    })
  }

  #push(entry: LogEntry): void {
    this.#queue.push(entry)
    this.#queuedBytes += entry.bytes
    if (this.#writing !== undefined) return
    if (this.#isDue()) this.#flush()
    else this.#timer ??= this.#options.clock.setTimeout(() => this.#flush(), this.#waitMs)
  }

  #flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#writing === undefined && this.#queue.length > 0) this.#writing = this.#writeQueue()
  }

  /** setImmediate: what else is recorded in this turn of the loop shares the write. */
  async #writeQueue(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    do await this.#options.target.write(this.#takeBatch())
    while (this.#isDue())
    this.#writing = undefined
    if (this.#queue.length > 0) this.#timer = this.#options.clock.setTimeout(() => this.#flush(), this.#waitMs)
  }

  get #waitMs(): number {
    return this.#options.mode === 'batch' && !this.#isClosing ? this.#options.batchWaitMs : 0
  }

  /** There is nothing to wait for: nobody said so, or more would not fit. */
  #isDue(): boolean {
    const { batchMax, queueMax } = this.#options
    const { length } = this.#queue
    const isFull = length >= Math.min(batchMax, queueMax) || this.#queuedBytes >= WRITE_BYTES_MAX
    return length > 0 && (this.#waitMs === 0 || isFull)
  }

  #takeBatch(): LogEntry[] {
    const countMax = this.#options.mode === 'batch' ? this.#options.batchMax : BLOCKING_QUEUE_MAX
    let count = 0
    let bytes = 0
    for (const entry of this.#queue) {
      if (count === countMax || (count > 0 && bytes + entry.bytes > WRITE_BYTES_MAX)) break
      count++
      bytes += entry.bytes
    }
    this.#queuedBytes -= bytes
    return this.#queue.splice(0, count)
  }

  #settle(failure: Error | undefined): void {
    if (failure !== undefined) this.#lose('log', failure)
  }

  #lose(plugin: Plugin, failure: Error): void {
    const { counts, clock, logger } = this.#options
    counts.errors[plugin]++
    this.#unreported++
    if (clock.monotonicMs() < this.#nextReportMs) return
    logger.error({ plugin, reason: failure.message, events: this.#unreported }, 'audit events were lost')
    this.#unreported = 0
    this.#nextReportMs = clock.monotonicMs() + LOSS_REPORT_MS
  }
}

const sizeOf = (chunks: LineChunks): number => chunks.reduce((sum, chunk) => sum + Buffer.byteLength(chunk), 0)
