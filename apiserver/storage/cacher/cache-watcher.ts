/**
 * One client's watch: first a backlog (initial objects, or missed events), then live events, at the pace of its sink. What
 * comes while the sink is held is buffered up to a bound; beyond it the watch ends, so no client can make the server grow.
 */

import type { CacheEvent } from './cache-event.ts'
import type { StoreWatchEvent, StoreWatchSink } from './interface.ts'
import type { Scope } from './scope.ts'
import { isInScope } from './scope.ts'

/** About a second of the fastest writer there is; events are shared, so this bounds references, not copies. */
const BUFFERED_EVENTS_MAX = 8192

/** starting: the backlog is still being read from the log. */
type WatcherState = 'starting' | 'running' | 'ended'

export class CacheWatcher {
  readonly scope: Scope
  readonly #sink: StoreWatchSink
  readonly #onEnd: (fault: unknown) => void
  #state: WatcherState = 'starting'
  #isHeld = false
  #isDraining = false
  /** Live events at or below this revision are skipped: the backlog covers them, or the client has them. */
  #afterRevision = 0
  #backlog: Iterator<StoreWatchEvent> | undefined
  #buffer: StoreWatchEvent[] = []
  #bufferStart = 0

  /** `onEnd` is called once, however the watch ends; with what the sink threw, if that is why. */
  constructor(scope: Scope, sink: StoreWatchSink, onEnd: (fault: unknown) => void) {
    this.scope = scope
    this.#sink = sink
    this.#onEnd = onEnd
  }

  get isEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Begins delivery: the backlog, then what has been offered meanwhile, then live. */
  start(afterRevision: number, backlog: Iterator<StoreWatchEvent> | undefined): void {
    if (this.#state !== 'starting') return
    this.#afterRevision = afterRevision
    this.#backlog = backlog
    this.#state = 'running'
    this.#drain()
  }

  offer(event: CacheEvent): void {
    if (this.#state === 'ended' || event.revision <= this.#afterRevision || !isInScope(this.scope, event.key)) return
    const watchEvent = event.forSelection(this.scope.matches)
    if (watchEvent !== undefined) this.send(watchEvent)
  }

  /** For offered events and bookmarks. */
  send(event: StoreWatchEvent): void {
    if (this.#state === 'ended') return
    if (this.#state === 'running' && this.#isIdle) {
      this.#deliver(event)
      return
    }
    if (this.#buffer.length - this.#bufferStart >= BUFFERED_EVENTS_MAX) {
      this.end('too-slow')
      return
    }
    this.#buffer.push(event)
  }

  readonly #resume = (): void => {
    this.#isHeld = false
    if (this.#state === 'running') this.#drain()
  }

  /** `reason` undefined: the client has gone, the sink is told nothing. */
  end(reason: Parameters<StoreWatchSink['onEnd']>[0] | undefined, fault?: unknown): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#backlog = undefined
    this.#buffer = []
    this.#bufferStart = 0
    this.#onEnd(fault)
    if (reason !== undefined) this.#sink.onEnd(reason)
  }

  /** Nothing is ahead of the next event. */
  get #isIdle(): boolean {
    const isBuffering = this.#backlog !== undefined || this.#buffer.length > this.#bufferStart
    return !this.#isHeld && !this.#isDraining && !isBuffering
  }

  #deliver(event: StoreWatchEvent): void {
    try {
      if (this.#sink.onEvent(event, this.#resume) === false) this.#isHeld = true
    } catch (err) {
      // One broken watch must not stop the write, and the other watchers, that brought it here.
      this.end(undefined, err)
    }
  }

  /** A sink may resume, or cause further events, from within onEvent: only the outermost call loops. */
  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      while (!this.#isHeld && this.#state === 'running') {
        const event = this.#next()
        if (event === undefined) return
        this.#deliver(event)
      }
    } finally {
      this.#isDraining = false
    }
  }

  #next(): StoreWatchEvent | undefined {
    if (this.#backlog !== undefined) {
      const { done, value } = this.#backlog.next()
      if (done !== true) return value
      this.#backlog = undefined
    }
    const event = this.#buffer[this.#bufferStart]
    if (event === undefined) return undefined
    this.#bufferStart++
    if (this.#bufferStart === this.#buffer.length || this.#bufferStart > BUFFERED_EVENTS_MAX) {
      this.#buffer = this.#buffer.slice(this.#bufferStart)
      this.#bufferStart = 0
    }
    return event
  }
}
