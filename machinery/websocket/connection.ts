/**
 * A WebSocket after its handshake: messages in and out over any byte stream, with back-pressure both ways, pings answered,
 * one close. Reference: RFC 6455 §5.4–§7.
 */
import type { Duplex } from 'node:stream'
import type { Random } from '../util/random.ts'
import { chunksOf, untilDrained } from '../util/streams.ts'
import type { WebSocketFrame } from './frames.ts'
import { CLOSE, encodeFrame, FrameParser, OPCODE, WebSocketError } from './frames.ts'

export interface WebSocketMessage {
  readonly isText: boolean
  readonly data: Buffer
}

export interface WebSocketOptions {
  readonly socket: Duplex
  /** What came behind the handshake. */
  readonly head: Buffer
  readonly role: 'server' | 'client'
  /** For masks, which clients need. */
  readonly random: Random
  readonly messageMax?: number
}

const MESSAGE_MAX = 4 * 1024 * 1024

export class WebSocketConnection {
  readonly #socket: Duplex
  readonly #random: Random | undefined
  readonly #parser: FrameParser
  readonly #messageMax: number
  #fragments: Buffer[] = []
  #fragmentBytes = 0
  #fragmentOpcode: number = OPCODE.continuation
  #isClosing = false

  constructor({ socket, head, role, random, messageMax = MESSAGE_MAX }: WebSocketOptions) {
    this.#socket = socket
    this.#random = role === 'client' ? random : undefined
    this.#messageMax = messageMax
    this.#parser = new FrameParser({ expectsMask: role === 'server', payloadMax: messageMax })
    if (head.length > 0) socket.unshift(head)
    // Whoever reads sees the end; an error between reads must not be thrown.
    socket.on('error', () => undefined)
  }

  /** Messages until the peer closes. Nothing is read from the socket while the consumer is busy. Throws when the peer breaks the protocol. */
  async *messages(): AsyncGenerator<WebSocketMessage> {
    try {
      // A peer that has closed still gets our close frame: leaving the loop must not destroy the socket.
      for await (const chunk of chunksOf(this.#socket)) {
        for (const frame of this.#parser.push(chunk)) {
          if (frame.opcode >= OPCODE.close) {
            if (this.#answerControl(frame)) return
            continue
          }
          const message = this.#assemble(frame)
          if (message !== undefined) yield message
        }
      }
    } catch (err: unknown) {
      if (err instanceof WebSocketError) this.close(err.code, err.message)
      throw err
    }
  }

  /** Resolves when the socket can take more. */
  send(data: Buffer): Promise<void> {
    const socket = this.#socket
    if (this.#write(OPCODE.binary, data)) return Promise.resolve()
    return untilDrained(socket)
  }

  /** For who watches the socket's drain himself. */
  sendText(text: Buffer): void {
    this.#write(OPCODE.text, text)
  }

  ping(): void {
    this.#write(OPCODE.ping, Buffer.alloc(0))
  }

  /** Sends the close frame and ends our half; the socket is the caller's to destroy. */
  close(code: number = CLOSE.normal, reason = ''): void {
    if (this.#isClosing) return
    const text = Buffer.from(reason).subarray(0, 120)
    const payload = Buffer.allocUnsafe(2 + text.length)
    payload.writeUInt16BE(code)
    text.copy(payload, 2)
    this.#write(OPCODE.close, payload)
    this.#isClosing = true
    this.#socket.end()
  }

  /** False: wait for the socket's drain. */
  #write(opcode: number, payload: Buffer): boolean {
    const socket = this.#socket
    if (this.#isClosing || !socket.writable) return true
    return socket.write(encodeFrame(opcode, payload, this.#random?.bytes(4)))
  }

  /** True: the peer has closed. */
  #answerControl({ opcode, payload }: WebSocketFrame): boolean {
    // A peer that does not read gets no answers piled up for it.
    if (opcode === OPCODE.ping && !this.#socket.writableNeedDrain) this.#write(OPCODE.pong, payload)
    if (opcode !== OPCODE.close) return false
    this.close(payload.length >= 2 ? payload.readUInt16BE(0) : CLOSE.normal)
    return true
  }

  #assemble(frame: WebSocketFrame): WebSocketMessage | undefined {
    const isContinuation = frame.opcode === OPCODE.continuation
    if (isContinuation !== (this.#fragmentOpcode !== OPCODE.continuation))
      throw new WebSocketError(CLOSE.protocolError, 'fragments out of order')
    if (frame.isFinal && !isContinuation) return { isText: frame.opcode === OPCODE.text, data: frame.payload }
    if (!isContinuation) this.#fragmentOpcode = frame.opcode
    if (frame.payload.length > 0) this.#fragments.push(frame.payload)
    this.#fragmentBytes += frame.payload.length
    if (this.#fragmentBytes > this.#messageMax)
      throw new WebSocketError(CLOSE.tooBig, `a message exceeds ${this.#messageMax} bytes`)
    if (!frame.isFinal) return undefined
    const message = { isText: this.#fragmentOpcode === OPCODE.text, data: Buffer.concat(this.#fragments) }
    this.#fragments = []
    this.#fragmentBytes = 0
    this.#fragmentOpcode = OPCODE.continuation
    return message
  }
}
