/**
 * The ObjectStore of one resource: current objects, recent events, watchers. Fed by the cacher, in revision order, with
 * every storage event under its prefix; reads are answered from here, writes go through Storage and come back as events.
 * Upstream: apiserver pkg/storage/cacher/cacher.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { assert } from '#machinery/util/assert.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Storage, StorageEvent } from '../interface.ts'
import { endOfPrefix } from '../sorted-map.ts'
import type { WatchStart } from './backlog.ts'
import { backlogOf, eventsOf, initialEvents } from './backlog.ts'
import type { BookmarkTimer } from './bookmarks.ts'
import { BookmarkFactory } from './bookmarks.ts'
import type { EntrySettings } from './cache-entry.ts'
import { CacheEntry, encodeStored, toStoredForm } from './cache-entry.ts'
import { CacheEvent } from './cache-event.ts'
import { CacheWatcher } from './cache-watcher.ts'
import { EventWindow } from './event-window.ts'
import type {
  CachedObject,
  ObjectStore,
  ObjectStoreOptions,
  StoreList,
  StoreListOptions,
  StoreWatchOptions,
  StoreWatchSink,
} from './interface.ts'
import { Lister } from './lister.ts'
import { missedEvents } from './missed-events.ts'
import { ObjectIndex } from './object-index.ts'
import type { Progress } from './progress.ts'
import { isUnset, parseRevision } from './resource-version.ts'
import { scopeOf } from './scope.ts'
import { checkSize } from './size-limit.ts'
import { WatcherRegistry } from './watcher-registry.ts'

/** Objects decoded for the indexes between two breaths of the event loop while a store is filled. */
const FILL_SLICE = 500

interface ResourceStoreParts {
  readonly storage: Storage
  readonly clock: Clock
  readonly progress: Progress
  readonly bookmarks: BookmarkTimer
  readonly settings: EntrySettings
  readonly logger: Logger
  /** Resolves when the cacher's storage watch runs; a store is filled after that, so that no event falls in between. */
  readonly started: Promise<void>
  readonly onClose: () => void
}

/** Travels with a write as its attachment, and brings the cached result back to the writer. Throws StorageError TooLarge. */
class WriteTicket {
  readonly key: string
  readonly object: KubeObject
  readonly value: Buffer
  entry: CacheEntry | undefined

  constructor(key: string, object: KubeObject) {
    this.key = key
    this.object = toStoredForm(object)
    this.value = encodeStored(this.object)
    checkSize(key, this.value, this.object)
  }

  toEntry(revision: number, settings: EntrySettings): CacheEntry {
    this.object.metadata.resourceVersion = String(revision)
    this.entry = new CacheEntry(this.key, revision, this.value, settings, this.object)
    return this.entry
  }
}

export class ResourceStore implements ObjectStore {
  readonly prefix: string
  ready: Promise<void>
  readonly #parts: ResourceStoreParts
  readonly #options: ObjectStoreOptions
  readonly #objects: ObjectIndex
  readonly #watchers: WatcherRegistry
  readonly #lister: Lister
  readonly #bookmarkFactory: BookmarkFactory
  #window: EventWindow
  /** Events that arrived while the store was being filled; undefined once it is. */
  #pending: StorageEvent[] | undefined = []
  #isClosed = false

  constructor(options: ObjectStoreOptions, parts: ResourceStoreParts) {
    this.prefix = prefixOf(options)
    this.#parts = parts
    this.#options = options
    this.#objects = new ObjectIndex(options.indexes ?? {})
    this.#watchers = new WatcherRegistry(this.#objects, this.prefix)
    this.#bookmarkFactory = new BookmarkFactory(options, this.prefix, parts.settings)
    this.#window = new EventWindow(parts.clock, 0)
    const { storage, progress, settings } = parts
    this.#lister = new Lister({ storage, progress, objects: this.#objects, window: () => this.#window, settings })
    this.ready = parts.started.then(() => this.#fill())
    // Whoever reads awaits `ready` and sees the failure; nobody may be reading yet.
    this.ready.catch(() => {})
  }

  keyOf(namespace: string, name: string): string {
    return this.#options.namespaced ? `${this.prefix}${namespace}/${name}` : this.prefix + name
  }

  count(): number {
    return this.#objects.size
  }

  peek(key: string): CachedObject | undefined {
    return this.#objects.get(key)
  }

  peekAll(namespace: string): readonly CachedObject[] {
    const prefix = this.#options.namespaced && namespace !== '' ? `${this.prefix}${namespace}/` : this.prefix
    const found: CachedObject[] = []
    this.#objects.scan(prefix, endOfPrefix(prefix), (entry) => found.push(entry) > 0)
    return found
  }

  peekIndexed(index: string, value: string): readonly CachedObject[] {
    const found: CachedObject[] = []
    this.#objects.scanIndex(index, value)(this.prefix, undefined, (entry) => found.push(entry) > 0)
    return found
  }

  async get(key: string, resourceVersion = ''): Promise<CachedObject | undefined> {
    const { storage, progress } = this.#parts
    if (this.#pending !== undefined) await this.ready
    if (resourceVersion !== '0') {
      const revision = resourceVersion === '' ? await storage.currentRevision() : parseRevision(resourceVersion)
      if (revision > progress.revision) await progress.waitFor(revision)
    }
    return this.#objects.get(key)
  }

  async list(options: StoreListOptions): Promise<StoreList> {
    await this.ready
    return this.#lister.list(scopeOf(this.prefix, this.#options.namespaced, options), options)
  }

  async create(key: string, object: KubeObject, options?: { ttlSeconds?: number }): Promise<CachedObject> {
    if (this.#pending !== undefined) await this.ready
    const ticket = new WriteTicket(key, object)
    const { revision } = await this.#parts.storage.create(key, ticket.value, { ...options, attachment: ticket })
    return this.#written(ticket, revision)
  }

  async update(expected: CachedObject, object: KubeObject, options?: { ttlSeconds?: number }): Promise<CachedObject> {
    if (this.#pending !== undefined) await this.ready
    const ticket = new WriteTicket(expected.key, object)
    const writeOptions = { ...options, attachment: ticket }
    const { revision } = await this.#parts.storage.update(expected.key, ticket.value, expected.revision, writeOptions)
    return this.#written(ticket, revision)
  }

  async delete(expected: CachedObject): Promise<CachedObject> {
    assert(expected instanceof CacheEntry, 'objects to delete come from this cache')
    const { revision } = await this.#parts.storage.delete(expected.key, expected.revision)
    await this.#parts.progress.waitFor(revision)
    return expected.atRevision(revision)
  }

  async watch(options: StoreWatchOptions, sink: StoreWatchSink, signal: AbortSignal): Promise<void> {
    await this.ready
    const start = await this.#watchStart(options)
    if (signal.aborted) return
    const scope = scopeOf(this.prefix, this.#options.namespaced, options)
    const { bookmarks, progress, logger } = this.#parts
    const watcher = new CacheWatcher(scope, sink, (fault) => {
      if (fault !== undefined) logger.error({ err: toError(fault), prefix: this.prefix }, 'a watch sink threw')
      this.#watchers.remove(watcher)
      bookmarks.remove(watcher)
      signal.removeEventListener('abort', onAbort)
    })
    const onAbort = (): void => watcher.end(undefined)
    signal.addEventListener('abort', onAbort, { once: true })
    if (this.#isClosed) {
      watcher.end('closed')
      return
    }
    // From here to the end of the backlog's computation nothing may interleave: what comes later is offered live.
    this.#watchers.add(watcher)
    try {
      await this.#begin(watcher, start, signal)
    } catch (err) {
      watcher.end(undefined)
      throw err
    }
    if (options.allowBookmarks) {
      bookmarks.add(watcher, options.timeoutMs, () => this.#bookmarkFactory.make(progress.revision))
    }
  }

  endWatches(): void {
    for (const watcher of this.#watchers.snapshot()) watcher.end('closed')
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.endWatches()
    this.#parts.onClose()
    this.#objects.clear()
  }

  /** For the cacher: one storage event under this store's prefix. */
  apply(event: StorageEvent): void {
    if (this.#pending !== undefined) {
      this.#pending.push(event)
      return
    }
    const { key, revision } = event
    const previous = this.#objects.get(key)
    if (previous !== undefined && previous.revision >= revision) return
    const current = event.type === 'put' ? this.#entryOf(event) : undefined
    if (current === undefined && previous === undefined) return
    if (current !== undefined) this.#objects.set(current, previous)
    else if (previous !== undefined) this.#objects.delete(previous)
    const cacheEvent = new CacheEvent(revision, key, current, previous)
    this.#window.push(cacheEvent, event.value.length)
    this.#watchers.dispatch(cacheEvent)
    previous?.release()
  }

  /** For the cacher: the storage watch was lost; ends the watches and fills the store anew. */
  restart(started: Promise<void>): void {
    this.endWatches()
    this.#pending = []
    this.ready = started.then(() => this.#fill())
    this.ready.catch(() => {})
  }

  async #fill(): Promise<void> {
    const { storage, progress, settings } = this.#parts
    const { entries, revision } = await storage.list(this.prefix)
    this.#objects.clear()
    for (const [i, { key, modRevision, value }] of entries.entries()) {
      this.#objects.set(new CacheEntry(key, modRevision, value, settings), undefined)
      if (this.#options.indexes !== undefined && i % FILL_SLICE === FILL_SLICE - 1) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    this.#window = new EventWindow(this.#parts.clock, revision)
    const pending = this.#pending ?? []
    this.#pending = undefined
    for (const event of pending) if (event.revision > revision) this.apply(event)
    // A remote storage's list may be ahead of the watch that all stores share.
    await progress.waitFor(revision)
  }

  #entryOf(event: StorageEvent): CacheEntry {
    const { key, revision, value, attachment } = event
    if (!(attachment instanceof WriteTicket)) return new CacheEntry(key, revision, value, this.#parts.settings)
    return attachment.toEntry(revision, this.#parts.settings)
  }

  async #written(ticket: WriteTicket, revision: number): Promise<CachedObject> {
    if (revision > this.#parts.progress.revision) await this.#parts.progress.waitFor(revision)
    // Without an entry the cache is being filled anew, with this write already in the list.
    return ticket.entry ?? ticket.toEntry(revision, this.#parts.settings)
  }

  async #watchStart(options: StoreWatchOptions): Promise<WatchStart> {
    const { resourceVersion, sendInitialEvents } = options
    const { progress, storage } = this.#parts
    const isFromState = sendInitialEvents ?? isUnset(resourceVersion)
    if (resourceVersion === '') await progress.waitFor(await storage.currentRevision())
    if (isFromState) {
      if (!isUnset(resourceVersion)) await progress.waitFor(parseRevision(resourceVersion))
      const isMarked = sendInitialEvents === true && options.allowBookmarks
      return { from: 'state', isMarked }
    }
    if (isUnset(resourceVersion)) return { from: 'now' }
    return { from: 'revision', revision: parseRevision(resourceVersion) }
  }

  async #begin(watcher: CacheWatcher, start: WatchStart, signal: AbortSignal): Promise<void> {
    const { revision } = this.#parts.progress
    const { scope } = watcher
    if (start.from === 'now') {
      watcher.start(revision, undefined)
    } else if (start.from === 'state') {
      const end = start.isMarked ? this.#bookmarkFactory.makeInitialEventsEnd(revision) : undefined
      watcher.start(revision, backlogOf(initialEvents(this.#objects, scope), end))
    } else if (start.revision >= this.#window.floor) {
      const missed = this.#window.after(start.revision)
      watcher.start(Math.max(revision, start.revision), eventsOf(missed, scope))
    } else {
      const missed = await missedEvents(this.#parts, scope, start.revision, revision, signal)
      watcher.start(revision, eventsOf(missed, scope))
    }
  }
}

/** `/registry/pods/`, `/registry/apps/deployments/`. */
export function prefixOf(resource: { readonly group: string; readonly resource: string }): string {
  const { group } = resource
  return group === '' ? `/registry/${resource.resource}/` : `/registry/${group}/${resource.resource}/`
}
