/**
 * ApiResponses as bytes: head and body in one write where possible, large answers compressed when asked, streams with
 * back-pressure. Upstream: apiserver pkg/endpoints/handlers/responsewriters/writers.go.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { constants, gzip } from 'node:zlib'
import { assert } from '#machinery/util/assert.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { WebSocketConnection } from '#machinery/websocket/connection.ts'
import { JSON_HEADERS } from '../../endpoints/responses.ts'
import type { ApiResponse, StreamFrame, StreamSink } from '../interfaces.ts'
import type { OutgoingResponse } from './front.ts'
import type { SocketRequest } from './socket-request.ts'
import { WebSocketSink } from './web-socket-sink.ts'

const GZIP_FROM_BYTES = 128 * 1024
const HEAD_APART_FROM_BYTES = 64 * 1024
/** Bytes a watcher may leave unread in our buffers before frames are held back. */
const STREAM_BUFFER_BYTES = 256 * 1024
/** How long a watcher may take to read what is left when its watch has ended. */
const STREAM_END_MS = 10_000

const EMPTY = Buffer.alloc(0)

export class ResponseWriter {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #streams = new Set<StreamSink>()

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  write(request: SocketRequest, response: OutgoingResponse, answer: ApiResponse): void {
    const { body } = answer
    if (response.destroyed) {
      if (body.type === 'readable') body.stream.destroy()
      return
    }
    if (body.type === 'stream') {
      this.#writeStream(request, response, answer, body.start)
      return
    }
    if (body.type === 'readable') {
      writeReadable(request, response, answer, body.stream)
      return
    }
    assert(body.type !== 'upgrade', 'only a request for an upgrade is answered with one')
    const bytes = body.type === 'empty' ? EMPTY : join(body.chunks)
    if (bytes.length > GZIP_FROM_BYTES && request.headers['accept-encoding']?.includes('gzip') === true) {
      this.#writeCompressed(request, response, answer, bytes)
      return
    }
    writeWhole(request, response, answer, bytes)
  }

  /** For answers given before the request was read to its end: HTTP/1.1 cannot reuse such a connection, HTTP/2 such a stream. */
  writeAndClose(request: SocketRequest, response: OutgoingResponse, answer: ApiResponse): void {
    if (isHttp2(response)) response.stream.once('finish', () => response.stream.close())
    else response.shouldKeepAlive = false
    this.write(request, response, answer)
  }

  /** A watch as text messages. */
  writeMessages(webSocket: WebSocketConnection, socket: Duplex, start: (sink: StreamSink) => void): void {
    const sink = new WebSocketSink(webSocket, socket, this.#clock, () => this.#streams.delete(sink))
    this.#streams.add(sink)
    start(sink)
  }

  endStreams(): void {
    for (const sink of [...this.#streams]) sink.end()
  }

  #writeCompressed(request: SocketRequest, response: OutgoingResponse, answer: ApiResponse, bytes: Buffer): void {
    gzip(bytes, { level: constants.Z_BEST_SPEED }, (err, compressed) => {
      if (response.destroyed) return
      if (err !== null) {
        this.#logger.warn({ reason: err.message }, 'compressing an answer failed; sent as it is')
        writeWhole(request, response, answer, bytes)
        return
      }
      const headers = { ...answer.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }
      writeWhole(request, response, { ...answer, headers }, compressed)
    })
  }

  #writeStream(
    request: SocketRequest,
    response: OutgoingResponse,
    answer: ApiResponse,
    start: (sink: StreamSink) => void,
  ): void {
    response.writeHead(answer.status, headersOf(request, answer, undefined))
    // HTTP/2 has sent them with writeHead.
    if (!isHttp2(response)) response.flushHeaders()
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const sink = new ResponseSink(response, this.#clock, () => this.#streams.delete(sink))
    this.#streams.add(sink)
    start(sink)
  }
}

function isHttp2(response: OutgoingResponse): response is Exclude<OutgoingResponse, { shouldKeepAlive: boolean }> {
  return 'stream' in response
}

/** Drops the connection (HTTP/1.1) or the stream (HTTP/2). */
export function abandon(response: OutgoingResponse): void {
  if (isHttp2(response)) response.stream.destroy()
  else response.destroy()
}

function join(chunks: readonly Buffer[]): Buffer {
  const [first = EMPTY] = chunks
  return chunks.length <= 1 ? first : Buffer.concat(chunks)
}

function writeWhole(request: SocketRequest, response: OutgoingResponse, answer: ApiResponse, bytes: Buffer): void {
  const hasBody = answer.body.type !== 'empty'
  if (isHttp2(response))
    response.writeHead(answer.status, headersOf(request, answer, hasBody ? bytes.length : undefined))
  else if (answer.headers === JSON_HEADERS) response.writeHead(answer.status, jsonHead(request, bytes.length))
  else response.writeHead(answer.status, headersOf(request, answer, hasBody ? bytes.length : undefined))
  // ServerResponse leaves the body out for HEAD by itself; the HTTP/2 side wants to be told.
  if (request.method === 'HEAD' || !hasBody) response.end()
  else {
    // A head written together with its body is one writev, which copies both: a third of the time of a large list.
    if (bytes.length > HEAD_APART_FROM_BYTES && !isHttp2(response)) response.flushHeaders()
    response.end(bytes)
  }
}

/** Flat, as Node writes it out without another look. */
function jsonHead(request: SocketRequest, length: number): string[] {
  return [
    'Audit-Id',
    request.headers['audit-id'] ?? '',
    'Cache-Control',
    'no-cache, private',
    'Content-Type',
    'application/json',
    'Content-Length',
    String(length),
  ]
}

/** Another server's bytes: its breaking off breaks off ours, so that nobody takes half an answer for a whole one. */
function writeReadable(request: SocketRequest, response: OutgoingResponse, answer: ApiResponse, from: Readable): void {
  response.writeHead(answer.status, headersOf(request, answer, undefined))
  if (!isHttp2(response)) response.flushHeaders()
  response.once('close', () => from.destroy())
  from.once('error', () => abandon(response))
  from.once('close', () => {
    if (!from.readableEnded) abandon(response)
  })
  if (isHttp2(response)) from.pipe(response)
  else from.pipe(response)
}

type OutgoingHeaders = Record<string, string | string[]>

function headersOf(request: SocketRequest, answer: ApiResponse, length: number | undefined): OutgoingHeaders {
  const headers: OutgoingHeaders = { 'audit-id': request.headers['audit-id'] ?? '' }
  for (const [name, value] of Object.entries(answer.headers))
    headers[name] = typeof value === 'string' ? value : [...value]
  if (length !== undefined) headers['content-length'] = String(length)
  return headers
}

/**
 * The socket of a chunked HTTP/1.1 answer whose head is out: frames go to it in chunk form, made once for all watchers,
 * where ServerResponse.write would write three pieces for each of them.
 */
function chunkedSocket(response: ServerResponse): Socket | undefined {
  const { socket } = response
  return socket !== null && response.headersSent && response.chunkedEncoding ? socket : undefined
}

const chunks = new WeakMap<Buffer, Buffer>()
const CRLF = Buffer.from('\r\n')

function chunkOf(bytes: Buffer): Buffer {
  let chunk = chunks.get(bytes)
  if (chunk === undefined) {
    chunk = Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, CRLF])
    chunks.set(bytes, chunk)
  }
  return chunk
}

class ResponseSink implements StreamSink {
  readonly #response: OutgoingResponse
  readonly #clock: Clock
  readonly #onEnd: () => void

  constructor(response: OutgoingResponse, clock: Clock, onEnd: () => void) {
    this.#response = response
    this.#clock = clock
    this.#onEnd = onEnd
    response.once('close', onEnd)
  }

  write(frame: StreamFrame): boolean {
    const response = this.#response
    if (response.destroyed || response.writableEnded) return true
    const bytes = frame.bytes()
    const socket = isHttp2(response) ? undefined : chunkedSocket(response)
    if (socket !== undefined) return socket.write(chunkOf(bytes)) || socket.writableLength < STREAM_BUFFER_BYTES
    const hasRoom = isHttp2(response) ? response.write(bytes) : response.write(bytes)
    if (hasRoom) return true
    const buffered = isHttp2(response) ? response.stream.writableLength : response.writableLength
    return buffered < STREAM_BUFFER_BYTES
  }

  end(): void {
    this.#onEnd()
    const response = this.#response
    if (response.writableEnded || response.destroyed) return
    response.end()
    // One that does not read would keep its connection, and what waits in it, forever.
    const timer = this.#clock.setTimeout(() => abandon(response), STREAM_END_MS)
    response.once('close', () => timer.cancel())
  }

  onDrain(callback: () => void): void {
    const response = this.#response
    response.on('drain', callback)
    const socket = isHttp2(response) ? undefined : chunkedSocket(response)
    if (socket === undefined) return
    socket.on('drain', callback)
    response.once('close', () => socket.removeListener('drain', callback))
  }
}
