/**
 * One HTTP/1.1 exchange with a backend over a connection of its own: an answer, or the connection itself when the backend
 * switches protocols.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { request } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import type { Backend, BackendDialer } from './interfaces.ts'

export interface BackendRequest {
  readonly method: string
  /** Encoded, with its query. */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: Buffer | Readable | undefined
}

export type Exchange =
  | { readonly type: 'answer'; readonly response: IncomingMessage }
  | { readonly type: 'switched'; readonly response: IncomingMessage; readonly socket: Duplex; readonly head: Buffer }

const HEADER_BYTES_MAX = 64 * 1024

/** Rejects with what went wrong in Go's words. Afterwards `signal` no longer matters: the answer's stream is the owner's. */
export async function exchange(
  dialer: BackendDialer,
  backend: Backend,
  { method, path, headers, body }: BackendRequest,
  signal: AbortSignal,
): Promise<Exchange> {
  const connection = await dialer.dial(backend, signal)
  return new Promise((resolve, reject) => {
    const outgoing = request({
      method,
      path,
      headers: { ...headers, host: headers['host'] ?? authorityOf(backend) },
      maxHeaderSize: HEADER_BYTES_MAX,
      createConnection: () => connection,
    })
    const fail = (err: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      connection.destroy()
      reject(err)
    }
    const onAbort = (): void => {
      outgoing.destroy()
      fail(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    outgoing.on('error', (err: NodeJS.ErrnoException) => fail(isBroken(err) ? new Error('EOF') : err))
    outgoing.once('response', (response) => {
      signal.removeEventListener('abort', onAbort)
      resolve({ type: 'answer', response })
    })
    outgoing.once('upgrade', (response, socket, head) => {
      signal.removeEventListener('abort', onAbort)
      resolve({ type: 'switched', response, socket, head })
    })
    sendBody(outgoing, body)
  })
}

/** A client that breaks off mid-body takes the backend's request with it; an answer that came before the end is an answer. */
function sendBody(outgoing: ReturnType<typeof request>, body: BackendRequest['body']): void {
  if (body === undefined || Buffer.isBuffer(body)) {
    outgoing.end(body)
    return
  }
  body.pipe(outgoing)
  body.once('error', (err) => outgoing.destroy(err))
  body.once('close', () => {
    if (!body.readableEnded) outgoing.destroy()
  })
}

const isBroken = ({ code }: NodeJS.ErrnoException): boolean => code === 'ECONNRESET' || code === 'EPIPE'

/** As in a Host header. */
export function authorityOf({ host, port }: Backend): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
