/**
 * The writer thread: owns the database file, answers the main thread's requests one after the other. Everything that can
 * block on the disk happens here. Built as an entry of its own; see worker-url.ts.
 */
import { parentPort } from 'node:worker_threads'
import { openDatabase, openError } from './database.ts'
import { CompactedError, LogTable } from './log-table.ts'
import type { PackedRows } from './packed-rows.ts'
import { transferOf } from './packed-rows.ts'
import type { WriterMessage, WriterRequest, WriterResult } from './protocol.ts'

let table: LogTable | undefined

function post(message: WriterMessage, rows: PackedRows | undefined): void {
  parentPort?.postMessage(message, rows === undefined ? [] : transferOf(rows))
}

function answer(id: number, request: WriterRequest): WriterResult {
  if (request.type === 'open') {
    const db = openDatabase(request.path, request.quotaBytes)
    try {
      table = new LogTable(db)
      table.load((loaded) => post({ id, loaded }, loaded))
      return table.state()
    } catch (err) {
      throw openError(request.path, err)
    }
  }
  if (table === undefined) throw new Error('the database is not open')
  switch (request.type) {
    case 'commit':
      return table.commit(request.rows)
    case 'entries':
      return table.entries(request.range, request.revision, request.limit)
    case 'count':
      return table.count(request.range, request.revision)
    case 'events':
      return table.events(request.range, request.after, request.upTo)
    case 'compact':
      table.compact(request.revision)
      return {}
    case 'sweep':
      return table.sweep()
    case 'close':
      table.close()
      table = undefined
      return {}
  }
}

parentPort?.on('message', ({ id, request }: { id: number; request: WriterRequest }) => {
  try {
    const result = answer(id, request)
    post({ id, result }, 'rows' in result ? result.rows : undefined)
  } catch (err) {
    const error = err instanceof Error ? err.message : String(err)
    post(err instanceof CompactedError ? { id, error, compacted: err.compacted } : { id, error }, undefined)
  }
})
