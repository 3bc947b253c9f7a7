/**
 * The watch cache over one Storage: one watch of the whole log, its events routed in revision order to the stores of the
 * resources. Upstream: apiserver pkg/storage/cacher, which runs one watch per resource.
 */
import { assert } from '#machinery/util/assert.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import type { Storage, StorageError, StorageEvent, StorageWatcher } from '../interface.ts'
import { BookmarkTimer } from './bookmarks.ts'
import type { EntrySettings } from './cache-entry.ts'
import { EncodedBudget, REPRESENTATIONS_BYTES_MAX } from './encoded-budget.ts'
import type { Cacher, CacherOptions, ObjectStore, ObjectStoreOptions } from './interface.ts'
import { Progress } from './progress.ts'
import { prefixOf, ResourceStore } from './resource-store.ts'

const WATCH_PREFIX = '/'
const RESTART_DELAY_MS = 1000

/** Starts watching at once. The Storage outlives the cacher. */
export function createCacher(storage: Storage, clock: Clock, options: CacherOptions = {}): Cacher {
  return new StorageCacher(storage, clock, options)
}

class StorageCacher implements Cacher, StorageWatcher {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #settings: EntrySettings
  readonly #progress: Progress
  readonly #bookmarks: BookmarkTimer
  readonly #stores = new Map<string, ResourceStore>()
  readonly #closing = new AbortController()
  #started: Promise<void>

  constructor(storage: Storage, clock: Clock, options: CacherOptions) {
    this.#storage = storage
    this.#clock = clock
    this.#logger = options.logger ?? discardLogger
    this.#settings = {
      isFrozen: options.freeze ?? false,
      encoded: new EncodedBudget(),
      representations: new EncodedBudget(REPRESENTATIONS_BYTES_MAX),
    }
    this.#progress = new Progress(clock)
    this.#bookmarks = new BookmarkTimer(clock)
    this.#started = this.#start().catch(() => this.#restart())
  }

  openStore(options: ObjectStoreOptions): ObjectStore {
    const prefix = prefixOf(options)
    assert(!this.#stores.has(prefix), `the store of ${prefix} is opened once`)
    const store: ResourceStore = new ResourceStore(options, {
      storage: this.#storage,
      clock: this.#clock,
      progress: this.#progress,
      bookmarks: this.#bookmarks,
      settings: this.#settings,
      logger: this.#logger,
      started: this.#started,
      onClose: () => this.#stores.delete(prefix),
    })
    this.#stores.set(prefix, store)
    return store
  }

  close(): void {
    this.#closing.abort()
    for (const store of [...this.#stores.values()]) store.close()
  }

  onEvents(events: readonly StorageEvent[]): void {
    for (const event of events) {
      this.#storeOf(event.key)?.apply(event)
      this.#progress.advance(event.revision)
    }
  }

  onError(error: StorageError): void {
    if (this.#closing.signal.aborted) return
    this.#logger.warn({ err: error }, 'the storage watch was lost, the watch cache starts again')
    this.#started = this.#restart()
    for (const store of this.#stores.values()) store.restart(this.#started)
  }

  /** Tries until it works or the cacher closes; reads wait meanwhile, as they do at the start. */
  async #restart(): Promise<void> {
    const { signal } = this.#closing
    for (;;) {
      try {
        await sleep(this.#clock, RESTART_DELAY_MS, signal)
        return await this.#start()
      } catch {
        if (signal.aborted) return
      }
    }
  }

  async #start(): Promise<void> {
    const { signal } = this.#closing
    try {
      const revision = await this.#storage.currentRevision()
      await this.#storage.watch(WATCH_PREFIX, revision, this, signal)
      this.#progress.advance(revision)
    } catch (err) {
      this.#logger.error({ err: toError(err) }, 'the storage watch could not be started')
      throw err
    }
  }

  /** `/registry/<resource>/…` or `/registry/<group>/<resource>/…`. */
  #storeOf(key: string): ResourceStore | undefined {
    const first = key.indexOf('/', 1)
    const second = key.indexOf('/', first + 1)
    const third = key.indexOf('/', second + 1)
    const inGroup = third < 0 ? undefined : this.#stores.get(key.slice(0, third + 1))
    return inGroup ?? this.#stores.get(key.slice(0, second + 1))
  }
}
