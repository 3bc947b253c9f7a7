/**
 * Upgraded connections: the backend is asked first, and only its 101 makes the client's connection ours; from then on bytes
 * are copied. WebSockets are translated to SPDY where the backend refuses them.
 * Upstream: apimachinery pkg/util/proxy/upgradeaware.go, apiserver pkg/util/proxy/{streamtranslator,streamtunnel}.go.
 * Differs: a kubelet that takes v5.channel.k8s.io itself gets it untranslated.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { newBadRequest, newUnknownFailure } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Random } from '#machinery/util/random.ts'
import { WebSocketConnection } from '#machinery/websocket/connection.ts'
import { acceptHead, handshakeFault, offeredSubprotocols } from '#machinery/websocket/handshake.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { Exchange } from './exchange.ts'
import { exchange } from './exchange.ts'
import { forwardedHeaders, returnedHeaders } from './headers.ts'
import type { Backend, BackendDialer, RemoteCommandStreams } from './interfaces.ts'
import { splice } from './splice.ts'
import { translateRemoteCommand } from './translate.ts'
import { tunnelSpdy } from './tunnel.ts'

export interface UpgradeTools {
  readonly dialer: BackendDialer
  readonly clock: Clock
  readonly random: Random
}

export interface UpgradeTarget {
  readonly backend: Backend
  readonly path: string
  readonly streams: RemoteCommandStreams | undefined
  /** Besides the request's own. */
  readonly headers?: Headers
}

const REMOTE_COMMAND_V5 = 'v5.channel.k8s.io'
/** What a SPDY kubelet is offered for a v5 WebSocket: the same streams, only without v5's own close signal. */
const SPDY_REMOTE_COMMAND = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']
const TUNNEL_PREFIX = 'SPDY/3.1+'

type Headers = ReturnType<typeof forwardedHeaders>

export async function proxyUpgrade(call: ApiCall, target: UpgradeTarget, tools: UpgradeTools): Promise<ApiResponse> {
  const { headers } = call.request
  const offered = headers['upgrade']?.toLowerCase() === 'websocket' ? offeredSubprotocols(headers) : []
  const tunnelled = offered.filter((name) => name.startsWith(TUNNEL_PREFIX) && name.endsWith('.k8s.io'))
  if (tunnelled.length > 0) return tunnelWebSocket(call, target, tunnelled, tools)
  const answer = await ask(call, target, call.request.method, { ...upgradeHeaders(call), ...target.headers }, tools)
  const { streams } = target
  if (streams !== undefined && offered.includes(REMOTE_COMMAND_V5) && !isTaken(answer)) {
    discard(answer)
    return translateWebSocket(call, target, streams, tools)
  }
  if (answer.type === 'answer') return refusalOf(answer.response)
  const { socket: backend, head: backendHead, response } = answer
  return {
    status: 101,
    headers: {},
    body: {
      type: 'upgrade',
      start(client, head) {
        client.write(headOf(response))
        if (backendHead.length > 0) backend.unshift(backendHead)
        if (head.length > 0) client.unshift(head)
        splice(client, backend, tools.clock)
      },
    },
  }
}

function upgradeHeaders(call: ApiCall): Headers {
  const { upgrade = '' } = call.request.headers
  return { ...forwardedHeaders(call.request), connection: 'Upgrade', upgrade }
}

function ask(
  call: ApiCall,
  { backend, path }: UpgradeTarget,
  method: string,
  headers: Headers,
  { dialer }: UpgradeTools,
): Promise<Exchange> {
  return exchange(dialer, backend, { method, path, headers }, call.signal).catch((err: unknown) => {
    throw newUnknownFailure(`error dialing backend: ${errorMessage(err)}`)
  })
}

/** A server that knows no v5 either refuses or agrees to no subprotocol. */
function isTaken(answer: Exchange): boolean {
  if (answer.type !== 'switched') return false
  return answer.response.headers['sec-websocket-protocol'] !== undefined
}

function discard(answer: Exchange): void {
  if (answer.type === 'switched') answer.socket.destroy()
  else answer.response.destroy()
}

/** The backend's own words for why not. */
function refusalOf(response: IncomingMessage): ApiResponse {
  const status = response.statusCode ?? 500
  if (status < 400) {
    response.destroy()
    throw newUnknownFailure(`invalid upgrade response: status code ${status}`)
  }
  return { status, headers: returnedHeaders(response.rawHeaders), body: { type: 'readable', stream: response } }
}

function headOf({ rawHeaders }: IncomingMessage): string {
  const lines = ['HTTP/1.1 101 Switching Protocols']
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

async function translateWebSocket(
  call: ApiCall,
  target: UpgradeTarget,
  streams: RemoteCommandStreams,
  tools: UpgradeTools,
): Promise<ApiResponse> {
  const spdy = await askSpdy(call, target, SPDY_REMOTE_COMMAND, tools)
  if (spdy.type === 'answer') return refusalOf(spdy.response)
  return accept(call, REMOTE_COMMAND_V5, tools, (webSocket, client) =>
    translateRemoteCommand({ webSocket, client, backend: spdy.socket, head: spdy.head, streams, clock: tools.clock }),
  )
}

/** kubectl port-forward: SPDY frames inside WebSocket messages. */
async function tunnelWebSocket(
  call: ApiCall,
  target: UpgradeTarget,
  tunnelled: readonly string[],
  tools: UpgradeTools,
): Promise<ApiResponse> {
  const wanted = tunnelled.map((name) => name.slice(TUNNEL_PREFIX.length))
  const spdy = await askSpdy(call, target, wanted, tools)
  if (spdy.type === 'answer') return refusalOf(spdy.response)
  const chosen = spdy.response.headers['x-stream-protocol-version'] ?? wanted[0]
  return accept(call, `${TUNNEL_PREFIX}${String(chosen)}`, tools, (webSocket, client) =>
    tunnelSpdy({ webSocket, client, backend: spdy.socket, head: spdy.head, clock: tools.clock }),
  )
}

function askSpdy(
  call: ApiCall,
  target: UpgradeTarget,
  protocols: readonly string[],
  tools: UpgradeTools,
): Promise<Exchange> {
  const fault = handshakeFault(call.request.headers)
  if (fault !== undefined) throw newBadRequest(fault)
  const headers: Headers = {}
  for (const [name, value] of Object.entries(forwardedHeaders(call.request)))
    if (!name.startsWith('sec-websocket-')) headers[name] = value
  headers['connection'] = 'Upgrade'
  headers['upgrade'] = 'SPDY/3.1'
  headers['x-stream-protocol-version'] = [...protocols]
  return ask(call, target, 'POST', headers, tools)
}

function accept(
  call: ApiCall,
  subprotocol: string,
  { random }: UpgradeTools,
  run: (webSocket: WebSocketConnection, client: Duplex) => void,
): ApiResponse {
  const start = (client: Duplex, head: Buffer): void => {
    client.write(acceptHead(call.request.headers, subprotocol))
    run(new WebSocketConnection({ socket: client, head, role: 'server', random }), client)
  }
  return { status: 101, headers: {}, body: { type: 'upgrade', start } }
}
