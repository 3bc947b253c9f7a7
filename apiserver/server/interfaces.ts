/**
 * The API server as the rest of the process sees it. `dispatch` is the one front door: the whole filter chain, with or
 * without a socket.
 */
import type { X509Certificate } from 'node:crypto'
import type { Duplex, Readable } from 'node:stream'
import type { Client } from '#machinery/client/client.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import type { ResourceDefinition } from '../registry/generic/interfaces.ts'

export interface ApiRequest {
  readonly method: string
  /** Path without the query, still percent-encoded. */
  readonly path: string
  /** Without '?'; '' when absent. */
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Bytes as received, or (in-process only) an already decoded JSON value. */
  readonly body: Buffer | { readonly decoded: unknown } | undefined
  readonly remoteAddress: string
  readonly peerCertificate: X509Certificate | undefined
  /** Set only by the in-process transport: authentication is then skipped, authorization is not. */
  readonly user: UserInfo | undefined
  /** A part of this process asks, through the in-process transport. */
  readonly isInProcess?: boolean
  readonly signal: AbortSignal
  /** The connection can be handed over: the client asked for another protocol (HTTP/1.1 Upgrade). */
  readonly isUpgrade?: boolean
  /** The body of a proxied request, unread; `body` is then undefined. */
  readonly bodyStream?: Readable
}

export interface ApiResponse {
  readonly status: number
  /** Lower-case names; several Warning headers as an array. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: ApiResponseBody
}

export type ApiResponseBody =
  | { readonly type: 'empty' }
  /**
   * One answer. `decoded` is there when the answer is JSON the server holds decoded anyway (frozen, shared); `json` where
   * its JSON is at hand, whatever the representation.
   */
  | {
      readonly type: 'bytes'
      readonly chunks: readonly Buffer[]
      readonly decoded?: unknown
      readonly json?: readonly Buffer[] | undefined
    }
  /** A watch (or another stream): the server pulls nothing; frames are pushed until `signal` of the request aborts. */
  | { readonly type: 'stream'; readonly start: (sink: StreamSink) => void }
  /** Bytes of another server as they come, at the pace the client takes them. Destroyed when the client is gone. */
  | { readonly type: 'readable'; readonly stream: Readable }
  /** The connection itself, to who answered; only for `isUpgrade` requests. The response's head is theirs to write. */
  | { readonly type: 'upgrade'; readonly start: (socket: Duplex, head: Buffer) => void }

export interface StreamSink {
  /** False: the receiver is full; the producer must stop until onDrain or give up on it. */
  write(frame: StreamFrame): boolean
  end(): void
  onDrain(callback: () => void): void
}

/** `bytes()` is what goes over a socket (encoded once, shared by all watchers); `decoded` what an in-process watch gets. */
export interface StreamFrame {
  bytes(): Buffer
  readonly decoded: unknown
}

export interface ListenOptions {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  readonly tls: {
    readonly certificate: string
    readonly key: string
    /** CAs whose client certificates are requested. */
    readonly clientCa: string
  }
}

export interface HealthCheck {
  readonly name: string
  readonly endpoints: readonly ('healthz' | 'livez' | 'readyz')[]
  /** Undefined = ok, else why not (for the log, and for who may ask for this check alone). */
  check(): string | undefined
}

/** /version. */
export interface VersionInfo {
  readonly major: string
  readonly minor: string
  /** `v1.36.2+knarr0.1.0` */
  readonly gitVersion: string
  readonly gitCommit: string
  readonly gitTreeState: string
  readonly buildDate: string
  readonly goVersion: string
  readonly compiler: string
  readonly platform: string
}

export interface ApiServer {
  dispatch(request: ApiRequest): Promise<ApiResponse>
  /** A client whose requests carry this identity through the whole chain. */
  clientFor(user: UserInfo): Client
  /** system:masters, for bootstrapping and for the authorizer's own caches. */
  readonly loopbackClient: Client
  /** Serves the resource from now on; visible in discovery and OpenAPI when it returns. Replaces an equal group+resource. */
  registerResource(definition: ResourceDefinition): Promise<void>
  /** Ends its watches and forgets its cache; stored objects stay. */
  unregisterResource(group: string, resource: string): void
  addHealthCheck(check: HealthCheck): void
  listen(options: ListenOptions): Promise<{ readonly port: number; readonly address: string }>
  /** Certificates for connections made from now on; no effect before `listen`. */
  updateTls(tls: ListenOptions['tls']): void
  /** `/readyz` fails from now on, so that nobody sends anybody here any more; requests are served all the same. */
  beginShutdown(): void
  /** Stops accepting, answers readyz with 500, ends watches, waits for requests in flight (at most `graceMs`). */
  close(graceMs: number): Promise<void>
}
