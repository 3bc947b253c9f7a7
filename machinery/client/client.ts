/**
 * The one way any part talks to the API: typed verbs over a Transport (in-process dispatch or HTTP). Objects that come
 * back are frozen and shared: copy before changing (machinery/util/json.ts deepCopy).
 * Errors are StatusError (machinery/meta/errors.ts). Upstream: client-go dynamic client.
 */
import type {
  DeleteOptions,
  KubeList,
  KubeObject,
  PropagationPolicy,
  Status,
  WatchEvent,
} from '#machinery/api/meta/v1.ts'
import type { ObjectKey, Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface GetOptions extends CallOptions {
  readonly resourceVersion?: string
  readonly subresource?: string
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan'
}

export interface WatchOptions extends CallOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly resourceVersion?: string
  readonly allowWatchBookmarks?: boolean
  readonly sendInitialEvents?: boolean
  readonly timeoutSeconds?: number
}

export interface WriteOptions extends CallOptions {
  readonly dryRun?: boolean
  readonly fieldManager?: string
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict'
  readonly subresource?: string
}

export interface DeleteCallOptions extends CallOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly propagationPolicy?: PropagationPolicy
  readonly gracePeriodSeconds?: number
  readonly dryRun?: boolean
}

export type Patch =
  | { readonly type: 'json'; readonly body: readonly JsonPatchOperation[] }
  | { readonly type: 'merge'; readonly body: object }
  | { readonly type: 'strategic'; readonly body: object }
  | { readonly type: 'apply'; readonly body: object; readonly force?: boolean }

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  readonly path: string
  readonly value?: unknown
  readonly from?: string
}

export interface RawRequest extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Client {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: GetOptions): Promise<DeepReadonly<T>>
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<DeepReadonly<KubeList<T>>>
  /**
   * Ends when the server closes the stream or the signal aborts (no error in either case); an ERROR event is thrown as
   * its StatusError (isExpired → list again). BOOKMARK events are passed on.
   */
  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<DeepReadonly<WatchEvent<T>>>
  /** Namespace and name are taken from the object. */
  create<T extends KubeObject>(
    resource: Resource<T>,
    object: DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<DeepReadonly<T>>
  update<T extends KubeObject>(
    resource: Resource<T>,
    object: DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<DeepReadonly<T>>
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<DeepReadonly<T>>
  /** The deleted or deleting object, or a Status. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: DeleteCallOptions,
  ): Promise<DeepReadonly<T> | Status>
  deleteCollection(resource: Resource, options?: ListOptions & DeleteCallOptions): Promise<void>
  /** POST to a subresource of its own kind (serviceaccounts/token, pods/eviction, pods/binding). */
  createSubresource<T extends KubeObject>(
    resource: Resource,
    key: ObjectKey,
    subresource: string,
    object: KubeObject,
    options?: WriteOptions,
  ): Promise<DeepReadonly<T>>
  /** Anything else: discovery, health, metrics. JSON bodies are parsed, others returned as text. */
  raw(request: RawRequest): Promise<{ readonly status: number; readonly body: unknown }>
}

export type { DeleteOptions }
