/**
 * The one write path: a key-value log with a single, strictly increasing revision, modelled on etcd. Drivers: sqlite/,
 * memory/ (and later etcd/); test/contract/storage.contract.ts runs against all of them.
 *
 * Values are opaque bytes. A write is resolved, and becomes visible to get, list and watch, only after it is durable.
 * Errors are StorageError; this layer knows no HTTP.
 */

export type StorageErrorCode =
  | 'KeyNotFound'
  | 'KeyExists'
  | 'Conflict'
  | 'Compacted'
  | 'FutureRevision'
  | 'TooLarge'
  | 'Unavailable'

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  readonly key: string
  /** Conflict: the key's current revision. Compacted: the oldest revision still readable. FutureRevision: the current one. */
  readonly revision: number

  constructor(code: StorageErrorCode, key: string, revision = 0, cause?: unknown) {
    super(`storage: ${code}: ${key}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.key = key
    this.revision = revision
  }
}

export interface Entry {
  readonly key: string
  readonly value: Buffer
  /** Revision of the write that produced this value: the object's resourceVersion. */
  readonly modRevision: number
  readonly createRevision: number
}

/** `value` is the new value, or the last one for a delete. */
export interface StorageEvent {
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly value: Buffer
  readonly revision: number
  readonly createRevision: number
  /** The value before this write; undefined for a create. */
  readonly previousValue: Buffer | undefined
  /**
   * What the writer handed over with the write, when it ran in this process and the event is live: the decoded object,
   * so the watch cache need not parse what this process has just encoded. Never persisted.
   */
  readonly attachment: unknown
}

export interface WriteOptions {
  /** The key is deleted by the driver this long after the write. A later write without it makes the key permanent. */
  readonly ttlSeconds?: number
  readonly attachment?: unknown
}

export interface ListOptions {
  /** Read as of this revision (Compacted when too old, FutureRevision when not yet reached); default: the latest. */
  readonly revision?: number
  /** Return only keys >= startKey (within the prefix). */
  readonly startKey?: string
  readonly limit?: number
}

export interface ListResult {
  /** Sorted by key, by UTF-16 code unit: byte-wise but for characters beyond U+FFFF. */
  readonly entries: readonly Entry[]
  /** The revision this list is consistent with. */
  readonly revision: number
  /** Entries after the last returned one. */
  readonly remaining: number
}

export interface StorageWatcher {
  /** Called in revision order with batches of one commit; must not throw and must return quickly. */
  onEvents(events: readonly StorageEvent[]): void
  /** Called once at most, instead of any further onEvents: the log could not be read. */
  onError(error: StorageError): void
}

export interface Storage {
  /** Latest durable revision. Served from memory by embedded drivers; a round trip for remote ones. */
  currentRevision(): Promise<number>

  /** KeyExists when the key is there. */
  create(key: string, value: Buffer, options?: WriteOptions): Promise<{ readonly revision: number }>
  /** Conflict when the key's modRevision is not `expectedRevision`, KeyNotFound when it is gone. */
  update(
    key: string,
    value: Buffer,
    expectedRevision: number,
    options?: WriteOptions,
  ): Promise<{ readonly revision: number }>
  /** `attachment` travels with the delete event, whose value is the last stored one. */
  delete(
    key: string,
    expectedRevision: number,
    options?: Pick<WriteOptions, 'attachment'>,
  ): Promise<{ readonly revision: number }>

  get(key: string): Promise<Entry | undefined>
  list(prefix: string, options?: ListOptions): Promise<ListResult>

  /**
   * Events with revision > afterRevision under `prefix`, first the logged ones, then live, in order, none twice.
   * Throws Compacted when afterRevision is below the compaction point. Resolves when the logged events have been
   * delivered; a write's events are delivered before its caller is answered. Ends when `signal` aborts.
   */
  watch(prefix: string, afterRevision: number, watcher: StorageWatcher, signal: AbortSignal): Promise<void>

  /**
   * Drops history below `revision`: lists at `revision` and later, and watches after it, still work; the latest value of
   * every key stays. Never goes back; FutureRevision above the current one.
   */
  compact(revision: number): Promise<void>
  compactedRevision(): Promise<number>

  /** Why no write can succeed any more until the process starts anew; undefined as long as that is not so. */
  failure(): string | undefined

  /** Bytes on disk (0 for memory). */
  sizeBytes(): Promise<number>

  /** Waits for queued writes, then releases everything. Writes issued afterwards reject Unavailable. */
  close(): Promise<void>
}
