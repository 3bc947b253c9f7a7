/** SPDY inside WebSocket messages on the client's side, bare on the kubelet's. Upstream: apiserver pkg/util/proxy/streamtunnel.go. */
import type { Duplex } from 'node:stream'
import type { Clock } from '#machinery/util/clock.ts'
import { chunksOf, writeTo } from '#machinery/util/streams.ts'
import type { WebSocketConnection } from '#machinery/websocket/connection.ts'
import { endTogether } from './splice.ts'

export interface TunnelEnds {
  readonly webSocket: WebSocketConnection
  /** Below the WebSocket. */
  readonly client: Duplex
  readonly backend: Duplex
  /** What the backend has sent already. */
  readonly head: Buffer
  readonly clock: Clock
}

export function tunnelSpdy({ webSocket, client, backend, head, clock }: TunnelEnds): void {
  if (head.length > 0) backend.unshift(head)
  const toBackend = async (): Promise<void> => {
    for await (const { data } of webSocket.messages()) await writeTo(backend, data)
  }
  const toClient = async (): Promise<void> => {
    for await (const chunk of chunksOf(backend)) await webSocket.send(chunk)
  }
  const finish = (): void => {
    webSocket.close()
    backend.end()
    endTogether(client, backend, clock)
  }
  // Either end, or a peer that breaks the protocol, ends both.
  toBackend().then(finish, finish)
  toClient().then(finish, finish)
}
