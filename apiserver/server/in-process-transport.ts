/** The Client's transport without a socket: the whole filter chain as one identity. Bodies cross it decoded. */
import type { Readable } from 'node:stream'
import type { Status, WatchEvent } from '#machinery/api/meta/v1.ts'
import type { Transport, TransportRequest, TransportResponse } from '#machinery/client/transport.ts'
import {
  newInternalError,
  newRequestEntityTooLarge,
  newTooManyRequests,
  statusErrorFrom,
} from '#machinery/meta/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import type { ApiRequest, ApiResponse, ApiServer, StreamFrame, StreamSink } from './interfaces.ts'

/** Frames a consumer may be behind before the producer is told to wait. */
const QUEUE_MAX = 1000
const READABLE_BYTES_MAX = 16 * 1024 * 1024

export function createInProcessTransport(server: Pick<ApiServer, 'dispatch'>, user: UserInfo): Transport {
  return {
    async request(request) {
      request.signal?.throwIfAborted()
      const apiRequest = new InProcessRequest(request, user)
      try {
        const response = await server.dispatch(apiRequest)
        return toTransportResponse(
          response.body.type === 'readable' ? await readWhole(response, response.body.stream) : response,
        )
      } finally {
        apiRequest.dispose()
      }
    },
    async watch(request) {
      request.signal?.throwIfAborted()
      const apiRequest = new InProcessRequest(request, user)
      const response = await server.dispatch(apiRequest)
      if (response.body.type === 'readable' && response.status === 200) {
        const { stream } = response.body
        const queue = new FrameQueue(() => {
          apiRequest.abort()
          stream.destroy()
        })
        apiRequest.signal.addEventListener('abort', () => queue.end(), { once: true })
        void pumpLines(stream, queue)
        return queue
      }
      if (response.body.type !== 'stream') {
        apiRequest.dispose()
        throw toError(response)
      }
      const queue = new FrameQueue(() => apiRequest.abort())
      response.body.start(queue)
      return queue
    },
  }
}

/**
 * A component passes the same signal to all its calls, for as long as it lives: each call listens to it only when
 * somebody below asks for a signal, and stops listening when it is through.
 */
class InProcessRequest implements ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: ApiRequest['headers']
  readonly body: ApiRequest['body']
  readonly remoteAddress = ''
  readonly peerCertificate = undefined
  readonly user: UserInfo
  readonly isInProcess = true
  readonly #outer: AbortSignal | undefined
  #aborter: AbortController | undefined
  readonly #onAbort = (): void => this.#aborter?.abort(this.#outer?.reason)

  constructor(request: TransportRequest, user: UserInfo) {
    const question = request.path.indexOf('?')
    this.method = request.method
    this.path = question === -1 ? request.path : request.path.slice(0, question)
    this.query = question === -1 ? '' : request.path.slice(question + 1)
    this.headers = request.headers
    this.body = request.body === undefined ? undefined : { decoded: request.body }
    this.user = user
    this.#outer = request.signal
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController()
      if (this.#outer?.aborted) this.#aborter.abort(this.#outer.reason)
      else this.#outer?.addEventListener('abort', this.#onAbort)
    }
    return this.#aborter.signal
  }

  abort(): void {
    this.dispose()
    this.#aborter?.abort()
  }

  dispose(): void {
    this.#outer?.removeEventListener('abort', this.#onAbort)
  }
}

function toTransportResponse({ status, headers, body }: ApiResponse): TransportResponse {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) flat[name] = typeof value === 'string' ? value : value.join(', ')
  return { status, headers: flat, body: decodedOf(body) }
}

function decodedOf(body: ApiResponse['body']): unknown {
  if (body.type !== 'bytes') return undefined
  return body.decoded === undefined ? Buffer.concat(body.chunks).toString('utf8') : body.decoded
}

function toError(response: ApiResponse): Error {
  const value = decodedOf(response.body)
  if (isObject(value) && value['kind'] === 'Status') return statusErrorFrom(value as unknown as Status)
  return newInternalError(`unexpected answer to a watch: ${response.status}`)
}

/** What another server answered (a log, a proxied page), for callers that have no stream to give it to. */
async function readWhole(response: ApiResponse, stream: Readable): Promise<ApiResponse> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > READABLE_BYTES_MAX) throw newRequestEntityTooLarge(`an answer exceeds ${READABLE_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  const isJson = String(response.headers['content-type']).startsWith('application/json')
  const decoded: unknown = isJson ? JSON.parse(Buffer.concat(chunks).toString('utf8')) : undefined
  return { ...response, body: { type: 'bytes', chunks, decoded } }
}

/** A watch another server answers: one JSON event per line. Its end, however it comes, is the watch's. */
async function pumpLines(stream: Readable, queue: FrameQueue): Promise<void> {
  let rest = ''
  try {
    for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > READABLE_BYTES_MAX) break
      for (const line of lines) {
        if (line === '') continue
        const decoded: unknown = JSON.parse(line)
        if (!queue.write({ bytes: () => Buffer.from(line), decoded }))
          await new Promise<void>((resolve) => queue.onDrain(resolve))
      }
    }
  } catch {
    // Watches are resumed by their reader.
  }
  queue.end()
}

/** The sink of one watch, read by one iterator. */
class FrameQueue implements StreamSink, AsyncIterable<WatchEvent>, AsyncIterator<WatchEvent> {
  readonly #stop: () => void
  #frames: StreamFrame[] = []
  #isEnded = false
  #isFull = false
  #drain: () => void = () => {}
  #waiting: ((result: IteratorResult<WatchEvent>) => void) | undefined

  constructor(stop: () => void) {
    this.#stop = stop
  }

  write(frame: StreamFrame): boolean {
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      waiting({ done: false, value: frame.decoded as WatchEvent })
      return true
    }
    this.#frames.push(frame)
    this.#isFull = this.#frames.length >= QUEUE_MAX
    return !this.#isFull
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#waiting?.({ done: true, value: undefined })
    this.#waiting = undefined
    this.#stop()
  }

  onDrain(callback: () => void): void {
    this.#drain = callback
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    return this
  }

  next(): Promise<IteratorResult<WatchEvent>> {
    const frame = this.#frames.shift()
    if (frame !== undefined) {
      if (this.#frames.length === 0 && this.#isFull) {
        this.#isFull = false
        this.#drain()
      }
      return Promise.resolve({ done: false, value: frame.decoded as WatchEvent })
    }
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined })
    if (this.#waiting !== undefined) return Promise.reject(newTooManyRequests('a watch is read by one reader', 0))
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  return(): Promise<IteratorResult<WatchEvent>> {
    this.#frames = []
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }
}
