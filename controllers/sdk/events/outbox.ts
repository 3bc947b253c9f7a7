/**
 * Events on their way to the API: a bounded queue with a few writers. Events of one object are written one after the
 * other, in the order they were recorded (a repetition is a patch of what was written before); those of different
 * objects side by side. When the queue is full, events are dropped and counted; the count is logged once a minute.
 * Upstream: client-go tools/record/event.go has a queue of 1,000 and one writer.
 */
import type { Event } from '#machinery/api/core/v1/types.gen.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { WorkQueue } from '#machinery/workqueue/workqueue.ts'

/** Two events for each of 10,000 Pods that are created at once. */
const QUEUE_MAX = 20_000
const WRITERS = 8
const REPORT_MS = 60_000

export interface EventOutboxOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Tries until the event is written or given up; never rejects. */
  write(event: Event): Promise<void>
}

export class EventOutbox {
  readonly #options: EventOutboxOptions
  readonly #signal: AbortSignal
  /** Keys of the objects that have events in `#waiting`; a key is with one writer at a time. */
  readonly #objects: WorkQueue
  readonly #waiting = new Map<string, Event[]>()
  #count = 0
  #dropped = 0
  #hasWriters = false

  /** Stops writing when the signal aborts; what waits then is lost. */
  constructor(options: EventOutboxOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
    this.#objects = new WorkQueue({ clock: options.clock })
    signal.addEventListener('abort', () => this.#close(), { once: true })
  }

  add(event: Event): void {
    if (this.#signal.aborted) return
    if (this.#count >= QUEUE_MAX) {
      this.#drop()
      return
    }
    const key = objectKey(event)
    const events = this.#waiting.get(key)
    if (events === undefined) this.#waiting.set(key, [event])
    else events.push(event)
    this.#count++
    this.#objects.add(key)
    if (this.#hasWriters) return
    this.#hasWriters = true
    for (let i = 0; i < WRITERS; i++) void this.#writeAll()
  }

  /** Never rejects: `write` does not. */
  async #writeAll(): Promise<void> {
    for (let key = await this.#objects.take(); key !== undefined; key = await this.#objects.take()) {
      const event = this.#next(key)
      if (event !== undefined) await this.#options.write(event)
      if (this.#waiting.has(key)) this.#objects.add(key)
      this.#objects.done(key)
    }
  }

  #next(key: string): Event | undefined {
    const events = this.#waiting.get(key)
    const event = events?.shift()
    if (events?.length === 0) this.#waiting.delete(key)
    if (event !== undefined) this.#count--
    return event
  }

  #drop(): void {
    this.#dropped++
    if (this.#dropped > 1) return
    const { clock, logger } = this.#options
    clock.setTimeout(() => {
      if (!this.#signal.aborted) logger.warn({ dropped: this.#dropped }, 'events dropped, too many are waiting')
      this.#dropped = 0
    }, REPORT_MS)
  }

  #close(): void {
    this.#objects.shutDown()
    this.#waiting.clear()
    this.#count = 0
  }
}

function objectKey({ involvedObject }: Event): string {
  const { kind = '', namespace = '', name = '', uid = '' } = involvedObject
  return `${kind}/${namespace}/${name}/${uid}`
}
