/** The statements on the log, each one slice of work short enough to run between two commits. Writer thread only. */
import type { SqliteDatabase } from './database.ts'
import type { LogRow, PackedRows } from './packed-rows.ts'
import { packRows, unpackRows } from './packed-rows.ts'
import type { CommitResult, CountResult, KeyRange, OpenResult, SliceResult, SweepResult } from './protocol.ts'

/** A slice of a reply: a commit that waits for it waits a few milliseconds at most. */
const SLICE_BYTES = 256 * 1024
const SLICE_KEYS = 1000
const SLICE_REVISIONS = 2000
const SWEEP_REVISIONS = 500
const VACUUM_PAGES = 256
/** Free pages left for reuse, so that the file does not breathe with every compaction. */
const FREE_PAGES_KEPT = 512

/** Thrown when a read asks for what compaction may have removed. */
export class CompactedError extends Error {
  override readonly name = 'CompactedError'
  readonly compacted: number

  constructor(compacted: number) {
    super('compacted')
    this.compacted = compacted
  }
}

type Row = [
  revision: number,
  key: string,
  createRevision: number,
  previousRevision: number,
  expiresAtMs: number,
  value: Buffer | null,
]

export class LogTable {
  readonly #db: SqliteDatabase
  readonly #statements: ReturnType<typeof prepare>
  #compacted: number
  #swept: number

  constructor(db: SqliteDatabase) {
    this.#db = db
    this.#statements = prepare(db)
    this.#compacted = Number(this.#statements.progress.get('compacted') ?? 0)
    this.#swept = Number(this.#statements.progress.get('swept') ?? 0)
  }

  state(): OpenResult {
    return { revision: this.#revision(), compacted: this.#compacted }
  }

  /** Calls `onRows` with all current entries, in slices. */
  load(onRows: (rows: PackedRows) => void): void {
    let slice = new Slice()
    for (const row of this.#statements.current.iterate()) {
      slice.add(toLogRow(row as Row, undefined))
      if (!slice.isFull) continue
      onRows(slice.pack())
      slice = new Slice()
    }
    onRows(slice.pack())
  }

  commit(packed: PackedRows): CommitResult {
    const { begin, insert, commit } = this.#statements
    const rows = unpackRows(packed)
    try {
      begin.run()
      for (const { revision, key, createRevision, previousRevision, expiresAtMs, value } of rows) {
        insert.run(revision, key, createRevision, previousRevision, expiresAtMs, value ?? null)
      }
      commit.run()
      return { isCommitted: true, revision: rows.at(-1)?.revision ?? 0, reason: '' }
    } catch (err) {
      if (this.#db.inTransaction) this.#statements.rollback.run()
      // The file decides: an error may be reported for a transaction that did reach the disk.
      const revision = this.#revision()
      const isCommitted = revision === rows.at(-1)?.revision
      return { isCommitted, revision, reason: err instanceof Error ? err.message : String(err) }
    }
  }

  entries(range: KeyRange, revision: number, limit: number): SliceResult {
    this.#requireReadable(revision)
    const versions = this.#statements.versions.all(range.start, range.end, revision, SLICE_KEYS) as [string, number][]
    const slice = new Slice()
    for (const [key, version] of versions) {
      const row = this.#statements.row.get(version) as Row
      if (row[5] !== null) slice.add(toLogRow(row, undefined))
      if (slice.isFull || (limit > 0 && slice.length === limit)) return { rows: slice.pack(), nextKey: `${key}\0` }
    }
    const lastKey = versions.at(-1)?.[0]
    const rows = slice.pack()
    return versions.length < SLICE_KEYS || lastKey === undefined ? { rows } : { rows, nextKey: `${lastKey}\0` }
  }

  count(range: KeyRange, revision: number): CountResult {
    this.#requireReadable(revision)
    const versions = this.#statements.versions.all(range.start, range.end, revision, SLICE_KEYS) as [string, number][]
    let count = 0
    for (const [, version] of versions) count += Number(this.#statements.isPut.get(version))
    const lastKey = versions.at(-1)?.[0]
    return { count, nextKey: versions.length < SLICE_KEYS || lastKey === undefined ? undefined : `${lastKey}\0` }
  }

  events(range: KeyRange, after: number, upTo: number): SliceResult {
    this.#requireReadable(after)
    const sliceEnd = Math.min(upTo, after + SLICE_REVISIONS)
    const slice = new Slice()
    for (const raw of this.#statements.events.iterate(after, sliceEnd, range.start, range.end)) {
      const row = raw as Row
      slice.add(toLogRow(row, row[3] > 0 ? (this.#statements.value.get(row[3]) as Buffer | null) : undefined))
      if (slice.isFull) return { rows: slice.pack(), nextAfter: row[0] }
    }
    return sliceEnd < upTo ? { rows: slice.pack(), nextAfter: sliceEnd } : { rows: slice.pack() }
  }

  compact(revision: number): void {
    if (revision <= this.#compacted) return
    this.#statements.setProgress.run(revision, 'compacted')
    this.#compacted = revision
  }

  /**
   * Every row at or below the compaction point makes its predecessor unreachable; deletes make themselves unreachable too.
   * So one pass over the rows between the last sweep and the compaction point finds all there is to delete.
   */
  sweep(): SweepResult {
    if (this.#swept < this.#compacted) {
      const upTo = Math.min(this.#swept + SWEEP_REVISIONS, this.#compacted)
      this.#db.transaction(() => {
        this.#statements.sweepReplaced.run(this.#swept, upTo)
        this.#statements.sweepDeletes.run(this.#swept, upTo)
        this.#statements.setProgress.run(upTo, 'swept')
      })()
      this.#swept = upTo
      return { isDone: false }
    }
    const freePages = Number(this.#db.pragma('freelist_count', { simple: true }))
    if (freePages <= FREE_PAGES_KEPT) return { isDone: true }
    this.#db.pragma(`incremental_vacuum(${Math.min(VACUUM_PAGES, freePages - FREE_PAGES_KEPT)})`)
    return { isDone: false }
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)')
    this.#db.close()
  }

  /** A row above the compaction point is never swept, so the larger of the two is the last revision given out. */
  #revision(): number {
    return Math.max(Number(this.#statements.lastRevision.get() ?? 0), this.#compacted)
  }

  #requireReadable(revision: number): void {
    if (revision < this.#compacted) throw new CompactedError(this.#compacted)
  }
}

class Slice {
  readonly #rows: LogRow[] = []
  #bytes = 0

  get length(): number {
    return this.#rows.length
  }

  get isFull(): boolean {
    return this.#bytes >= SLICE_BYTES
  }

  add(row: LogRow): void {
    this.#rows.push(row)
    this.#bytes += (row.value?.length ?? 0) + (row.previousValue?.length ?? 0) + row.key.length
  }

  pack(): PackedRows {
    return packRows(this.#rows)
  }
}

function toLogRow(row: Row, previousValue: Buffer | null | undefined): LogRow {
  const [revision, key, createRevision, previousRevision, expiresAtMs, value] = row
  return {
    key,
    revision,
    createRevision,
    previousRevision,
    expiresAtMs,
    value: value ?? undefined,
    previousValue: previousValue ?? undefined,
  }
}

const COLUMNS = 'rev, key, create_rev, prev_rev, expires_at, value'

function prepare(db: SqliteDatabase) {
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    insert: db.prepare(`INSERT INTO log (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`),
    lastRevision: db.prepare('SELECT MAX(rev) FROM log').pluck(),
    current: db
      .prepare(`SELECT ${COLUMNS} FROM log WHERE rev IN (SELECT MAX(rev) FROM log GROUP BY key) AND value IS NOT NULL`)
      .raw(),
    versions: db
      .prepare(
        'SELECT key, MAX(rev) FROM log WHERE key >= ? AND key < ? AND rev <= ? GROUP BY key ORDER BY key LIMIT ?',
      )
      .raw(),
    row: db.prepare(`SELECT ${COLUMNS} FROM log WHERE rev = ?`).raw(),
    value: db.prepare('SELECT value FROM log WHERE rev = ?').pluck(),
    isPut: db.prepare('SELECT value IS NOT NULL FROM log WHERE rev = ?').pluck(),
    // The plus signs keep SQLite on the rowid, in order, instead of the key index and a sort.
    events: db
      .prepare(`SELECT ${COLUMNS} FROM log WHERE rev > ? AND rev <= ? AND +key >= ? AND +key < ? ORDER BY rev`)
      .raw(),
    progress: db.prepare('SELECT rev FROM progress WHERE name = ?').pluck(),
    setProgress: db.prepare('UPDATE progress SET rev = ? WHERE name = ?'),
    sweepReplaced: db.prepare(
      'DELETE FROM log WHERE rev IN (SELECT prev_rev FROM log WHERE rev > ? AND rev <= ? AND prev_rev > 0)',
    ),
    sweepDeletes: db.prepare('DELETE FROM log WHERE rev > ? AND rev <= ? AND value IS NULL'),
  }
}
