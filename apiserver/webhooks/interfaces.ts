/** Calls from the API server to somebody else's server: where it is, and what comes back. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** The part of the watch cache that leads from a Service to an address. */
export interface ServiceObjects {
  peek(group: string, resource: string, namespace: string, name: string): DeepReadonly<KubeObject> | undefined
  list(group: string, resource: string, namespace: string): readonly DeepReadonly<KubeObject>[]
}

/** A WebhookClientConfig: a URL, or a Service by its endpoints. */
export interface WebhookTarget {
  readonly url?: string | undefined
  readonly service?:
    | {
        readonly namespace: string
        readonly name: string
        readonly path?: string | undefined
        readonly port?: number | undefined
      }
    | undefined
  /** Base64 of PEM certificates; absent or empty: the roots Node trusts. */
  readonly caBundle?: string | undefined
}

interface WebhookCallOptions {
  /** Told to the server as `?timeout=10s`; undefined: only `signal` ends the call. */
  readonly timeoutMs?: number | undefined
  /** When `signal` ends the call, in monotonic milliseconds: the server is told of it when that is before the timeout. */
  readonly deadlineMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Longer answers are refused. */
  readonly answerMaxBytes: number
}

export interface WebhookClient {
  /** Sends JSON and answers the decoded JSON. Throws WebhookCallError with Go's text of what went wrong. */
  post(target: WebhookTarget, body: string, options: WebhookCallOptions): Promise<unknown>
  /** Ends idle connections. */
  close(): void
}
