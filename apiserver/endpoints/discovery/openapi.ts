/** /openapi/v2 and /openapi/v3, built when somebody asks. Upstream: kube-openapi pkg/handler, pkg/handler3. */
import { createHash } from 'node:crypto'
import { newNotAcceptable, newPathNotFound } from '#machinery/meta/errors.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { OpenApiBuilder, OpenApiResource } from '#machinery/schema/interfaces.ts'
import { mergeDocument } from '#machinery/schema/openapi/merge.ts'
import type { JsonObject } from '#machinery/util/types.ts'
import type { AggregatedVersion } from '../../aggregator/interfaces.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceDefinition, SubresourceDefinition, VersionDefinition } from '../../registry/generic/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import { parseAccept } from '../accept.ts'
import { jsonResponse } from '../responses.ts'
import type { DocumentCache } from './cached-document.ts'
import { groupsOf, verbsOf } from './documents.ts'

export interface OpenApiSource {
  readonly definitions: () => readonly ResourceDefinition[]
  /** What aggregated API servers serve: they answer for their documents themselves. */
  readonly aggregated: () => readonly AggregatedVersion[]
  /** Swagger 2.0 of aggregated API servers, in the order in which they are merged into ours. */
  readonly aggregatedV2: () => readonly JsonObject[]
  readonly documents: DocumentCache
  readonly builder: OpenApiBuilder
  /** Swagger 2.0 in gnostic's protobuf encoding. */
  readonly v2ToProtobuf: (document: JsonObject) => Buffer
  /** Changes with the server's own version, so that clients' caches of v3 documents do. */
  readonly serverVersion: string
}

const V2_PROTOBUF_TYPES: ReadonlySet<string> = new Set([
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
])
const JSON_TYPES: ReadonlySet<string> = new Set(['application/json', '*/*', 'application/*'])

function acceptOf(call: ApiCall): string {
  const { accept = '' } = call.request.headers
  return accept === '' ? '*/*' : accept
}

export function serveOpenApiV2(call: ApiCall, source: OpenApiSource): ApiResponse {
  const json = (): JsonObject => {
    const document = source.builder.v2(openApiResources(source.definitions()))
    for (const other of source.aggregatedV2()) mergeDocument(document, other)
    return document
  }
  for (const { mediaType } of parseAccept(acceptOf(call))) {
    if (V2_PROTOBUF_TYPES.has(mediaType)) {
      const type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
      return source.documents.respond(call, 'openapi/v2 protobuf', type, () => source.v2ToProtobuf(json()))
    }
    if (JSON_TYPES.has(mediaType)) return source.documents.respond(call, 'openapi/v2', 'application/json', json)
  }
  throw newNotAcceptable(['application/json', ...V2_PROTOBUF_TYPES])
}

/** `path` is what follows /openapi/v3/: '' for the index, `api/v1`, `apis/apps/v1`. */
export function serveOpenApiV3(call: ApiCall, path: string, source: OpenApiSource): ApiResponse {
  const acceptable = parseAccept(acceptOf(call)).some(({ mediaType }) => JSON_TYPES.has(mediaType))
  if (!acceptable) throw newNotAcceptable(['application/json'])
  if (path === '') return source.documents.respond(call, 'openapi/v3', 'application/json', () => v3Index(source))
  const [root = '', ...rest] = path.split('/')
  const [group, version] = root === 'api' ? ['', rest[0]] : rest
  const isWellFormed = rest.length === (root === 'api' ? 1 : 2)
  if (group === undefined || version === undefined || !isWellFormed) throw newPathNotFound()
  const own = source
    .definitions()
    .filter((definition) => definition.group === group)
    .flatMap(servedVersions)
    .filter((served) => served.version.version === version)
  if (own.length === 0) throw newPathNotFound()
  const hash = call.query.get('hash')
  const current = hashOf(own, source)
  if (hash !== '' && hash !== current) return redirect(path, current)
  const make = () => source.builder.v3(group, version, own.map(openApiResource))
  const response = source.documents.respond(call, `openapi/v3/${path}`, 'application/json', make)
  if (hash === '') return response
  // The address carries the hash of what it leads to, so the answer never changes.
  return { ...response, headers: { ...response.headers, 'cache-control': 'public, immutable' } }
}

function redirect(path: string, hash: string): ApiResponse {
  const response = jsonResponse(301, {})
  return { ...response, headers: { ...response.headers, location: `/openapi/v3/${path}?hash=${hash}` } }
}

function v3Index(source: OpenApiSource): object {
  const definitions = source.definitions()
  const byGroupVersion = new Map<string, ServedVersion[]>()
  for (const served of definitions.flatMap(servedVersions)) {
    const apiVersion = apiVersionOf({ group: served.definition.group, version: served.version.version })
    const known = byGroupVersion.get(apiVersion)
    if (known === undefined) byGroupVersion.set(apiVersion, [served])
    else known.push(served)
  }
  const paths: Record<string, { serverRelativeURL: string }> = {}
  for (const { group, versions } of groupsOf(definitions)) {
    for (const version of versions) {
      const apiVersion = apiVersionOf({ group, version })
      const path = `${group === '' ? 'api' : 'apis'}/${apiVersion}`
      const hash = hashOf(byGroupVersion.get(apiVersion) ?? [], source)
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }
    }
  }
  for (const { group, version, openApiUrl } of source.aggregated()) {
    const path = `apis/${group}/${version}`
    if (openApiUrl === undefined) delete paths[path]
    else paths[path] = { serverRelativeURL: openApiUrl }
  }
  return { paths }
}

interface ServedVersion {
  readonly definition: ResourceDefinition
  readonly version: VersionDefinition
}

function servedVersions(definition: ResourceDefinition): ServedVersion[] {
  return definition.versions
    .filter(({ served }) => served)
    .map((version) => ({ definition: version.converted?.definition ?? definition, version }))
}

/** Of what a document is made of: hashing the documents themselves would mean building all of them for the index. */
function hashOf(served: readonly ServedVersion[], source: OpenApiSource): string {
  const hash = createHash('sha256').update(source.serverVersion)
  for (const one of served) hash.update(digestOf(one))
  return hash.digest('hex').toUpperCase()
}

/** A version belongs to one definition and never changes: of a thousand custom resources only the new ones are read. */
const digests = new WeakMap<VersionDefinition, Buffer>()

function digestOf(served: ServedVersion): Buffer {
  let digest = digests.get(served.version)
  if (digest === undefined) {
    digest = createHash('sha256')
      .update(JSON.stringify(openApiResource(served)))
      .digest()
    digests.set(served.version, digest)
  }
  return digest
}

function openApiResources(definitions: readonly ResourceDefinition[]): OpenApiResource[] {
  return definitions.flatMap(servedVersions).map(openApiResource)
}

function openApiResource({ definition, version }: ServedVersion): OpenApiResource {
  const { group, resource, kind, listKind, namespaced, verbs, subresources, isCustom, selectableFields } = definition
  return {
    group,
    version: version.version,
    resource,
    kind,
    listKind,
    namespaced,
    verbs,
    subresources: subresources.map(openApiSubresource),
    schema: version.openApiSchema,
    selectableFields: isCustom === true ? Object.keys(selectableFields ?? {}) : [],
  }
}

function openApiSubresource(subresource: SubresourceDefinition): OpenApiResource['subresources'][number] {
  const { name } = subresource
  if (subresource.type === 'view') return { name, verbs: subresource.verbs }
  const kind = subresource.type !== 'scale' ? subresource.kind : { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  return { name, verbs: verbsOf(subresource), kind }
}
