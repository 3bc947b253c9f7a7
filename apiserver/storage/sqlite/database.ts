/**
 * Opens the database file for the writer thread: lock, identity, schema, tuning; and turns SQLite's errors into messages
 * that say what to do. Runs on the writer thread only.
 */
import { chmodSync, closeSync, openSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'

/** "knrr": the file is ours. */
const APPLICATION_ID = 0x6b6e7272
const SCHEMA_VERSION = 1

/** Room for two or three typical objects; four kilobytes would leave half of many pages empty. */
const PAGE_SIZE_BYTES = 8192
const CACHE_KIB = 4096
/** Four megabytes: small enough that the commit that has to checkpoint takes under ten milliseconds. */
const CHECKPOINT_PAGES = 500
const WAL_KEPT_BYTES = 16 * 1024 * 1024
const LOCK_TIMEOUT_MS = 500
const FILE_MODE = 0o600

/**
 * The log holds every write; a NULL value is a delete. The index's rows end with the rowid, so it is ordered by key and
 * revision. The current state is each key's last row.
 */
const SCHEMA = `
  CREATE TABLE log (
    rev INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_rev INTEGER NOT NULL,
    prev_rev INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    value BLOB
  );
  CREATE INDEX log_key ON log (key);
  CREATE TABLE progress (name TEXT PRIMARY KEY, rev INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO progress VALUES ('compacted', 0), ('swept', 0);
`

class OpenError extends Error {
  override readonly name = 'OpenError'
}

export type SqliteDatabase = Database.Database

/** Throws an Error whose message names the file and says what to do. */
export function openDatabase(path: string, quotaBytes: number): SqliteDatabase {
  let db: SqliteDatabase | undefined
  try {
    prepareFile(path)
    db = new Database(path, { timeout: LOCK_TIMEOUT_MS })
    // Held from the first read to the end of the process: a second server on the same file would overwrite revisions.
    db.pragma('locking_mode = EXCLUSIVE')
    if (isEmpty(db)) createSchema(db)
    else checkIdentity(db)
    tune(db, quotaBytes)
    db.exec('BEGIN IMMEDIATE; COMMIT')
    return db
  } catch (err) {
    db?.close()
    throw openError(path, err)
  }
}

/** Names the file and says what to do; also for damage that only shows when the entries are read. */
export function openError(path: string, err: unknown): Error {
  return new OpenError(`cannot open the database "${path}": ${explain(err)}`, { cause: err })
}

/**
 * Creates the file with its mode before SQLite does, which gives it, and the WAL, 0644. An existing file must not be
 * opened and closed here: closing any descriptor of a file drops all POSIX locks the process has on it.
 */
function prepareFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) closeSync(openSync(path, 'wx', FILE_MODE))
  else chmodSync(path, FILE_MODE)
}

function isEmpty(db: SqliteDatabase): boolean {
  return db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0
}

function createSchema(db: SqliteDatabase): void {
  db.pragma(`page_size = ${PAGE_SIZE_BYTES}`)
  db.pragma('auto_vacuum = INCREMENTAL')
  db.pragma('journal_mode = WAL')
  db.transaction(() => {
    db.exec(SCHEMA)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    db.pragma(`user_version = ${SCHEMA_VERSION}`)
  })()
}

function checkIdentity(db: SqliteDatabase): void {
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new OpenError('it was not made by knarr; choose another file or data directory')
  }
  const version = db.pragma('user_version', { simple: true })
  if (version !== SCHEMA_VERSION) {
    throw new OpenError(
      `its schema version is ${String(version)}, this knarr knows ${SCHEMA_VERSION}; use the knarr that wrote it, or restore a backup`,
    )
  }
}

function tune(db: SqliteDatabase, quotaBytes: number): void {
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma(`cache_size = -${CACHE_KIB}`)
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`)
  db.pragma('temp_store = MEMORY')
  if (quotaBytes > 0) {
    const pageSize = Number(db.pragma('page_size', { simple: true }))
    db.pragma(`max_page_count = ${Math.max(1, Math.floor(quotaBytes / pageSize))}`)
  }
}

function explain(err: unknown): string {
  if (err instanceof OpenError) return err.message
  const { code = '', message } = err as { code?: string; message: string }
  const isOne = (...codes: string[]): boolean => codes.some((prefix) => code.startsWith(prefix))
  if (isOne('SQLITE_BUSY', 'SQLITE_LOCKED')) {
    return 'another process is using it; stop the other knarr, or give this one its own data directory'
  }
  if (isOne('SQLITE_NOTADB', 'SQLITE_CORRUPT')) {
    return `it is damaged or not a database (${message}); restore a backup, or move it away to start with an empty cluster`
  }
  if (isOne('ENOENT')) return 'its directory does not exist; create the directory, or choose another data directory'
  if (isOne('ENOTDIR', 'EISDIR'))
    return 'the path does not lead to a file in a directory; choose another data directory'
  if (isOne('EACCES', 'EPERM', 'EROFS', 'SQLITE_READONLY', 'SQLITE_CANTOPEN', 'SQLITE_PERM')) {
    return `it cannot be written (${message}); give this user write access to the file and its directory`
  }
  if (isOne('SQLITE_FULL', 'ENOSPC')) return 'the disk is full; free some space'
  return `${message}; see the error's cause`
}
