/**
 * A request's body in one Buffer. Bounded in size, in time, and over all requests together: bodies are read before anybody
 * knows who is asking.
 */
import type { Clock, TimerHandle } from '#machinery/util/clock.ts'
import type { IncomingRequest } from './front.ts'

/** Why there is no body: it exceeds the limit, did not arrive in time, or too many arrive at the moment. */
export type BodyFault = 'too-large' | 'too-slow' | 'too-many'

export interface BodyLimits {
  readonly maxBytes: number
  /** Of all bodies that are still arriving. */
  readonly maxTotalBytes: number
  readonly arrivalMs: number
}

/**
 * Read and thrown away behind a body that is too large, so that a client which sends before it listens sees its answer
 * and not a broken connection.
 */
export const DISCARDED_BYTES_MAX = 16 * 1024 * 1024

export class BodyReader {
  readonly limits: BodyLimits
  readonly #clock: Clock
  #arrivingBytes = 0

  constructor(limits: BodyLimits, clock: Clock) {
    this.limits = limits
    this.#clock = clock
  }

  /** Calls back once, unless the client goes away first. What exceeds a bound is not kept. */
  read(incoming: IncomingRequest, done: (body: Buffer | undefined | BodyFault) => void): void {
    const { maxBytes, maxTotalBytes, arrivalMs } = this.limits
    let chunks: Buffer[] = []
    let size = 0
    let held = 0
    let isDone = false
    let timer: TimerHandle | undefined
    const settle = (): void => {
      isDone = true
      timer?.cancel()
      this.#arrivingBytes -= held
      held = 0
    }
    const finish = (body: Buffer | undefined | BodyFault): void => {
      if (isDone) return
      settle()
      chunks = []
      done(body)
    }
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes + DISCARDED_BYTES_MAX) breakOff(incoming)
      if (isDone) return
      held += chunk.length
      this.#arrivingBytes += chunk.length
      if (size > maxBytes) finish('too-large')
      else if (this.#arrivingBytes > maxTotalBytes) finish('too-many')
      else chunks.push(chunk)
    })
    incoming.on('end', () => finish(chunks.length <= 1 ? chunks[0] : Buffer.concat(chunks, size)))
    // A client that breaks off mid-body gets no answer; without a listener its error would be thrown.
    incoming.on('error', () => {})
    incoming.once('close', settle)
    if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) finish('too-large')
    // HTTP/1.1 requests are timed by Node's own server.
    else if ('stream' in incoming) timer = this.#clock.setTimeout(() => finish('too-slow'), arrivalMs)
  }
}

function breakOff(incoming: IncomingRequest): void {
  if ('stream' in incoming) incoming.stream.close()
  else incoming.destroy()
}
