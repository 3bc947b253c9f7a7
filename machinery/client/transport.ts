/**
 * What a Client needs underneath: one request, one answer, or a stream of watch events. Two implementations: the
 * in-process one (apiserver/server/in-process-transport.ts, the whole filter chain without a socket) and HTTP
 * (machinery/client/http-transport.ts). test/contract/transport.contract.ts holds both to the same behaviour.
 */
import type { WatchEvent } from '#machinery/api/meta/v1.ts'

export interface TransportRequest {
  readonly method: string
  /** Path and query string. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** A JSON-shaped value (sent as JSON unless content-type says otherwise), or undefined. Not mutated, not kept. */
  readonly body: unknown
  readonly signal: AbortSignal | undefined
}

export interface TransportResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Decoded JSON (frozen, may be shared with the server's cache in-process), or text for other content types. */
  readonly body: unknown
}

export interface Transport {
  request(request: TransportRequest): Promise<TransportResponse>
  /** Rejects with StatusError when the server answers with a status other than 200. */
  watch(request: TransportRequest): Promise<AsyncIterable<WatchEvent>>
}
