/** Byte streams read and written at the pace of the other side. */
import type { Duplex, Readable, Writable } from 'node:stream'

/** To the stream's end; unlike `for await` on the stream itself, reading to the end does not destroy its writable half. */
export function chunksOf(stream: Readable | Duplex): AsyncIterable<Buffer> {
  return stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
}

/** Resolves when the stream can take more, or is gone. */
export function writeTo(stream: Writable, bytes: Buffer | string): Promise<void> {
  if (!stream.writable || stream.write(bytes)) return Promise.resolve()
  return untilDrained(stream)
}

/** Resolves when what waits in a full stream has been taken, or the stream is gone. */
export function untilDrained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.removeListener('drain', done)
      stream.removeListener('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
