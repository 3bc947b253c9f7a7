/** Lines on their way to the disk. */

/** One line in pieces: text, and bytes that belong to others. */
export type LineChunks = readonly (string | Buffer)[]

/** One event's line. */
export interface LogEntry {
  readonly chunks: LineChunks
  readonly bytes: number
  /** Called once: the whole line is with the operating system, or why it is not. */
  settle(failure: Error | undefined): void
}

export interface LogTarget {
  /** In order, one call at a time. Every entry is settled when it resolves; never rejects. */
  write(entries: readonly LogEntry[]): Promise<void>
  close(): Promise<void>
}
