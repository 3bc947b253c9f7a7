/** Every path that names no resource: discovery, OpenAPI, version, health, metrics, the index. */
import type { Registry } from 'prom-client'
import { newMethodNotAllowed } from '#machinery/meta/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { groupsOf } from '../endpoints/discovery/documents.ts'
import type { OpenApiSource } from '../endpoints/discovery/openapi.ts'
import { serveOpenApiV2, serveOpenApiV3 } from '../endpoints/discovery/openapi.ts'
import type { DiscoverySource } from '../endpoints/discovery/serve.ts'
import { serveDiscovery } from '../endpoints/discovery/serve.ts'
import type { HealthEndpoint } from '../endpoints/health/serve.ts'
import { HEALTH_ENDPOINTS, serveHealth } from '../endpoints/health/serve.ts'
import { jsonResponse, textResponse } from '../endpoints/responses.ts'
import type { ApiCall, Handler } from '../filters/interfaces.ts'
import type { ApiResponse, HealthCheck, VersionInfo } from './interfaces.ts'

export interface NonResourceDependencies {
  readonly discovery: DiscoverySource
  readonly openApi: OpenApiSource
  readonly version: VersionInfo
  readonly metricsRegistry: Registry
  readonly healthChecks: readonly HealthCheck[]
  /** Exact paths served by others: the service accounts' key set, for example. */
  readonly routes: ReadonlyMap<string, Handler>
  readonly logger: Logger
}

export function serveNonResource(
  call: ApiCall,
  dependencies: NonResourceDependencies,
): ApiResponse | Promise<ApiResponse> {
  const { path } = call.info
  const segments = path.split('/').filter((segment) => segment !== '')
  const [root = ''] = segments
  const custom = dependencies.routes.get(path)
  if (custom !== undefined) return custom(call)
  if (call.info.verb !== 'get' && call.info.verb !== 'head') throw newMethodNotAllowed()
  if (HEALTH_ENDPOINTS.has(root)) {
    const name = segments.slice(1).join('/')
    return serveHealth(call, root as HealthEndpoint, name, dependencies.healthChecks, dependencies.logger)
  }
  switch (root) {
    case '':
      return jsonResponse(200, { paths: indexOf(dependencies) })
    case 'api':
    case 'apis':
      return serveDiscovery(call, segments, dependencies.discovery)
    case 'version':
      return segments.length === 1 ? jsonResponse(200, dependencies.version) : unknownPath()
    case 'openapi':
      if (segments[1] === 'v2' && segments.length === 2) return serveOpenApiV2(call, dependencies.openApi)
      return segments[1] === 'v3'
        ? serveOpenApiV3(call, segments.slice(2).join('/'), dependencies.openApi)
        : unknownPath()
    case 'metrics':
      return segments.length === 1 ? serveMetrics(dependencies.metricsRegistry) : unknownPath()
    default:
      return unknownPath()
  }
}

/** Plain text, as upstream's mux; client-go makes its own NotFound of it. */
function unknownPath(): ApiResponse {
  return textResponse(404, '404 page not found\n')
}

async function serveMetrics(registry: Registry): Promise<ApiResponse> {
  const response = textResponse(200, await registry.metrics())
  return { ...response, headers: { ...response.headers, 'content-type': registry.contentType } }
}

function indexOf({ discovery, healthChecks, routes }: NonResourceDependencies): string[] {
  const paths = new Set(['/metrics', '/openapi/v2', '/openapi/v3', '/version', ...routes.keys()])
  for (const { group, versions } of groupsOf(discovery.definitions())) {
    const root = group === '' ? '/api' : '/apis'
    paths.add(root)
    if (group !== '') paths.add(`/apis/${group}`)
    for (const version of versions) paths.add(group === '' ? `/api/${version}` : `/apis/${group}/${version}`)
  }
  for (const endpoint of HEALTH_ENDPOINTS) {
    paths.add(`/${endpoint}`)
    for (const { name, endpoints } of healthChecks) {
      if (endpoints.some((served) => served === endpoint)) paths.add(`/${endpoint}/${name}`)
    }
  }
  return [...paths].sort()
}
