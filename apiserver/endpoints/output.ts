/**
 * Objects and lists in the representation the client negotiated. JSON is made of the stored bytes, never re-encoded.
 * Upstream: apiserver pkg/endpoints/handlers/response.go.
 */
import type { ListMeta } from '#machinery/api/meta/v1.ts'
import { toYaml } from '#machinery/yaml/yaml.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { CachedObject, StoreList } from '../storage/cacher/interface.ts'
import type { EndpointScope } from './interfaces.ts'
import type { OutputFormat } from './negotiate.ts'
import type { ResponseHeaders } from './responses.ts'
import { JSON_HEADERS, jsonResponse, LazyBody } from './responses.ts'
import { parseIncludeObject, partialMetadata, toTable } from './table/table.ts'

const YAML_HEADERS: ResponseHeaders = Object.freeze({ ...JSON_HEADERS, 'content-type': 'application/yaml' })

/** Any other value: Statuses, virtual objects, Scales. */
export function valueResponse(status: number, value: unknown, output: OutputFormat): ApiResponse {
  if (output.media === 'json') return jsonResponse(status, value)
  const body = new LazyBody(
    () => [Buffer.from(toYaml(value))],
    () => value,
  )
  return { status, headers: YAML_HEADERS, body }
}

export function objectResponse(
  status: number,
  cached: CachedObject,
  scope: EndpointScope,
  output: OutputFormat,
  call: ApiCall,
): ApiResponse {
  if (output.as === 'Object' && output.media === 'json') {
    const body = new LazyBody(
      () => [scope.presenter.json(cached)],
      () => scope.presenter.object(cached),
    )
    return { status, headers: JSON_HEADERS, body }
  }
  return valueResponse(status, representObject(cached, [cached], scope, output, call, true), output)
}

/** A decoded value of the object's representation. `rows` are a Table's rows: the object, or none for a bookmark. */
export function representObject(
  cached: CachedObject,
  rows: readonly CachedObject[],
  scope: EndpointScope,
  output: OutputFormat,
  call: ApiCall,
  hasColumns: boolean,
): unknown {
  const { metaVersion } = output
  if (output.as === 'Object') return scope.presenter.object(cached)
  if (output.as === 'PartialObjectMetadata') return partialMetadata(scope.presenter.object(cached), metaVersion)
  const { resourceVersion } = cached.object.metadata
  const metadata: ListMeta = resourceVersion === undefined ? {} : { resourceVersion }
  const includeObject = parseIncludeObject(call.query.get('includeObject'))
  return toTable(scope, rows, metadata, { includeObject, metaVersion, now: call.clock.now(), hasColumns })
}

export function listResponse(list: StoreList, scope: EndpointScope, output: OutputFormat, call: ApiCall): ApiResponse {
  const metadata: ListMeta = { resourceVersion: list.resourceVersion }
  if (list.continueToken !== '') metadata.continue = list.continueToken
  if (list.remainingItemCount !== undefined) metadata.remainingItemCount = list.remainingItemCount
  if (output.as === 'Table') {
    const includeObject = parseIncludeObject(call.query.get('includeObject'))
    const options = { includeObject, metaVersion: output.metaVersion, now: call.clock.now(), hasColumns: true }
    return valueResponse(200, toTable(scope, list.items, metadata, options), output)
  }
  if (output.as === 'PartialObjectMetadata') {
    const apiVersion = `meta.k8s.io/${output.metaVersion}`
    const items = list.items.map((item) => partialMetadata(scope.presenter.object(item), output.metaVersion))
    return valueResponse(200, { kind: 'PartialObjectMetadataList', apiVersion, metadata, items }, output)
  }
  const head = { kind: scope.definition.listKind, apiVersion: scope.apiVersion, metadata }
  const decode = () => ({ ...head, items: list.items.map((item) => scope.presenter.object(item)) })
  if (output.media === 'yaml') return valueResponse(200, decode(), output)
  return {
    status: 200,
    headers: JSON_HEADERS,
    body: new LazyBody(() => [listBytes(head, list.items, scope, call)], decode),
  }
}

const COMMA = 44
const LIST_END = Buffer.from(']}')

/** The bytes of one list, for others who ask for the very same in the same moment. */
interface SharedList {
  readonly start: string
  readonly items: readonly CachedObject[]
  readonly bytes: Buffer
}

const SHARED_FROM_BYTES = 64 * 1024
const SHARED_MS = 1000
const shared = new WeakMap<EndpointScope, SharedList>()

/**
 * Informers that list again after a restart all get the same objects at the same revision: they share one buffer instead of
 * each having its own until it is sent. Kept for a second, one per resource.
 */
function listBytes(head: object, items: readonly CachedObject[], scope: EndpointScope, call: ApiCall): Buffer {
  const start = `${JSON.stringify(head).slice(0, -1)},"items":[`
  const known = shared.get(scope)
  if (known !== undefined && known.start === start && isSame(known.items, items)) return known.bytes
  const bytes = concatList(start, items, scope)
  if (bytes.length < SHARED_FROM_BYTES) return bytes
  const entry = { start, items, bytes }
  shared.set(scope, entry)
  call.clock.setTimeout(() => {
    if (shared.get(scope) === entry) shared.delete(scope)
  }, SHARED_MS)
  return bytes
}

function isSame(a: readonly CachedObject[], b: readonly CachedObject[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

function concatList(startText: string, items: readonly CachedObject[], scope: EndpointScope): Buffer {
  const start = Buffer.from(startText)
  const encoded = items.map((item) => scope.presenter.json(item))
  let size = start.length + LIST_END.length + Math.max(0, encoded.length - 1)
  for (const bytes of encoded) size += bytes.length
  const whole = Buffer.allocUnsafe(size)
  let at = start.copy(whole)
  for (let i = 0; i < encoded.length; i++) {
    if (i > 0) whole[at++] = COMMA
    at += encoded[i]?.copy(whole, at) ?? 0
  }
  LIST_END.copy(whole, at)
  return whole
}
