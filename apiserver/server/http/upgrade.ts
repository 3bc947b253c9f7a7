/**
 * HTTP/1.1 requests for another protocol. They run the same chain as any other; the answer decides whether the connection
 * changes hands (exec, port-forward, proxies), carries a watch as WebSocket messages, or stays HTTP and closes.
 * Upstream: apiserver pkg/endpoints/handlers/watch.go (HandleWS), pkg/util/wsstream.
 */
import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { Random } from '#machinery/util/random.ts'
import { WebSocketConnection } from '#machinery/websocket/connection.ts'
import { acceptHead, handshakeFault, offeredSubprotocols } from '#machinery/websocket/handshake.ts'
import { errorResponse } from '../../endpoints/error-response.ts'
import type { ApiRequest, ApiResponse } from '../interfaces.ts'
import { SocketRequest } from './socket-request.ts'
import type { ResponseWriter } from './write-response.ts'

export interface UpgradeRequest {
  readonly incoming: IncomingMessage
  readonly socket: Duplex
  /** What came behind the request. */
  readonly head: Buffer
  readonly writer: ResponseWriter
  readonly random: Random
  handle(request: ApiRequest): ApiResponse | Promise<ApiResponse>
  unexpected(request: ApiRequest, err: unknown): ApiResponse
  send(request: SocketRequest, response: ServerResponse, answer: ApiResponse): void
}

export function answerUpgrade(upgrade: UpgradeRequest): void {
  const { incoming, socket, handle, unexpected, send } = upgrade
  const response = new ServerResponse(incoming)
  response.shouldKeepAlive = false
  // Node's types know plain sockets only; any Duplex will do.
  response.assignSocket(socket as Socket)
  response.once('finish', () => socket.end())
  const request = new SocketRequest(incoming, response, undefined, true)
  if (hasBody(incoming)) {
    const refusal = newBadRequest('an upgrade request with a body is not supported')
    send(request, response, errorResponse(refusal, request.headers['accept']))
    return
  }
  const proceed = (answer: ApiResponse): void => {
    if (answer.body.type === 'upgrade') answer.body.start(release(response, socket), upgrade.head)
    else if (!isWebSocketWatch(incoming, answer)) send(request, response, answer)
    else sendAsMessages(upgrade, release(response, socket), answer)
  }
  const run = async (): Promise<void> => proceed(await handle(request))
  run().catch((err: unknown) => send(request, response, unexpected(request, err)))
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The connection without HTTP on it. */
function release(response: ServerResponse, socket: Duplex): Duplex {
  response.detachSocket(socket as Socket)
  // The request's signal listens to the response.
  socket.once('close', () => response.emit('close'))
  return socket
}

function isWebSocketWatch({ headers }: IncomingMessage, { body, status }: ApiResponse): boolean {
  if (headers.upgrade?.toLowerCase() !== 'websocket' || handshakeFault(headers) !== undefined) return false
  return status === 200 && body.type === 'stream'
}

function sendAsMessages({ incoming, head, writer, random }: UpgradeRequest, socket: Duplex, answer: ApiResponse): void {
  if (answer.body.type !== 'stream') return
  const [subprotocol = ''] = offeredSubprotocols(incoming.headers)
  socket.write(acceptHead(incoming.headers, subprotocol))
  const webSocket = new WebSocketConnection({ socket, head, role: 'server', random })
  writer.writeMessages(webSocket, socket, answer.body.start)
}
