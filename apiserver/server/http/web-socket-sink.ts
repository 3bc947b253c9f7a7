/** A stream of frames as WebSocket messages. Upstream: apiserver pkg/endpoints/handlers/watch.go HandleWS. */
import type { Duplex } from 'node:stream'
import type { Clock } from '#machinery/util/clock.ts'
import type { WebSocketConnection } from '#machinery/websocket/connection.ts'
import type { StreamFrame, StreamSink } from '../interfaces.ts'

/** Bytes a watcher may leave unread in our buffers before frames are held back. */
const BUFFER_BYTES = 256 * 1024
const END_MS = 10_000

export class WebSocketSink implements StreamSink {
  readonly #webSocket: WebSocketConnection
  readonly #socket: Duplex
  readonly #clock: Clock
  readonly #onEnd: () => void

  constructor(webSocket: WebSocketConnection, socket: Duplex, clock: Clock, onEnd: () => void) {
    this.#webSocket = webSocket
    this.#socket = socket
    this.#clock = clock
    this.#onEnd = onEnd
    socket.once('close', onEnd)
    void this.#untilClosed()
  }

  write(frame: StreamFrame): boolean {
    this.#webSocket.sendText(frame.bytes())
    return this.#socket.writableLength < BUFFER_BYTES
  }

  end(): void {
    this.#onEnd()
    this.#webSocket.close()
    const timer = this.#clock.setTimeout(() => this.#socket.destroy(), END_MS)
    this.#socket.once('close', () => timer.cancel())
  }

  onDrain(callback: () => void): void {
    this.#socket.on('drain', callback)
  }

  /** What the client says does not matter, only that it is there. */
  async #untilClosed(): Promise<void> {
    try {
      for await (const _ of this.#webSocket.messages());
    } catch {
      // The close frame has said why.
    }
    this.#socket.destroy()
  }
}
