/**
 * What the main thread and the writer thread say to each other: one request, one answer, in order; while a store is opened
 * the answer is preceded by the current entries. Rows cross packed (packed-rows.ts) and are transferred, not copied.
 */
import type { PackedRows } from './packed-rows.ts'

export interface OpenRequest {
  readonly type: 'open'
  readonly path: string
  /** The file may not grow beyond this; 0 = no limit. */
  readonly quotaBytes: number
}

export type WriterRequest =
  | OpenRequest
  /** One transaction. */
  | { readonly type: 'commit'; readonly rows: PackedRows }
  /** A slice of the entries as of `revision`, from startKey on. */
  | { readonly type: 'entries'; readonly range: KeyRange; readonly revision: number; readonly limit: number }
  /** How many entries there are as of `revision`, slice by slice. */
  | { readonly type: 'count'; readonly range: KeyRange; readonly revision: number }
  /** A slice of the log: after < revision <= upTo. */
  | { readonly type: 'events'; readonly range: KeyRange; readonly after: number; readonly upTo: number }
  /** Moves the compaction point; older revisions are refused from then on. */
  | { readonly type: 'compact'; readonly revision: number }
  /** Deletes a slice of what lies below the compaction point. */
  | { readonly type: 'sweep' }
  /** Checkpoints and closes the file. */
  | { readonly type: 'close' }

/** start <= key < end. */
export interface KeyRange {
  readonly start: string
  readonly end: string
}

export interface OpenResult {
  readonly revision: number
  readonly compacted: number
}

export interface CommitResult {
  /** False: nothing of the batch was written. */
  readonly isCommitted: boolean
  /** The latest revision in the file. */
  readonly revision: number
  readonly reason: string
}

export interface SliceResult {
  readonly rows: PackedRows
  /** Where the next slice starts: a key for entries, a revision for events; undefined = done. */
  readonly nextKey?: string
  readonly nextAfter?: number
}

export interface CountResult {
  readonly count: number
  readonly nextKey: string | undefined
}

export interface SweepResult {
  readonly isDone: boolean
}

export type WriterResult = OpenResult | CommitResult | SliceResult | CountResult | SweepResult | Record<string, never>

export type WriterMessage =
  | { readonly id: number; readonly result: WriterResult }
  | { readonly id: number; readonly error: string; readonly compacted?: number }
  | { readonly id: number; readonly loaded: PackedRows }
