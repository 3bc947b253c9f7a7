/**
 * Client over any Transport: builds paths, queries and bodies, turns failed answers into StatusError, ends watches as
 * the Client contract says. Stateless; one instance may be shared freely.
 * Upstream: client-go rest/request.go, dynamic/simple.go.
 */
import type { KubeObject, Status, WatchEvent } from '#machinery/api/meta/v1.ts'
import { newInternalError, statusErrorFrom } from '#machinery/meta/errors.ts'
import type { ObjectKey, Resource } from '#machinery/meta/resource.ts'
import { resourcePath } from '#machinery/meta/resource.ts'
import { isAbortError } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Client, DeleteCallOptions, ListOptions, Patch, WatchOptions, WriteOptions } from './client.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

const READ_HEADERS: Readonly<Record<string, string>> = Object.freeze({ accept: 'application/json' })
const WRITE_HEADERS = contentTypeHeaders('application/json')

const PATCH_HEADERS: Readonly<Record<Patch['type'], Readonly<Record<string, string>>>> = {
  json: contentTypeHeaders('application/json-patch+json'),
  merge: contentTypeHeaders('application/merge-patch+json'),
  strategic: contentTypeHeaders('application/strategic-merge-patch+json'),
  apply: contentTypeHeaders('application/apply-patch+yaml'),
}

function contentTypeHeaders(contentType: string): Readonly<Record<string, string>> {
  return Object.freeze({ accept: 'application/json', 'content-type': contentType })
}

export function createClient(transport: Transport): Client {
  const call = async (request: TransportRequest): Promise<unknown> => bodyOf(await transport.request(request))
  /** The one cast at this boundary: the server answers with the kind that was asked for. */
  const callFor = async <T>(request: TransportRequest): Promise<T> => (await call(request)) as T

  return {
    get(resource, key, options) {
      const query = queryString([['resourceVersion', options?.resourceVersion]])
      return callFor(read(resourcePath(resource, key, options?.subresource) + query, options?.signal))
    },
    list(resource, options) {
      return callFor(read(collectionPath(resource, options?.namespace) + listQuery(options), options?.signal))
    },
    watch(resource, options) {
      return watchEvents(transport, resource, options)
    },
    create(resource, object, options) {
      const path = collectionPath(resource, object.metadata.namespace) + subresourceSuffix(options)
      return callFor(write('POST', path + writeQuery(options), WRITE_HEADERS, object, options?.signal))
    },
    update(resource, object, options) {
      const path = resourcePath(resource, keyOfObject(object), options?.subresource)
      return callFor(write('PUT', path + writeQuery(options), WRITE_HEADERS, object, options?.signal))
    },
    patch(resource, key, patch, options) {
      const force = patch.type === 'apply' ? patch.force : undefined
      const path = resourcePath(resource, key, options?.subresource) + writeQuery(options, force)
      return callFor(write('PATCH', path, PATCH_HEADERS[patch.type], patch.body, options?.signal))
    },
    delete(resource, key, options) {
      const path = resourcePath(resource, key)
      return callFor(write('DELETE', path, WRITE_HEADERS, deleteOptions(options), options?.signal))
    },
    async deleteCollection(resource, options) {
      const path = collectionPath(resource, options?.namespace) + listQuery(options)
      await call(write('DELETE', path, WRITE_HEADERS, deleteOptions(options), options?.signal))
    },
    createSubresource(resource, key, subresource, object, options) {
      const path = resourcePath(resource, key, subresource) + writeQuery(options)
      return callFor(write('POST', path, WRITE_HEADERS, object, options?.signal))
    },
    async raw(request) {
      const headers = { ...(request.body === undefined ? READ_HEADERS : WRITE_HEADERS), ...request.headers }
      const { method, path, body, signal } = request
      const response = await transport.request({ method, path, headers, body, signal })
      return { status: response.status, body: response.body }
    },
  }
}

async function* watchEvents<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  options: WatchOptions | undefined,
): AsyncGenerator<DeepReadonly<WatchEvent<T>>> {
  const signal = options?.signal
  const path = collectionPath(resource, options?.namespace) + watchQuery(options)
  try {
    const stream = await transport.watch(read(path, signal))
    for await (const event of stream) {
      if (event.type === 'ERROR') throw statusErrorFrom(statusOf(event.object))
      yield event as DeepReadonly<WatchEvent<T>>
    }
  } catch (err: unknown) {
    if (signal?.aborted && (isAbortError(err) || err === signal.reason)) return
    throw err
  }
}

function read(path: string, signal: AbortSignal | undefined): TransportRequest {
  return { method: 'GET', path, headers: READ_HEADERS, body: undefined, signal }
}

function write(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  signal: AbortSignal | undefined,
): TransportRequest {
  return { method, path, headers, body, signal }
}

function bodyOf(response: TransportResponse): unknown {
  if (response.status < 400) return response.body
  const { body } = response
  if (isObject(body) && body['kind'] === 'Status') throw statusErrorFrom(body as unknown as Status)
  throw statusErrorFrom(unstructuredStatus(response))
}

/** Something between us and the API server answered: keep its code, say what it said. */
function unstructuredStatus(response: TransportResponse): Status {
  const text = typeof response.body === 'string' ? response.body.slice(0, 512) : ''
  const message = `the server answered ${response.status} without a Status${text === '' ? '' : `: ${text}`}`
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: response.status }
}

function statusOf(object: unknown): Status {
  if (isObject(object) && object['kind'] === 'Status') return object as unknown as Status
  return newInternalError('the watch stream carried an ERROR event without a Status').status
}

function collectionPath(resource: Resource, namespace: string | undefined): string {
  return resourcePath(resource, namespace === undefined ? {} : { namespace })
}

function keyOfObject(object: DeepReadonly<KubeObject>): ObjectKey {
  const { name = '', namespace } = object.metadata
  return namespace === undefined ? { name } : { namespace, name }
}

function subresourceSuffix(options: WriteOptions | undefined): string {
  return options?.subresource === undefined ? '' : `/${options.subresource}`
}

type QueryPair = readonly [name: string, value: string | number | boolean | undefined]

function queryString(pairs: readonly QueryPair[]): string {
  let query = ''
  for (const [name, value] of pairs) {
    if (value === undefined || value === '') continue
    query += `${query === '' ? '?' : '&'}${name}=${encodeURIComponent(value)}`
  }
  return query
}

function selectionPairs(options: ListOptions | WatchOptions | undefined): QueryPair[] {
  return [
    ['labelSelector', options?.labelSelector],
    ['fieldSelector', options?.fieldSelector],
    ['resourceVersion', options?.resourceVersion],
  ]
}

function listQuery(options: ListOptions | undefined): string {
  return queryString([
    ...selectionPairs(options),
    ['resourceVersionMatch', options?.resourceVersionMatch],
    ['limit', options?.limit],
    ['continue', options?.continue],
  ])
}

function watchQuery(options: WatchOptions | undefined): string {
  const isStreamingList = options?.sendInitialEvents !== undefined
  return queryString([
    ['watch', true],
    ...selectionPairs(options),
    ['allowWatchBookmarks', options?.allowWatchBookmarks],
    ['sendInitialEvents', options?.sendInitialEvents],
    // The API refuses sendInitialEvents with any other match.
    ['resourceVersionMatch', isStreamingList ? 'NotOlderThan' : undefined],
    ['timeoutSeconds', options?.timeoutSeconds],
  ])
}

function writeQuery(options: WriteOptions | undefined, force?: boolean): string {
  return queryString([
    ['dryRun', options?.dryRun === true ? 'All' : undefined],
    ['fieldManager', options?.fieldManager],
    ['fieldValidation', options?.fieldValidation],
    ['force', force],
  ])
}

function deleteOptions(options: DeleteCallOptions | undefined): unknown {
  if (options === undefined) return undefined
  const { preconditions, propagationPolicy, gracePeriodSeconds, dryRun } = options
  if (
    preconditions === undefined &&
    propagationPolicy === undefined &&
    gracePeriodSeconds === undefined &&
    dryRun !== true
  )
    return undefined
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    ...(preconditions === undefined ? {} : { preconditions }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(dryRun === true ? { dryRun: ['All'] } : {}),
  }
}
