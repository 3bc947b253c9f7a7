/**
 * Storage in memory, for tests and as the reference the other drivers are compared with. Keeps every version of every key
 * until it is compacted. "Durable" means applied: a write is visible when its promise is made.
 */
import { assert } from '#machinery/util/assert.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DueKey } from '../expiry-queue.ts'
import { ExpiryQueue } from '../expiry-queue.ts'
import type {
  Entry,
  ListOptions,
  ListResult,
  Storage,
  StorageEvent,
  StorageWatcher,
  WriteOptions,
} from '../interface.ts'
import { StorageError } from '../interface.ts'
import type { Mutation } from '../keyspace.ts'
import { FIRST_REVISION, Keyspace, startOf } from '../keyspace.ts'
import { WatchHub } from '../watch-hub.ts'

interface MemoryStorageOptions {
  readonly clock: Clock
}

export class MemoryStorage implements Storage {
  readonly #clock: Clock
  readonly #keyspace = new Keyspace(FIRST_REVISION)
  readonly #hub = new WatchHub()
  readonly #expiry: ExpiryQueue
  /** Every event above the compaction point (and what precedes it, per key), in order. */
  #log: StorageEvent[] = []
  #compacted = 0
  #isClosed = false

  constructor(options: MemoryStorageOptions) {
    this.#clock = options.clock
    this.#expiry = new ExpiryQueue(options.clock, (due) => this.#expire(due))
  }

  async currentRevision(): Promise<number> {
    return this.#keyspace.revision
  }

  async create(key: string, value: Buffer, options: WriteOptions = {}): Promise<{ revision: number }> {
    return this.#write({ type: 'create', key }, value, options)
  }

  async update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    options: WriteOptions = {},
  ): Promise<{ revision: number }> {
    return this.#write({ type: 'update', key, expectedRevision }, value, options)
  }

  async delete(
    key: string,
    expectedRevision: number,
    options: Pick<WriteOptions, 'attachment'> = {},
  ): Promise<{ revision: number }> {
    return this.#write({ type: 'delete', key, expectedRevision }, undefined, options)
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#requireOpen(key)
    return this.#keyspace.get(key)
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#requireOpen(prefix)
    const current = this.#keyspace.revision
    const { revision = current } = options
    if (revision > current) throw new StorageError('FutureRevision', prefix, current)
    if (revision < this.#compacted) throw new StorageError('Compacted', prefix, this.#compacted)
    return revision === current ? this.#keyspace.list(prefix, options) : this.#listAt(prefix, revision, options)
  }

  async watch(prefix: string, afterRevision: number, watcher: StorageWatcher, signal: AbortSignal): Promise<void> {
    this.#requireOpen(prefix)
    if (afterRevision < this.#compacted) throw new StorageError('Compacted', prefix, this.#compacted)
    const registered = this.#hub.addHeld(prefix, afterRevision, watcher, signal)
    const isWanted = (event: StorageEvent): boolean => event.revision > afterRevision && event.key.startsWith(prefix)
    // As from a disk: what was handed over with a write does not come back from the log.
    const logged = this.#log.filter(isWanted).map((event) => ({ ...event, attachment: undefined }))
    this.#hub.deliver(registered, logged)
    this.#hub.release(registered)
  }

  async compact(revision: number): Promise<void> {
    this.#requireOpen('')
    const current = this.#keyspace.revision
    if (revision > current) throw new StorageError('FutureRevision', '', current)
    if (revision <= this.#compacted) return
    this.#compacted = revision
    const latest = new Map<string, StorageEvent>()
    for (const event of this.#log) if (event.revision <= revision) latest.set(event.key, event)
    this.#log = this.#log.filter(
      (event) => event.revision > revision || (event.type === 'put' && latest.get(event.key) === event),
    )
  }

  async compactedRevision(): Promise<number> {
    return this.#compacted
  }

  failure(): undefined {
    return undefined
  }

  async sizeBytes(): Promise<number> {
    return 0
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#expiry.close()
    this.#hub.close()
  }

  #write(mutation: Mutation, value: Buffer | undefined, options: WriteOptions): { revision: number } {
    this.#requireOpen(mutation.key)
    const replaced = this.#keyspace.check(mutation)
    if (replaced !== undefined && replaced.expiresAtMs > 0) this.#expiry.remove(replaced.key, replaced.expiresAtMs)
    const revision = this.#keyspace.revision + 1
    const { ttlSeconds = 0, attachment } = options
    const expiresAtMs = ttlSeconds > 0 ? this.#clock.nowMs() + ttlSeconds * 1000 : 0
    const event = this.#keyspace.apply({ key: mutation.key, revision, value, expiresAtMs, attachment })
    if (expiresAtMs > 0) this.#expiry.add(mutation.key, revision, expiresAtMs)
    this.#log.push(event)
    this.#hub.publish([event])
    return { revision }
  }

  #listAt(prefix: string, revision: number, options: ListOptions): ListResult {
    const start = startOf(prefix, options.startKey)
    const byKey = new Map<string, Entry>()
    for (const event of this.#log) {
      if (event.revision > revision) break
      const { key, value, createRevision } = event
      if (!key.startsWith(prefix) || key < start) continue
      if (event.type === 'delete') byKey.delete(key)
      else byKey.set(key, { key, value, modRevision: event.revision, createRevision })
    }
    const keys = [...byKey.keys()].sort((a, b) => (a < b ? -1 : 1))
    const page = options.limit === undefined || options.limit === 0 ? keys : keys.slice(0, options.limit)
    const entries = page.map((key) => {
      const entry = byKey.get(key)
      assert(entry !== undefined, 'the keys are those of the map')
      return entry
    })
    return { entries, revision, remaining: keys.length - page.length }
  }

  #expire(due: readonly DueKey[]): void {
    for (const { key, revision } of due) {
      if (this.#keyspace.get(key)?.modRevision === revision) {
        this.#write({ type: 'delete', key, expectedRevision: revision }, undefined, {})
      }
    }
  }

  #requireOpen(key: string): void {
    if (this.#isClosed) throw new StorageError('Unavailable', key, this.#keyspace.revision)
  }
}
