/**
 * The current state of an embedded driver: every live key in order, the latest published revision, and the rules of the
 * write preconditions. Knows nothing of durability: a driver applies a change here once it is durable.
 */
import { assert } from '#machinery/util/assert.ts'
import type { Entry, ListOptions, ListResult, StorageEvent } from './interface.ts'
import { StorageError } from './interface.ts'
import { endOfPrefix, SortedMap } from './sorted-map.ts'

/** As etcd: an empty store is at revision 1, so that "0" keeps its meaning of "any" for clients. */
export const FIRST_REVISION = 1

export interface StoredEntry extends Entry {
  /** Wall clock; 0 = never. */
  readonly expiresAtMs: number
}

export type Mutation =
  | { readonly type: 'create'; readonly key: string }
  | { readonly type: 'update' | 'delete'; readonly key: string; readonly expectedRevision: number }

/** One durable write, as applied to the state. */
export interface Change {
  readonly key: string
  readonly revision: number
  /** undefined = delete. */
  readonly value: Buffer | undefined
  readonly expiresAtMs: number
  readonly attachment: unknown
}

export class Keyspace {
  readonly #entries = new SortedMap<StoredEntry>()
  #revision: number

  constructor(revision = FIRST_REVISION) {
    this.#revision = revision
  }

  get revision(): number {
    return this.#revision
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): StoredEntry | undefined {
    return this.#entries.get(key)
  }

  /** For start-up: an entry read back from disk. */
  load(entry: StoredEntry): void {
    this.#entries.set(entry.key, entry)
    if (entry.modRevision > this.#revision) this.#revision = entry.modRevision
  }

  /** For start-up: the revision of the last write, which may have been a delete. */
  loadRevision(revision: number): void {
    if (revision > this.#revision) this.#revision = revision
  }

  /** Throws when the mutation's precondition does not hold; returns the entry it replaces. */
  check(mutation: Mutation): StoredEntry | undefined {
    const existing = this.#entries.get(mutation.key)
    if (mutation.type === 'create') {
      if (existing !== undefined) throw new StorageError('KeyExists', mutation.key, existing.modRevision)
      return undefined
    }
    if (existing === undefined) throw new StorageError('KeyNotFound', mutation.key, this.#revision)
    if (existing.modRevision !== mutation.expectedRevision) {
      throw new StorageError('Conflict', mutation.key, existing.modRevision)
    }
    return existing
  }

  apply(change: Change): StorageEvent {
    const { key, revision, value, attachment } = change
    assert(revision > this.#revision, 'revisions are applied in order')
    const previous = this.#entries.get(key)
    this.#revision = revision
    const previousValue = previous?.value
    if (value === undefined) {
      assert(previous !== undefined, 'only an existing key is deleted')
      this.#entries.delete(key)
      const { createRevision } = previous
      return { type: 'delete', key, value: previous.value, revision, createRevision, previousValue, attachment }
    }
    const createRevision = previous?.createRevision ?? revision
    this.#entries.set(key, { key, value, modRevision: revision, createRevision, expiresAtMs: change.expiresAtMs })
    return { type: 'put', key, value, revision, createRevision, previousValue, attachment }
  }

  /** The latest state; `options.revision` is the driver's business. */
  list(prefix: string, options: Pick<ListOptions, 'startKey' | 'limit'>): ListResult {
    const entries: Entry[] = []
    const start = startOf(prefix, options.startKey)
    const end = endOfPrefix(prefix)
    const limit = options.limit ?? 0
    this.#entries.scan(start, end, (entry) => {
      entries.push(entry)
      return limit === 0 || entries.length < limit
    })
    const remaining = limit === 0 ? 0 : this.#entries.count(start, end) - entries.length
    return { entries, revision: this.#revision, remaining }
  }
}

/** Where a listing of `prefix` begins. */
export function startOf(prefix: string, startKey: string | undefined): string {
  return startKey !== undefined && startKey > prefix ? startKey : prefix
}
