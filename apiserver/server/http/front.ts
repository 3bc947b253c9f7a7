/**
 * TLS on one port, HTTP/2 and HTTP/1.1: turns sockets into ApiRequests and ApiResponses back into bytes. Knows nothing of
 * Kubernetes beyond the error for a body that is too large.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { StatusError } from '#machinery/meta/errors.ts'
import { newRequestEntityTooLarge, newTimeout, newTooManyRequests } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import { errorResponse } from '../../endpoints/error-response.ts'
import type { ApiRequest, ApiResponse, ListenOptions } from '../interfaces.ts'
import type { BodyFault } from './read-body.ts'
import { BodyReader, DISCARDED_BYTES_MAX } from './read-body.ts'
import { SocketRequest } from './socket-request.ts'
import { answerUpgrade } from './upgrade.ts'
import { abandon, ResponseWriter } from './write-response.ts'

export type IncomingRequest = IncomingMessage | Http2ServerRequest
export type OutgoingResponse = ServerResponse | Http2ServerResponse

export interface HttpFrontOptions {
  readonly handle: (request: ApiRequest) => ApiResponse | Promise<ApiResponse>
  readonly random: Random
  readonly clock: Clock
  readonly logger: Logger
  readonly maxBodyBytes: number
  /** Proxied requests: their bodies are not read here. `path` is as it came, with its query. */
  isProxied(path: string): boolean
}

export interface HttpFront {
  listen(options: ListenOptions): Promise<{ readonly port: number; readonly address: string }>
  updateTls(tls: ListenOptions['tls']): void
  close(graceMs: number): Promise<void>
}

const KEEP_ALIVE_TIMEOUT_MS = 90_000
const HEADERS_TIMEOUT_MS = 32_000
const REQUEST_ARRIVAL_TIMEOUT_MS = 60_000
const MAX_HEADER_BYTES = 64 * 1024
const MAX_STREAMS_PER_CONNECTION = 1000
/** What goes back in a header. */
const AUDIT_ID = /^[\x21-\x7e]{1,64}$/
/** Of all request bodies that are still arriving. */
const ARRIVING_BYTES_MAX = 256 * 1024 * 1024
const TCP_KEEP_ALIVE_MS = 30_000
const DRAIN_POLL_MS = 20

export function createHttpFront(options: HttpFrontOptions): HttpFront {
  const { handle, random, clock, logger, maxBodyBytes, isProxied } = options
  const sockets = new Set<TLSSocket>()
  const sessions = new Set<ServerHttp2Session>()
  const writer = new ResponseWriter(logger, clock)
  const bodies = new BodyReader(
    { maxBytes: maxBodyBytes, maxTotalBytes: ARRIVING_BYTES_MAX, arrivalMs: REQUEST_ARRIVAL_TIMEOUT_MS },
    clock,
  )
  let server: Http2SecureServer | undefined
  let inFlight = 0

  const respond = (request: SocketRequest, response: OutgoingResponse): void => {
    let outcome: ApiResponse | Promise<ApiResponse>
    try {
      outcome = handle(request)
    } catch (err) {
      outcome = unexpected(request, err)
    }
    if (!(outcome instanceof Promise)) {
      send(request, response, outcome)
      return
    }
    outcome.then(
      (answer) => send(request, response, answer),
      (err: unknown) => send(request, response, unexpected(request, err)),
    )
  }

  /** Bodies are encoded as late as this: one that cannot be must cost its client the answer, not everybody the process. */
  const send = (request: SocketRequest, response: OutgoingResponse, answer: ApiResponse): void => {
    try {
      writer.write(request, response, answer)
    } catch (err) {
      const failure = unexpected(request, err)
      if (response.headersSent) abandon(response)
      else writer.write(request, response, failure)
    }
  }

  /** The chain answers its own errors; whatever still arrives here is a defect in the chain. */
  const unexpected = (request: ApiRequest, err: unknown): ApiResponse => {
    logger.error({ method: request.method, path: request.path, stack: toError(err).stack }, 'request handler failed')
    return errorResponse(err, request.headers['accept'])
  }

  const onRequest = (incoming: IncomingRequest, response: OutgoingResponse): void => {
    inFlight++
    response.once('close', () => {
      inFlight--
    })
    ensureRequestId(incoming, random)
    const { method, url = '/' } = incoming
    if (hasBody(incoming) && isProxied(url)) {
      // Whatever the answer leaves unread makes the connection useless for another request.
      if ('shouldKeepAlive' in response) response.shouldKeepAlive = false
      respond(new SocketRequest(incoming, response, incoming), response)
      return
    }
    if (method === 'GET' || method === 'HEAD') {
      respond(new SocketRequest(incoming, response, undefined), response)
      return
    }
    bodies.read(incoming, (body) => {
      if (typeof body === 'string') refuse(incoming, response, body)
      else respond(new SocketRequest(incoming, response, body), response)
    })
  }

  const onUpgrade = (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    ensureRequestId(incoming, random)
    // Until somebody takes it, a broken connection is nobody's error.
    socket.on('error', (err) => logger.debug({ reason: err.message }, 'upgraded connection failed'))
    answerUpgrade({ incoming, socket, head, handle, writer, random, unexpected, send })
  }

  const refuse = (incoming: IncomingRequest, response: OutgoingResponse, fault: BodyFault): void => {
    const request = new SocketRequest(incoming, response, undefined)
    const answer = errorResponse(faultError(fault, maxBodyBytes), request.headers['accept'])
    const isRestRead = fault === 'too-large' && declaredBytes(incoming) <= maxBodyBytes + DISCARDED_BYTES_MAX
    if (isRestRead) writer.write(request, response, answer)
    else writer.writeAndClose(request, response, answer)
  }

  return {
    async listen({ host, port, tls }) {
      const created = createServer(tls)
      server = created
      created.on('request', onRequest)
      created.on('upgrade', onUpgrade)
      created.on('secureConnection', (socket: TLSSocket) => {
        sockets.add(socket)
        socket.setNoDelay(true)
        // A client whose machine is gone would otherwise hold its watches until they time out.
        socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS)
        socket.once('close', () => sockets.delete(socket))
      })
      created.on('session', (session: ServerHttp2Session) => {
        sessions.add(session)
        session.once('close', () => sessions.delete(session))
        // A broken connection is the client's affair; its requests see their own close.
        session.on('error', (err: Error) => logger.debug({ reason: err.message }, 'HTTP/2 session failed'))
      })
      created.on('tlsClientError', (err: Error) => logger.debug({ reason: err.message }, 'TLS handshake failed'))
      await new Promise<void>((resolve, reject) => {
        created.once('error', reject)
        created.listen(port, host, () => {
          created.removeListener('error', reject)
          resolve()
        })
      })
      const address = created.address() as AddressInfo
      return { port: address.port, address: address.address }
    },
    updateTls({ certificate, key, clientCa }) {
      server?.setSecureContext({ cert: certificate, key, ca: clientCa, minVersion: 'TLSv1.2' })
    },
    async close(graceMs) {
      const running = server
      if (running === undefined) return
      server = undefined
      const closed = new Promise<void>((resolve) => running.close(() => resolve()))
      writer.endStreams()
      for (const session of sessions) session.close()
      const deadline = clock.monotonicMs() + graceMs
      while (inFlight > 0 && clock.monotonicMs() < deadline) {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, DRAIN_POLL_MS))
      }
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function createServer(tls: ListenOptions['tls']): Http2SecureServer {
  const server = createSecureServer({
    allowHTTP1: true,
    cert: tls.certificate,
    key: tls.key,
    ca: tls.clientCa,
    requestCert: true,
    // The authenticator verifies, so that a wrong certificate is a 401 and not a broken handshake.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    settings: { maxConcurrentStreams: MAX_STREAMS_PER_CONNECTION, maxHeaderListSize: MAX_HEADER_BYTES },
  })
  // Members of http.Server that the HTTP/1.1 side of an http2 server reads as well.
  return Object.assign(server, {
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_ARRIVAL_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  })
}

function ensureRequestId({ headers }: IncomingRequest, random: Random): void {
  const sent = headers['audit-id']
  if (typeof sent !== 'string' || !AUDIT_ID.test(sent)) headers['audit-id'] = random.uuid()
}

const hasBody = (incoming: IncomingRequest): boolean =>
  'stream' in incoming ? !incoming.stream.endAfterHeaders : !isBodyless(incoming)

const isBodyless = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0

const declaredBytes = ({ headers }: IncomingRequest): number => Number(headers['content-length'] ?? 0)

function faultError(fault: BodyFault, maxBodyBytes: number): StatusError {
  switch (fault) {
    case 'too-large':
      return newRequestEntityTooLarge(`limit is ${maxBodyBytes}`)
    case 'too-slow':
      return newTimeout('the request body did not arrive within the allotted time', 0)
    case 'too-many':
      return newTooManyRequests('Too many request bodies are arriving, please try again later.', 1)
  }
}
