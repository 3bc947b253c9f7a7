/**
 * Connections to what runs on nodes (logs, exec, attach, port-forward, proxies): a registry says where a request leads
 * (ConnectTarget), the dialer gets there, the connector carries the bytes.
 */
import type { Duplex } from 'node:stream'
import type { ApiCall } from '../filters/interfaces.ts'
import type { ApiResponse } from '../server/interfaces.ts'

/** Something that speaks HTTP/1.1. */
export interface Backend {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Where it runs, when that is known: the way there may be this node's tunnel. */
  readonly nodeName: string
  /**
   * `kubelet`: we show our client certificate and verify theirs. `kubelet-unverified`: the client waived the second.
   * `workload`: a pod or service; its certificate is nobody's business, as upstream.
   */
  readonly trust: 'kubelet' | 'kubelet-unverified' | 'workload'
  /** Instead of what `trust` says: an aggregated API server's. */
  readonly tls?: BackendTls
}

/** PEM. */
export interface BackendTls {
  readonly servername: string
  /** Undefined: the certificate is not verified. */
  readonly ca: string | undefined
  readonly certificate: string
  readonly key: string
}

export interface BackendDialer {
  /** A connection ready for a request: TCP, and TLS where the scheme says so. Rejects with Go's text of what went wrong. */
  dial(backend: Backend, signal: AbortSignal): Promise<Duplex>
}

/** A way to a node's addresses and to its pods' that the node's agent keeps open: for nodes we cannot dial. */
export interface NodeTunnel {
  /** A byte stream to that address as seen from the node. */
  open(host: string, port: number, signal: AbortSignal): Promise<Duplex>
}

export interface NodeTunnels {
  /** Undefined: the node has none, dial it. */
  find(nodeName: string): NodeTunnel | undefined
}

/** What the client asked to connect to. */
export interface ConnectRequest {
  readonly namespace: string
  readonly name: string
  /** Behind the subresource, decoded, with its leading slash; '' when there is nothing. */
  readonly path: string
  readonly query: ApiCall['query']
}

/** Where a connect subresource leads. */
export type ConnectTarget =
  /** Only as an upgraded connection: exec, attach, port-forward. */
  | {
      readonly type: 'stream'
      readonly backend: Backend
      /** Encoded, with its query. */
      readonly path: string
      /** Set for exec and attach: what a WebSocket's channels become when the kubelet speaks SPDY only. */
      readonly streams: RemoteCommandStreams | undefined
    }
  /** Any request, upgraded or not, with links in answers rewritten; `path` is decoded, the query the request's own. */
  | { readonly type: 'proxy'; readonly backend: Backend; readonly path: string }
  /** Plain text as it comes. */
  | { readonly type: 'log'; readonly backend: Backend; readonly path: string; readonly podName: string }
  /** Nothing there yet. */
  | { readonly type: 'nothing' }

export interface RemoteCommandStreams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

export interface Connector {
  /** Throws StatusError as long as nothing has been sent to the client. */
  connect(call: ApiCall, target: ConnectTarget): Promise<ApiResponse>
}
