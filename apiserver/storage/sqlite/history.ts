/**
 * Reads of the past, from the log: slice by slice on the writer thread, between commits. (The file is locked exclusively,
 * which spares every commit the shared memory; a second connection for such rare reads would cost that and a thread.)
 */
import type { Entry, ListOptions, ListResult, StorageEvent } from '../interface.ts'
import { StorageError } from '../interface.ts'
import { startOf } from '../keyspace.ts'
import { endOfPrefix } from '../sorted-map.ts'
import type { LogRow } from './packed-rows.ts'
import { unpackRows } from './packed-rows.ts'
import type { CountResult, KeyRange, SliceResult } from './protocol.ts'
import type { WriterClient } from './writer-client.ts'

const LAST_KEY = '\u{10ffff}'

export class History {
  readonly #writer: WriterClient

  constructor(writer: WriterClient) {
    this.#writer = writer
  }

  async listAt(prefix: string, revision: number, options: ListOptions): Promise<ListResult> {
    const { limit = 0 } = options
    const entries: Entry[] = []
    const end = rangeOf(prefix).end
    let start: string | undefined = startOf(prefix, options.startKey)
    while (start !== undefined && (limit === 0 || entries.length < limit)) {
      const slice: SliceResult = await this.#read(prefix, {
        type: 'entries',
        range: { start, end },
        revision,
        limit: limit === 0 ? 0 : limit - entries.length,
      })
      for (const row of unpackRows(slice.rows)) entries.push(entryOf(row))
      start = slice.nextKey
    }
    const remaining = start === undefined ? 0 : await this.#count(prefix, { start, end }, revision)
    return { entries, revision, remaining }
  }

  /** Calls `onEvents` with after < revision <= upTo, until it returns false. */
  async events(
    prefix: string,
    after: number,
    upTo: number,
    onEvents: (events: readonly StorageEvent[]) => boolean,
  ): Promise<void> {
    const range = rangeOf(prefix)
    let next: number | undefined = after
    while (next !== undefined && next < upTo) {
      const slice: SliceResult = await this.#read(prefix, { type: 'events', range, after: next, upTo })
      if (!onEvents(unpackRows(slice.rows).map(eventOf))) return
      next = slice.nextAfter
    }
  }

  async #count(prefix: string, range: KeyRange, revision: number): Promise<number> {
    let total = 0
    let start: string | undefined = range.start
    while (start !== undefined) {
      const counted: CountResult = await this.#read(prefix, {
        type: 'count',
        range: { start, end: range.end },
        revision,
      })
      total += counted.count
      start = counted.nextKey
    }
    return total
  }

  async #read<R extends Parameters<WriterClient['call']>[0]>(prefix: string, request: R) {
    try {
      return await this.#writer.call(request)
    } catch (err) {
      if (err instanceof StorageError) throw new StorageError(err.code, prefix, err.revision)
      throw new StorageError('Unavailable', prefix, 0, err)
    }
  }
}

function rangeOf(prefix: string): KeyRange {
  return { start: prefix, end: endOfPrefix(prefix) ?? LAST_KEY }
}

function entryOf(row: LogRow): Entry {
  const { key, value = Buffer.alloc(0), revision, createRevision } = row
  return { key, value, modRevision: revision, createRevision }
}

function eventOf(row: LogRow): StorageEvent {
  const { key, revision, createRevision, value, previousValue } = row
  const common = { key, revision, createRevision, previousValue, attachment: undefined }
  if (value !== undefined) return { ...common, type: 'put', value }
  return { ...common, type: 'delete', value: previousValue ?? Buffer.alloc(0) }
}
