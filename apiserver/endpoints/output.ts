/**
 * Objects and lists in the representation the client negotiated. JSON is made of the stored bytes, protobuf of messages
 * encoded once per object; neither is encoded again for a list.
 * Upstream: apiserver pkg/endpoints/handlers/response.go.
 */
import type { ListMeta } from '#machinery/api/meta/v1.ts'
import { encodeListMeta, encodeProtobuf } from '#machinery/schema/protobuf/encode.ts'
import { envelopeOf, listEnvelope, PROTOBUF_MEDIA_TYPE } from '#machinery/schema/protobuf/envelope.ts'
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

const PROTOBUF_HEADERS: ResponseHeaders = Object.freeze({ ...JSON_HEADERS, 'content-type': PROTOBUF_MEDIA_TYPE })

/** Any other value: Statuses, virtual objects, Scales. JSON where the media type negotiated has no form of it. */
export function valueResponse(status: number, value: object, output: Pick<OutputFormat, 'media'>): ApiResponse {
  if (output.media === 'yaml') return encodedResponse(status, YAML_HEADERS, Buffer.from(toYaml(value)), value)
  const bytes = output.media === 'protobuf' ? encodeProtobuf(value) : undefined
  return bytes === undefined ? jsonResponse(status, value) : encodedResponse(status, PROTOBUF_HEADERS, bytes, value)
}

function encodedResponse(status: number, headers: ResponseHeaders, bytes: Buffer, decoded: unknown): ApiResponse {
  return { status, headers, body: { type: 'bytes', chunks: [bytes], decoded } }
}

export function objectResponse(
  status: number,
  cached: CachedObject,
  scope: EndpointScope,
  output: OutputFormat,
  call: ApiCall,
): ApiResponse {
  const { presenter } = scope
  const decode = () => presenter.object(cached)
  if (output.as === 'Object' && output.media === 'json') {
    return { status, headers: JSON_HEADERS, body: new LazyBody(() => [presenter.json(cached)], decode) }
  }
  if (output.as === 'Object' && output.media === 'protobuf') {
    const encodeJson = () => [presenter.json(cached)]
    const body = new LazyBody(() => [protobufBytes(cached, scope)], decode, encodeJson)
    return { status, headers: PROTOBUF_HEADERS, body }
  }
  return valueResponse(status, representObject(cached, [cached], scope, output, call, true), output)
}

/** In its envelope. */
export function protobufBytes(cached: CachedObject, scope: EndpointScope): Buffer {
  return envelopeOf(scope.apiVersion, scope.definition.kind, protobufMessage(cached, scope))
}

/** Negotiation offers protobuf only where there is a form of it. */
function protobufMessage(cached: CachedObject, { presenter, definition }: EndpointScope): Buffer {
  if (presenter.protobuf === undefined) throw new Error(`${definition.resource} have no protobuf form`)
  return presenter.protobuf(cached)
}

/** A decoded value of the object's representation. `rows` are a Table's rows: the object, or none for a bookmark. */
export function representObject(
  cached: CachedObject,
  rows: readonly CachedObject[],
  scope: EndpointScope,
  output: OutputFormat,
  call: ApiCall,
  hasColumns: boolean,
): object {
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
  const encodeJson = () => [jsonListBytes(head, list.items, scope, call)]
  if (output.media === 'json') return { status: 200, headers: JSON_HEADERS, body: new LazyBody(encodeJson, decode) }
  const encode = () => [protobufListBytes(head, list.items, scope, call)]
  return { status: 200, headers: PROTOBUF_HEADERS, body: new LazyBody(encode, decode, encodeJson) }
}

interface ListHead {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: ListMeta
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
const sharedJson = new WeakMap<EndpointScope, SharedList>()
const sharedProtobuf = new WeakMap<EndpointScope, SharedList>()

function jsonListBytes(head: ListHead, items: readonly CachedObject[], scope: EndpointScope, call: ApiCall): Buffer {
  const start = `${JSON.stringify(head).slice(0, -1)},"items":[`
  return shareList(sharedJson, { start, items, make: () => concatList(start, items, scope) }, scope, call)
}

function protobufListBytes(
  head: ListHead,
  items: readonly CachedObject[],
  scope: EndpointScope,
  call: ApiCall,
): Buffer {
  const make = (): Buffer => {
    const messages = items.map((item) => protobufMessage(item, scope))
    return listEnvelope(head.apiVersion, head.kind, encodeListMeta(head.metadata), messages)
  }
  return shareList(sharedProtobuf, { start: JSON.stringify(head), items, make }, scope, call)
}

/**
 * Informers that list again after a restart all get the same objects at the same revision: they share one buffer instead of
 * each having its own until it is sent. Kept for a second, one per resource and encoding.
 */
function shareList(
  shared: WeakMap<EndpointScope, SharedList>,
  { start, items, make }: Omit<SharedList, 'bytes'> & { readonly make: () => Buffer },
  scope: EndpointScope,
  call: ApiCall,
): Buffer {
  const known = shared.get(scope)
  if (known !== undefined && known.start === start && isSame(known.items, items)) return known.bytes
  const bytes = make()
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
