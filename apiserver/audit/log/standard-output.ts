/** The log on standard output, between the server's own messages. Written on the thread pool: a reader that stalls stalls no request. */
import type { Clock } from '#machinery/util/clock.ts'
import type { LogTarget } from './interfaces.ts'
import { EntryWriter } from './write-entries.ts'

const STANDARD_OUTPUT = 1

export function standardOutput(clock: Clock): LogTarget {
  const writer = new EntryWriter(clock)
  return {
    async write(entries) {
      await writer.write(STANDARD_OUTPUT, entries)
    },
    close: () => Promise.resolve(),
  }
}
