/**
 * One SPDY/3.1 connection over any byte stream, either side of it: opens streams, hands over those the peer opens.
 * What Kubernetes speaks with `Upgrade: SPDY/3.1`. Upstream: moby/spdystream.
 * Differs from the protocol on purpose: the peer's receive window is not enforced when sending, because moby/spdystream never
 * sends WINDOW_UPDATE and a sender that waits for one stops after 64 KiB. Back-pressure is the connection's own; windows are
 * acknowledged for peers that do count.
 */
import type { Duplex } from 'node:stream'
import { chunksOf } from '../util/streams.ts'
import {
  dataHead,
  encodeControl,
  FLAG_FIN,
  RESET,
  type SpdyFrame,
  SpdyParser,
  streamIdAt,
  TYPE,
  words,
} from './frames.ts'
import { HeaderDecoder, HeaderEncoder, type SpdyHeaders } from './header-block.ts'
import { SpdyStream } from './stream.ts'

export interface SpdySessionOptions {
  readonly socket: Duplex
  /** What came behind the upgrade's answer. */
  readonly head: Buffer
  readonly role: 'server' | 'client'
  readonly streamsMax?: number
  /** Streams the peer opens; absent: all are refused. Called when the peer has been told that the stream is open. */
  onStream?(stream: SpdyStream): void
}

const STREAMS_MAX = 1000
const NO_HEADERS: SpdyHeaders = new Map()

export class SpdySession {
  /** Resolves when the connection is gone, however it ended. */
  readonly closed: Promise<void>
  readonly #socket: Duplex
  readonly #options: SpdySessionOptions
  readonly #encoder = new HeaderEncoder()
  readonly #decoder = new HeaderDecoder()
  readonly #streams = new Map<number, SpdyStream>()
  readonly #replies = new Map<number, { resolve(): void; reject(err: Error): void }>()
  #blocked: (() => void)[] = []
  #nextId: number
  #lastPeerId = 0
  #isClosing = false
  /** Nothing more is read. */
  #isEnded = false

  constructor(options: SpdySessionOptions) {
    const { socket, head, role } = options
    this.#options = options
    this.#socket = socket
    this.#nextId = role === 'client' ? 1 : 2
    socket.on('drain', () => this.#unblock())
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      if (socket.destroyed) resolve()
      socket.once('close', () => {
        this.#unblock()
        resolve()
      })
    })
    if (head.length > 0) socket.unshift(head)
    void this.#read()
  }

  /** Resolves when the peer has accepted the stream. */
  async open(headers: Readonly<Record<string, string>>): Promise<SpdyStream> {
    if (this.#isEnded) throw new Error('the connection is closed')
    const id = this.#nextId
    this.#nextId += 2
    const map: SpdyHeaders = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]))
    const stream = this.#add(id, map)
    const payload = Buffer.concat([words(id, 0), Buffer.of(0, 0), this.#encoder.encode(map)])
    const accepted = new Promise<void>((resolve, reject) => this.#replies.set(id, { resolve, reject }))
    this.#write(encodeControl(TYPE.synStream, 0, payload))
    try {
      await accepted
    } finally {
      this.#replies.delete(id)
    }
    return stream
  }

  /** Says goodbye, sends what is waiting and ends our half. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (!this.#socket.writable) return
    this.#socket.end(encodeControl(TYPE.goAway, 0, words(this.#lastPeerId, 0)))
  }

  destroy(): void {
    this.#isClosing = true
    this.#socket.destroy()
    for (const stream of [...this.#streams.values()]) stream.destroy()
  }

  #add(id: number, headers: SpdyHeaders): SpdyStream {
    const stream = new SpdyStream(id, headers, {
      writeData: (streamId, data, isFinal, done) => this.#writeData(streamId, data, isFinal, done),
      reset: (streamId) => this.#write(encodeControl(TYPE.rstStream, 0, words(streamId, RESET.cancel))),
      consumed: (streamId, bytes) => {
        this.#write(encodeControl(TYPE.windowUpdate, 0, words(streamId, bytes)))
        this.#write(encodeControl(TYPE.windowUpdate, 0, words(0, bytes)))
      },
      closed: (streamId) => this.#streams.delete(streamId),
    })
    this.#streams.set(id, stream)
    return stream
  }

  async #read(): Promise<void> {
    const parser = new SpdyParser()
    try {
      for await (const chunk of chunksOf(this.#socket)) {
        for (const frame of parser.push(chunk)) {
          const busy = frame.type === 'data' ? this.#onData(frame) : this.#onControl(frame)
          if (busy !== undefined) await busy
        }
      }
      // The peer has said all it has to say; what we still write may arrive.
      this.close()
    } catch {
      this.#socket.destroy()
    } finally {
      this.#decoder.close()
      // Not at the socket's close: that comes while frames are still being read which arrived before it.
      this.#endStreams()
    }
  }

  #onData({ streamId, data, isFinal }: Extract<SpdyFrame, { readonly type: 'data' }>): Promise<void> | undefined {
    const stream = this.#streams.get(streamId)
    const busy = stream?.receive(data)
    if (isFinal) stream?.receiveEnd()
    return busy
  }

  #onControl(frame: Extract<SpdyFrame, { readonly type: 'control' }>): Promise<void> | undefined {
    const { kind, payload } = frame
    switch (kind) {
      case TYPE.synStream:
        return this.#onSynStream(frame.flags, payload)
      case TYPE.synReply:
        return this.#onSynReply(frame.flags, payload)
      case TYPE.headers:
        // Its values do not matter here, but the decoder must see every block in turn.
        return this.#onHeaders(frame.flags, payload)
      case TYPE.rstStream:
        this.#onReset(streamIdAt(payload, 0))
        return undefined
      case TYPE.ping:
        // Odd identifiers are a client's: those of the other side are answered, our own are answers.
        // A peer that does not read gets no answers piled up for it.
        if ((streamIdAt(payload, 0) % 2 === 1) === (this.#options.role === 'server') && !this.#socket.writableNeedDrain)
          this.#write(encodeControl(TYPE.ping, 0, payload))
        return undefined
      default:
        return undefined
    }
  }

  async #onSynStream(flags: number, payload: Buffer): Promise<void> {
    const id = streamIdAt(payload, 0)
    const headers = await this.#decoder.decode(payload.subarray(10))
    const isTheirs = id % 2 === (this.#options.role === 'server' ? 1 : 0)
    if (!isTheirs || id <= this.#lastPeerId) throw new Error(`SPDY stream ${id} cannot be opened by the peer`)
    this.#lastPeerId = id
    const { onStream, streamsMax = STREAMS_MAX } = this.#options
    if (onStream === undefined || this.#isClosing || this.#streams.size >= streamsMax) {
      if (this.#socket.writableNeedDrain) throw new Error('too many refused streams')
      this.#write(encodeControl(TYPE.rstStream, 0, words(id, RESET.refusedStream)))
      return
    }
    const stream = this.#add(id, headers)
    this.#write(encodeControl(TYPE.synReply, 0, Buffer.concat([words(id), this.#encoder.encode(NO_HEADERS)])))
    if ((flags & FLAG_FIN) !== 0) stream.receiveEnd()
    // Data that overtakes the reply is thrown away by moby/spdystream.
    onStream(stream)
  }

  async #onSynReply(flags: number, payload: Buffer): Promise<void> {
    const id = streamIdAt(payload, 0)
    await this.#decoder.decode(payload.subarray(4))
    this.#replies.get(id)?.resolve()
    if ((flags & FLAG_FIN) !== 0) this.#streams.get(id)?.receiveEnd()
  }

  async #onHeaders(flags: number, payload: Buffer): Promise<void> {
    const id = streamIdAt(payload, 0)
    await this.#decoder.decode(payload.subarray(4))
    if ((flags & FLAG_FIN) !== 0) this.#streams.get(id)?.receiveEnd()
  }

  #onReset(id: number): void {
    this.#replies.get(id)?.reject(new Error('stream refused by peer'))
    this.#streams.get(id)?.resetByPeer()
  }

  #write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  #writeData(streamId: number, data: Buffer, isFinal: boolean, done: () => void): void {
    const socket = this.#socket
    if (!socket.writable) {
      done()
      return
    }
    socket.cork()
    let hasRoom = socket.write(dataHead(streamId, data.length, isFinal))
    if (data.length > 0) hasRoom = socket.write(data)
    socket.uncork()
    if (hasRoom) done()
    else this.#blocked.push(done)
  }

  #unblock(): void {
    const waiting = this.#blocked
    this.#blocked = []
    for (const done of waiting) done()
  }

  #endStreams(): void {
    this.#isEnded = true
    for (const { reject } of [...this.#replies.values()]) reject(new Error('the connection is closed'))
    for (const stream of [...this.#streams.values()]) stream.connectionEnded()
  }
}
