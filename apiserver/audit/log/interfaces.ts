/** Lines on their way to the disk. */

/** One event's line. */
export interface LogEntry {
  readonly chunks: readonly Buffer[]
  readonly bytes: number
  /** Called once: the whole line is with the operating system, or why it is not. */
  settle(failure: Error | undefined): void
}

export interface LogTarget {
  /** In order, one call at a time. Every entry is settled when it resolves; never rejects. */
  write(entries: readonly LogEntry[]): Promise<void>
  close(): Promise<void>
}
