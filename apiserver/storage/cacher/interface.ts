/**
 * The watch cache as the registry sees it: one ObjectStore per resource, holding every object once (decoded, its encoded
 * JSON, its revision) with a bounded window of recent events. Reads never touch the disk, except exact-revision lists
 * older than the window. Upstream: apiserver pkg/storage/cacher.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** One object at one revision. Immutable and shared: by the cache, every list and every watcher. */
export interface CachedObject {
  readonly key: string
  /** In the storage version, metadata.resourceVersion set. */
  readonly object: DeepReadonly<KubeObject>
  readonly revision: number
  /** Stored in another version than it would be now: an update that changes nothing writes all the same. */
  readonly isStale?: boolean
  /** What holding on to it costs at least. */
  readonly sizeBytes: number
  /** The object's JSON, resourceVersion included, kind and apiVersion first; encoded at most once. */
  json(): Buffer
  /** Memo slot per representation (other versions, table rows…), filled by the endpoints layer. */
  memo<T>(representation: string, make: () => T): T
  /** The same for encoded bytes, which are many: what has not been used for long may be made again. */
  encoded(representation: string, make: () => Buffer): Buffer
}

/** A predicate over objects. `matches` is called on cached objects and must be pure. */
export interface Selection {
  /** Undefined = everything. */
  readonly matches?: (object: DeepReadonly<KubeObject>) => boolean
  /** An equality the store may have an index for, e.g. {index: 'spec.nodeName', value: 'n1'}; `matches` is still applied. */
  readonly index?: { readonly name: string; readonly value: string }
}

export interface StoreListOptions {
  /** '' = all namespaces (or cluster-scoped). */
  readonly namespace: string
  /** Restricts to one object name (metadata.name field selector). */
  readonly name?: string
  readonly selection: Selection
  /** As the client sent them; '' when absent. */
  readonly resourceVersion: string
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan'
  /** 0 = no limit. */
  readonly limit: number
  readonly continueToken: string
}

export interface StoreList {
  readonly items: readonly CachedObject[]
  readonly resourceVersion: string
  /** '' when this is the last page. */
  readonly continueToken: string
  /** Only when upstream would send it: a further page exists and no selector was used. */
  readonly remainingItemCount: number | undefined
}

export interface StoreWatchOptions {
  readonly namespace: string
  readonly name?: string
  readonly selection: Selection
  /** '' = start with synthetic ADDED of the current state (from most recent), '0' = the same from any state, n = after n. */
  readonly resourceVersion: string
  readonly allowBookmarks: boolean
  readonly sendInitialEvents: boolean | undefined
  /** When the caller is going to end this watch; with allowBookmarks a last bookmark is sent two seconds before. */
  readonly timeoutMs?: number
}

/** A watch event on the stream. For DELETED caused by leaving the selection, `object` is as upstream sends it. */
export interface StoreWatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  /** For BOOKMARK: an empty object of the kind carrying resourceVersion (and the initial-events-end annotation). */
  readonly object: CachedObject
  /** Of MODIFIED: what it was before. */
  readonly previous?: CachedObject
}

export interface StoreWatchSink {
  /**
   * Called in order, possibly before `watch` has resolved; must not throw. Returning exactly `false` means: this event was
   * taken, but hold the next ones until `resume` (the same function on every call) is called. What is held is bounded.
   */
  onEvent(event: StoreWatchEvent, resume: () => void): unknown
  /** The watch was ended by the store: too slow a consumer, or the cache restarted. A Status for an ERROR event, or nothing. */
  onEnd(reason: 'too-slow' | 'closed' | 'expired'): void
}

export interface ObjectStore {
  /**
   * `object` is handed over, the caller does not touch it again; a resourceVersion in it is ignored. Create, update and
   * delete resolve after the cache holds the write, so that the caller's next read sees it.
   */
  create(key: string, object: KubeObject, options?: { ttlSeconds?: number }): Promise<CachedObject>
  /** Replaces exactly `expected`; StorageError Conflict when it is no longer the latest. */
  update(expected: CachedObject, object: KubeObject, options?: { ttlSeconds?: number }): Promise<CachedObject>
  /** Returns the deleted object carrying the delete's revision. */
  delete(expected: CachedObject): Promise<CachedObject>

  /** Latest durable object (resourceVersion '' = most recent; '0' = whatever is cached; n = not older than n). */
  get(key: string, resourceVersion?: string): Promise<CachedObject | undefined>
  /** Synchronous read of the cache, for hot paths; embedded storage makes it equal to the most recent state. */
  peek(key: string): CachedObject | undefined
  /** The same for every object of a namespace ('' = all). */
  peekAll(namespace: string): readonly CachedObject[]
  /** The same for the objects that have this value in a named index; the index must exist. */
  peekIndexed(index: string, value: string): readonly CachedObject[]
  list(options: StoreListOptions): Promise<StoreList>
  /** Throws StatusError (Expired, ResourceVersionTooLarge) before the first event where upstream answers with an error. */
  watch(options: StoreWatchOptions, sink: StoreWatchSink, signal: AbortSignal): Promise<void>

  /** Keys: `/registry/<group?>/<resource>/<namespace>/<name>`. */
  keyOf(namespace: string, name: string): string
  count(): number
  /** Resolves when the cache has been filled. */
  readonly ready: Promise<void>
  /** Ends every watch as `closed`; objects and events stay, so that watchers go on from where they were. */
  endWatches(): void
  close(): void
}

export interface ObjectStoreOptions {
  readonly group: string
  readonly resource: string
  readonly namespaced: boolean
  /** kind and apiVersion of bookmarks. */
  readonly kind: string
  readonly apiVersion: string
  /** Named indexes over the decoded object. */
  readonly indexes?: Readonly<Record<string, (object: DeepReadonly<KubeObject>) => string | undefined>>
}

/** All resources' stores over one Storage. */
export interface Cacher {
  /** One store per resource; opening the same group and resource again before close() is a programmer error. */
  openStore(options: ObjectStoreOptions): ObjectStore
  /** Ends every watch; the Storage is left open. */
  close(): void
}

export interface CacherOptions {
  readonly logger?: Logger
  /** Deep-freezes every object, so that a reader who changes one fails. For tests: it costs time. */
  readonly freeze?: boolean
}
