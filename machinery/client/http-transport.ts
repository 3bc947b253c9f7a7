/**
 * A Client's transport over HTTP/1.1 with keep-alive, to a server of ours or of anybody else. Bodies and watch lines are
 * bounded; objects are frozen as the in-process transport's are; list items get the kind that other servers leave out.
 * Upstream: client-go rest/{client,transport}.go.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { Status, WatchEvent } from '#machinery/api/meta/v1.ts'
import { newInternalError, statusErrorFrom } from '#machinery/meta/errors.ts'
import { deepFreeze, isObject } from '#machinery/util/json.ts'
import { readLines } from './line-reader.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

export interface HttpTransportOptions {
  /** `https://host:port`, with an optional path prefix. */
  readonly server: string
  /** PEM of the CAs that the server's certificate is checked against; absent: Node's own. */
  readonly ca?: string
  /** PEM of a client certificate and its key. */
  readonly cert?: string
  readonly key?: string
  readonly token?: string
  /** The name the server's certificate must have, also sent as SNI; absent: the URL's host. */
  readonly serverName?: string
  /** Only for servers that are known by other means; never a default. */
  readonly insecureSkipTlsVerify?: boolean
  readonly socketsMax?: number
  /** For one answer; watches have no such limit. */
  readonly timeoutMs?: number
}

export interface HttpTransport extends Transport {
  /** Closes idle connections; requests under way end by their own signals. */
  close(): void
}

const SOCKETS_MAX = 64
const TIMEOUT_MS = 60_000
const ANSWER_MAX_BYTES = 512 * 1024 * 1024
const LINE_MAX_BYTES = 16 * 1024 * 1024

export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  const base = new URL(options.server)
  const isTls = base.protocol === 'https:'
  const { ca, cert, key, serverName, insecureSkipTlsVerify, socketsMax = SOCKETS_MAX, timeoutMs = TIMEOUT_MS } = options
  const agentOptions = { keepAlive: true, maxSockets: socketsMax, scheduling: 'lifo' as const }
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: insecureSkipTlsVerify !== true,
  }
  const agent = isTls ? new HttpsAgent({ ...agentOptions, ...tls }) : new HttpAgent(agentOptions)
  // A watch holds its socket for minutes: watches must not use up what short requests need.
  const watchAgent = isTls ? new HttpsAgent({ keepAlive: true, ...tls }) : new HttpAgent({ keepAlive: true })

  const send = (request: TransportRequest, isWatch: boolean): Promise<IncomingMessage> => {
    const { headers, payload } = encode(request, options.token)
    const requestOptions: RequestOptions = {
      host: base.hostname,
      port: base.port === '' ? (isTls ? 443 : 80) : base.port,
      path: base.pathname.replace(/\/$/, '') + request.path,
      method: request.method,
      headers,
      agent: isWatch ? watchAgent : agent,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    }
    return new Promise((resolve, reject) => {
      const sent = isTls ? httpsRequest(requestOptions, resolve) : httpRequest(requestOptions, resolve)
      sent.on('error', reject)
      if (!isWatch) sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      sent.end(payload)
    })
  }

  return {
    async request(request) {
      const response = await send(request, false)
      return decode(response, await readAll(response))
    },
    async watch(request) {
      const response = await send(request, true)
      if (response.statusCode === 200) return watchEvents(response)
      throw statusErrorFrom(statusOf(decode(response, await readAll(response))))
    },
    close() {
      agent.destroy()
      watchAgent.destroy()
    },
  }
}

function encode(
  request: TransportRequest,
  token: string | undefined,
): { readonly headers: Record<string, string | number>; readonly payload: string | undefined } {
  const headers: Record<string, string | number> = { ...request.headers }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (request.body === undefined) return { headers, payload: undefined }
  const payload = typeof request.body === 'string' ? request.body : JSON.stringify(request.body)
  headers['content-type'] ??= 'application/json'
  headers['content-length'] = Buffer.byteLength(payload)
  return { headers, payload }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > ANSWER_MAX_BYTES) throw new Error(`the answer is longer than ${ANSWER_MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function decode(response: IncomingMessage, text: string): TransportResponse {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers))
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ')
  const isJson = (headers['content-type'] ?? '').includes('json') && text !== ''
  return {
    status: response.statusCode ?? 0,
    headers,
    body: isJson ? deepFreeze(withItemKinds(JSON.parse(text))) : text,
  }
}

/** kube-apiserver leaves kind and apiVersion out of the items of built-in lists. */
function withItemKinds(body: unknown): unknown {
  if (!isObject(body) || !Array.isArray(body['items'])) return body
  const { kind, apiVersion } = body
  if (typeof kind !== 'string' || !kind.endsWith('List') || kind === 'List') return body
  const items: readonly unknown[] = body['items']
  const first = items[0]
  if (isObject(first) && first['kind'] !== undefined) return body
  const itemKind = kind.slice(0, -'List'.length)
  body['items'] = items.map((item) => (isObject(item) ? { apiVersion, kind: itemKind, ...item } : item))
  return body
}

function statusOf({ status, body }: TransportResponse): Status {
  if (isObject(body) && body['kind'] === 'Status') return body as unknown as Status
  return { ...newInternalError(`the server answered ${status} without a Status`).status, code: status }
}

/** Ends when the server closes the stream or breaks it off: the watcher goes on from where it was either way. */
async function* watchEvents(response: IncomingMessage): AsyncGenerator<WatchEvent> {
  try {
    for await (const line of readLines(response as AsyncIterable<Buffer>, LINE_MAX_BYTES))
      yield deepFreeze(JSON.parse(line) as WatchEvent)
  } catch (err: unknown) {
    if (!isBrokenOff(err)) throw err
  } finally {
    response.destroy()
  }
}

function isBrokenOff(err: unknown): boolean {
  return (
    err instanceof Error && 'code' in err && (err.code === 'ECONNRESET' || err.code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}
