/**
 * The live half of Storage.watch, shared by the embedded drivers: hands each commit's events to the watchers of its
 * prefix, and holds them back for a watcher that is still reading the log.
 */
import { assert } from '#machinery/util/assert.ts'
import type { StorageEvent, StorageWatcher } from './interface.ts'
import { StorageError } from './interface.ts'

/** A watcher that falls this far behind while it reads the log is ended rather than buffered for. */
const HELD_EVENTS_MAX = 100_000

/** A watcher registered with the hub. Live unless `held` is set. */
interface HubWatcher {
  readonly prefix: string
  readonly watcher: StorageWatcher
  /** Events with a revision up to this one are never delivered. */
  afterRevision: number
  held: StorageEvent[] | undefined
  isEnded: boolean
}

export class WatchHub {
  readonly #watchers = new Set<HubWatcher>()
  readonly #queue: (readonly StorageEvent[])[] = []
  #isPublishing = false

  /** Registers a watcher that gets nothing before `release`. */
  addHeld(prefix: string, afterRevision: number, watcher: StorageWatcher, signal: AbortSignal): HubWatcher {
    const registered: HubWatcher = { prefix, watcher, afterRevision, held: [], isEnded: false }
    if (signal.aborted) {
      registered.isEnded = true
      return registered
    }
    this.#watchers.add(registered)
    signal.addEventListener('abort', () => this.remove(registered), { once: true })
    return registered
  }

  /** Delivers logged events; a watcher may end meanwhile. */
  deliver(registered: HubWatcher, events: readonly StorageEvent[]): void {
    const last = events.at(-1)
    if (registered.isEnded || last === undefined) return
    assert(last.revision > registered.afterRevision, 'events are delivered in revision order')
    registered.afterRevision = last.revision
    registered.watcher.onEvents(events)
  }

  /** The log has been read up to where holding back began: delivers what was held back and goes live. */
  release(registered: HubWatcher): void {
    const held = registered.held ?? []
    registered.held = undefined
    this.deliver(registered, held)
  }

  fail(registered: HubWatcher, error: StorageError): void {
    if (registered.isEnded) return
    this.remove(registered)
    registered.watcher.onError(error)
  }

  remove(registered: HubWatcher): void {
    registered.isEnded = true
    registered.held = undefined
    this.#watchers.delete(registered)
  }

  /** A watcher may write from within onEvents: the events of that write wait until these are with everyone. */
  publish(events: readonly StorageEvent[]): void {
    this.#queue.push(events)
    if (this.#isPublishing) return
    this.#isPublishing = true
    try {
      for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
        for (const registered of this.#watchers) this.#offer(registered, batch)
      }
    } finally {
      this.#isPublishing = false
    }
  }

  #offer(registered: HubWatcher, batch: readonly StorageEvent[]): void {
    const { prefix, afterRevision, held } = registered
    const isWanted = (event: StorageEvent): boolean => event.revision > afterRevision && event.key.startsWith(prefix)
    const events = batch.every(isWanted) ? batch : batch.filter(isWanted)
    if (events.length === 0) return
    if (held === undefined) {
      this.deliver(registered, events)
    } else if (held.length + events.length > HELD_EVENTS_MAX) {
      this.fail(registered, new StorageError('Unavailable', prefix, afterRevision))
    } else {
      for (const event of events) held.push(event)
    }
  }

  /** Ends every watcher with an error. */
  close(): void {
    for (const registered of [...this.#watchers]) {
      this.fail(registered, new StorageError('Unavailable', registered.prefix, registered.afterRevision))
    }
  }
}
