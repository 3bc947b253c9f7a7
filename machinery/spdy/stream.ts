/** One SPDY stream as a Node Duplex: `end()` half-closes, `destroy()` resets, an unread stream holds its session back. */
import { Duplex } from 'node:stream'
import type { SpdyHeaders } from './header-block.ts'

/** What a stream needs of its session. */
export interface StreamTransport {
  writeData(streamId: number, data: Buffer, isFinal: boolean, done: () => void): void
  reset(streamId: number): void
  consumed(streamId: number, bytes: number): void
  closed(streamId: number): void
}

/** Unread bytes a stream keeps before its session stops reading. */
const UNREAD_BYTES_MAX = 256 * 1024

export class SpdyStream extends Duplex {
  readonly id: number
  readonly headers: SpdyHeaders
  readonly #transport: StreamTransport
  /** The peer has said that nothing more comes; false after an end: the connection was lost. */
  isEndedByPeer = false
  #waiting: (() => void) | undefined
  #unacknowledged = 0
  #isResetByPeer = false

  constructor(id: number, headers: SpdyHeaders, transport: StreamTransport) {
    super({ allowHalfOpen: true, readableHighWaterMark: UNREAD_BYTES_MAX, writableHighWaterMark: 64 * 1024 })
    this.id = id
    this.headers = headers
    this.#transport = transport
    // Whoever reads or writes sees it; without anybody a peer's reset must not end the process.
    this.on('error', () => undefined)
  }

  header(name: string): string {
    return this.headers.get(name)?.[0] ?? ''
  }

  /** By the session. A promise: nothing more is read until it resolves. */
  receive(data: Buffer): Promise<void> | undefined {
    if (this.destroyed || this.isEndedByPeer || data.length === 0) return undefined
    this.#unacknowledged += data.length
    if (this.push(data)) return undefined
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  /** By the session. */
  receiveEnd(): void {
    if (this.destroyed || this.isEndedByPeer) return
    this.isEndedByPeer = true
    this.push(null)
  }

  /** By the session: nothing more comes. What has come may still be read; then the stream closes. */
  connectionEnded(): void {
    if (this.destroyed) return
    if (this.readableEnded) this.destroy()
    else this.once('end', () => this.destroy())
    if (!this.isEndedByPeer) this.push(null)
  }

  /** By the session. */
  resetByPeer(): void {
    this.#isResetByPeer = true
    this.destroy(new Error('stream reset by peer'))
  }

  override _read(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (this.#unacknowledged > 0) {
      this.#transport.consumed(this.id, this.#unacknowledged)
      this.#unacknowledged = 0
    }
    waiting?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#transport.writeData(this.id, chunk, false, done)
  }

  override _final(done: () => void): void {
    this.#transport.writeData(this.id, Buffer.alloc(0), true, done)
  }

  override _destroy(err: Error | null, done: (err: Error | null) => void): void {
    const isThrough = this.readableEnded && this.writableFinished
    if (!isThrough && !this.#isResetByPeer) this.#transport.reset(this.id)
    this.#transport.closed(this.id)
    this.#waiting?.()
    this.#waiting = undefined
    done(err)
  }
}
