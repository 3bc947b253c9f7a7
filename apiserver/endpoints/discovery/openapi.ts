/** /openapi/v2 and /openapi/v3, built when somebody asks. Upstream: kube-openapi pkg/handler, pkg/handler3. */
import { createHash } from 'node:crypto'
import { newNotAcceptable, newPathNotFound } from '#machinery/meta/errors.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { OpenApiBuilder, OpenApiResource } from '#machinery/schema/interfaces.ts'
import type { JsonObject } from '#machinery/util/types.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { ResourceDefinition, SubresourceDefinition, VersionDefinition } from '../../registry/generic/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import { parseAccept } from '../accept.ts'
import { jsonResponse } from '../responses.ts'
import type { DocumentCache } from './cached-document.ts'
import { groupsOf, verbsOf } from './documents.ts'

export interface OpenApiSource {
  readonly definitions: () => readonly ResourceDefinition[]
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
  const json = (): JsonObject => source.builder.v2(openApiResources(source.definitions()))
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
  const resources = openApiResources(source.definitions()).filter((r) => r.group === group && r.version === version)
  const isWellFormed = rest.length === (root === 'api' ? 1 : 2)
  if (group === undefined || version === undefined || !isWellFormed || resources.length === 0) throw newPathNotFound()
  const hash = call.query.get('hash')
  const current = hashOf(resources, source)
  if (hash !== '' && hash !== current) return redirect(path, current)
  const make = () => source.builder.v3(group, version, resources)
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
  const resources = openApiResources(definitions)
  const paths: Record<string, { serverRelativeURL: string }> = {}
  for (const { group, versions } of groupsOf(definitions)) {
    for (const version of versions) {
      const own = resources.filter((resource) => resource.group === group && resource.version === version)
      const path = `${group === '' ? 'api' : 'apis'}/${apiVersionOf({ group, version })}`
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(own, source)}` }
    }
  }
  return { paths }
}

/** Of what a document is made of: hashing the documents themselves would mean building all of them for the index. */
function hashOf(resources: readonly OpenApiResource[], source: OpenApiSource): string {
  return createHash('sha256').update(source.serverVersion).update(JSON.stringify(resources)).digest('hex').toUpperCase()
}

function openApiResources(definitions: readonly ResourceDefinition[]): OpenApiResource[] {
  return definitions.flatMap((definition) =>
    definition.versions.filter(({ served }) => served).map((version) => openApiResource(definition, version)),
  )
}

function openApiResource(definition: ResourceDefinition, version: VersionDefinition): OpenApiResource {
  const { group, resource, kind, listKind, namespaced, verbs, subresources } = definition
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
  }
}

function openApiSubresource(subresource: SubresourceDefinition): OpenApiResource['subresources'][number] {
  const { name } = subresource
  if (subresource.type === 'view') return { name, verbs: subresource.verbs }
  const kind = subresource.type !== 'scale' ? subresource.kind : { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  return { name, verbs: verbsOf(subresource), kind }
}
