/** Reads documents of aggregated API servers, as one of our own users: bounded in time and in bytes. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '#machinery/util/clock.ts'
import { chunksOf } from '#machinery/util/streams.ts'
import { exchange } from '../proxy/exchange.ts'
import type { Backend, BackendDialer } from '../proxy/interfaces.ts'

export interface ReadRequest {
  readonly path: string
  /** The front-proxy headers among them. */
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly timeoutMs: number
  readonly bytesMax: number
}

export interface ReadAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

/** Any status is an answer; rejects when there is none in time, or a larger one. */
export async function readBackend(
  { dialer, clock }: { readonly dialer: BackendDialer; readonly clock: Clock },
  backend: Backend,
  { path, headers, timeoutMs, bytesMax }: ReadRequest,
  signal: AbortSignal,
): Promise<ReadAnswer> {
  const timeout = new AbortController()
  const timer = clock.setTimeout(() => timeout.abort(new Error('context deadline exceeded')), timeoutMs)
  try {
    const sent = { accept: 'application/json', host: backend.tls?.servername ?? '', ...headers }
    const both = AbortSignal.any([signal, timeout.signal])
    const { response } = await exchange(dialer, backend, { method: 'GET', path, headers: sent }, both)
    both.addEventListener('abort', () => response.destroy(), { once: true })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of chunksOf(response)) {
      size += chunk.length
      if (size > bytesMax) throw new Error('the answer is too large')
      chunks.push(chunk)
    }
    return { status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }
  } finally {
    timer.cancel()
  }
}
