/**
 * Storage in one SQLite file. The main thread keeps the current state and answers reads from it; the writer thread owns
 * the file and commits in groups (write-queue.ts); the past is read back from the log on that thread (history.ts).
 */
import { statSync } from 'node:fs'
import type { Clock } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { discardLogger } from '#machinery/util/logger.ts'
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
import type { Change, StoredEntry } from '../keyspace.ts'
import { FIRST_REVISION, Keyspace } from '../keyspace.ts'
import { WatchHub } from '../watch-hub.ts'
import { Compactor } from './compactor.ts'
import { History } from './history.ts'
import { unpackRows } from './packed-rows.ts'
import { WriteQueue } from './write-queue.ts'
import { WriterClient } from './writer-client.ts'

/** Expired keys deleted at a time. */
const EXPIRY_BATCH = 256
const EXPIRY_RETRY_MS = 5000

/** Told about every commit, and the size on disk after every compaction. */
export interface SqliteObserver {
  commit(seconds: number, writes: number): void
  size(bytes: number): void
}

interface SqliteStorageOptions {
  readonly path: string
  readonly clock: Clock
  readonly logger?: Logger
  readonly metrics?: SqliteObserver
  /** Writes fail Unavailable rather than let the file grow beyond this; default: no limit. */
  readonly quotaBytes?: number
}

/** Rejects with an Error that names the file and says what to do. Holds the file's lock until close. */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<Storage> {
  const writer = await WriterClient.start()
  const keyspace = new Keyspace(FIRST_REVISION)
  try {
    const { path, quotaBytes = 0 } = options
    const { revision, compacted } = await writer.open({ type: 'open', path, quotaBytes }, (rows) => {
      for (const { key, value, revision: modRevision, createRevision, expiresAtMs } of unpackRows(rows)) {
        if (value !== undefined) keyspace.load({ key, value, modRevision, createRevision, expiresAtMs })
      }
    })
    keyspace.loadRevision(revision)
    return new SqliteStorage(options, writer, keyspace, compacted)
  } catch (err) {
    await writer.stop()
    throw err
  }
}

class SqliteStorage implements Storage {
  readonly #options: SqliteStorageOptions
  readonly #logger: Logger
  readonly #writer: WriterClient
  readonly #keyspace: Keyspace
  readonly #hub = new WatchHub()
  readonly #queue: WriteQueue
  readonly #history: History
  readonly #expiry: ExpiryQueue
  readonly #compactor: Compactor
  #compacted: number
  #sweeping: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: SqliteStorageOptions, writer: WriterClient, keyspace: Keyspace, compacted: number) {
    const { clock, logger = discardLogger, metrics } = options
    this.#options = options
    this.#logger = logger
    this.#writer = writer
    this.#keyspace = keyspace
    this.#compacted = compacted
    this.#history = new History(writer)
    this.#queue = new WriteQueue({
      keyspace,
      writer,
      clock,
      publish: (events, changes) => this.#publish(events, changes),
      onCommit: (seconds, writes) => metrics?.commit(seconds, writes),
      onFailure: (err, writes) => logger.error({ err, writes, path: options.path }, 'writes failed'),
    })
    writer.onFailure = (err) => this.#queue.abandon(err)
    this.#expiry = new ExpiryQueue(clock, (due) => {
      this.#expire(due).catch((err: unknown) => logger.error({ err: toError(err) }, 'expiry failed'))
    })
    for (const entry of keyspace.list('', {}).entries as readonly StoredEntry[]) this.#scheduleExpiry(entry)
    this.#compactor = new Compactor({
      clock,
      logger,
      revision: () => keyspace.revision,
      compact: (revision) => this.compact(revision),
    })
  }

  async currentRevision(): Promise<number> {
    return this.#keyspace.revision
  }

  create(key: string, value: Buffer, options: WriteOptions = {}): Promise<{ revision: number }> {
    return this.#queue.write({ type: 'create', key }, value, options.ttlSeconds ?? 0, options.attachment)
  }

  update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    options: WriteOptions = {},
  ): Promise<{ revision: number }> {
    const mutation = { type: 'update' as const, key, expectedRevision }
    return this.#queue.write(mutation, value, options.ttlSeconds ?? 0, options.attachment)
  }

  delete(
    key: string,
    expectedRevision: number,
    options: Pick<WriteOptions, 'attachment'> = {},
  ): Promise<{ revision: number }> {
    return this.#queue.write({ type: 'delete', key, expectedRevision }, undefined, 0, options.attachment)
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#requireOpen(key)
    return this.#keyspace.get(key)
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListResult> {
    this.#requireOpen(prefix)
    const current = this.#keyspace.revision
    const { revision = current } = options
    if (revision === current) return this.#keyspace.list(prefix, options)
    if (revision > current) throw new StorageError('FutureRevision', prefix, current)
    this.#requireHistory(prefix, revision)
    return this.#history.listAt(prefix, revision, options)
  }

  async watch(prefix: string, afterRevision: number, watcher: StorageWatcher, signal: AbortSignal): Promise<void> {
    this.#requireOpen(prefix)
    this.#requireHistory(prefix, afterRevision)
    // Registered first: what is published while the log is read is held back for it.
    const registered = this.#hub.addHeld(prefix, afterRevision, watcher, signal)
    try {
      await this.#history.events(prefix, afterRevision, this.#keyspace.revision, (events) => {
        this.#hub.deliver(registered, events)
        return !registered.isEnded
      })
    } catch (err) {
      this.#hub.remove(registered)
      throw err
    }
    this.#hub.release(registered)
  }

  async compact(revision: number): Promise<void> {
    this.#requireOpen('')
    const current = this.#keyspace.revision
    if (revision > current) throw new StorageError('FutureRevision', '', current)
    if (revision > this.#compacted) {
      this.#compacted = revision
      await this.#ask({ type: 'compact', revision })
    }
    // A sweep that is under way ends with the new compaction point.
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
    await this.#sweeping
  }

  async compactedRevision(): Promise<number> {
    return this.#compacted
  }

  failure(): string | undefined {
    return this.#queue.refusal?.message
  }

  async sizeBytes(): Promise<number> {
    const { path } = this.#options
    const size = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
    return size(path) + size(`${path}-wal`)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#compactor.stop()
    this.#expiry.close()
    await this.#queue.close(new Error('the storage is closed'))
    this.#hub.close()
    // Everything acknowledged is in the WAL: without the checkpoint the next start reads it from there.
    await this.#writer.call({ type: 'close' }).catch((err: unknown) => {
      this.#logger.warn({ err: toError(err), path: this.#options.path }, 'the database was not checkpointed at close')
    })
    await this.#writer.stop()
  }

  /** Slices, so that commits run in between. */
  async #sweep(): Promise<void> {
    for (let isDone = false; !isDone && this.#closing === undefined; )
      isDone = (await this.#ask({ type: 'sweep' })).isDone
    this.#options.metrics?.size(await this.sizeBytes())
  }

  async #ask<R extends Parameters<WriterClient['call']>[0]>(request: R) {
    try {
      return await this.#writer.call(request)
    } catch (err) {
      throw new StorageError('Unavailable', '', this.#keyspace.revision, err)
    }
  }

  #publish(
    events: readonly StorageEvent[],
    changes: readonly (Change & { replaced: StoredEntry | undefined })[],
  ): void {
    for (const { key, revision, expiresAtMs, replaced } of changes) {
      if (replaced !== undefined && replaced.expiresAtMs > 0) this.#expiry.remove(key, replaced.expiresAtMs)
      if (expiresAtMs > 0) this.#expiry.add(key, revision, expiresAtMs)
    }
    this.#hub.publish(events)
  }

  #scheduleExpiry(entry: StoredEntry): void {
    if (entry.expiresAtMs > 0) this.#expiry.add(entry.key, entry.modRevision, entry.expiresAtMs)
  }

  /** In batches, so that a flood of expired keys leaves room for other writes. */
  async #expire(due: readonly DueKey[]): Promise<void> {
    for (let i = 0; i < due.length && this.#closing === undefined; i += EXPIRY_BATCH) {
      await Promise.all(due.slice(i, i + EXPIRY_BATCH).map((dueKey) => this.#expireKey(dueKey)))
    }
  }

  async #expireKey({ key, revision }: DueKey): Promise<void> {
    try {
      await this.delete(key, revision)
    } catch (err) {
      // Written or deleted since: then it does not expire, or not now. Otherwise the disk is in trouble.
      const isMoot = err instanceof StorageError && (err.code === 'Conflict' || err.code === 'KeyNotFound')
      if (!isMoot) this.#expiry.add(key, revision, this.#options.clock.nowMs() + EXPIRY_RETRY_MS)
    }
  }

  #requireOpen(key: string): void {
    if (this.#closing !== undefined) throw new StorageError('Unavailable', key, this.#keyspace.revision)
  }

  #requireHistory(prefix: string, revision: number): void {
    if (revision < this.#compacted) throw new StorageError('Compacted', prefix, this.#compacted)
  }
}
