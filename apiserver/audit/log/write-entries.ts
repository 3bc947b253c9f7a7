/**
 * Lines through a file descriptor, with what the operating system may do to them: less written than asked for, a pipe that
 * is full for now, a disk that is full. A line that was broken off is ended before the next one begins.
 */
import { writev } from 'node:fs'
import { promisify } from 'node:util'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { LogEntry } from './interfaces.ts'

const writeBuffers = promisify(writev)
const RETRY_MS = 10

export class EntryWriter {
  readonly #clock: Clock
  #isMidLine = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Settles every entry; the number of bytes that were written. */
  async write(fd: number, entries: readonly LogEntry[]): Promise<number> {
    const repair = this.#isMidLine ? '\n' : ''
    const { written, failure } = await this.#writeAll(fd, buffersOf(repair, entries))
    let rest = written - repair.length
    for (const entry of entries) {
      const isWhole = rest >= entry.bytes
      entry.settle(isWhole ? undefined : failure)
      if (!isWhole && rest > 0) this.#isMidLine = true
      rest -= entry.bytes
    }
    if (rest === 0) this.#isMidLine = false
    return written
  }

  async #writeAll(fd: number, all: readonly Buffer[]): Promise<{ written: number; failure: Error | undefined }> {
    let written = 0
    for (let buffers = all; buffers.length > 0; ) {
      try {
        const { bytesWritten } = await writeBuffers(fd, buffers)
        written += bytesWritten
        buffers = behind(buffers, bytesWritten)
      } catch (err: unknown) {
        if ((err as NodeJS.ErrnoException).code !== 'EAGAIN') return { written, failure: toError(err) }
        await sleep(this.#clock, RETRY_MS)
      }
    }
    return { written, failure: undefined }
  }
}

/** Pieces of text that follow each other become one buffer. */
function buffersOf(start: string, entries: readonly LogEntry[]): Buffer[] {
  const buffers: Buffer[] = []
  let text = start
  for (const { chunks } of entries) {
    for (const chunk of chunks) {
      if (typeof chunk === 'string') text += chunk
      else {
        buffers.push(Buffer.from(text), chunk)
        text = ''
      }
    }
  }
  if (text !== '') buffers.push(Buffer.from(text))
  return buffers
}

function behind(buffers: readonly Buffer[], bytes: number): readonly Buffer[] {
  let rest = bytes
  for (const [index, buffer] of buffers.entries()) {
    if (rest < buffer.length) return [buffer.subarray(rest), ...buffers.slice(index + 1)]
    rest -= buffer.length
  }
  return []
}
