/**
 * From request info to the verb's function: which resources, versions and subresources exist, which verbs they have.
 * Upstream: apiserver pkg/endpoints/installer.go (routes there, a lookup here).
 */
import { newMethodNotAllowed, newPathNotFound } from '#machinery/meta/errors.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import type { SubresourceDefinition } from '../registry/generic/interfaces.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { EndpointScope } from './interfaces.ts'
import type { ConnectDependencies } from './verbs/connect.ts'
import { serveConnect } from './verbs/connect.ts'
import { serveDelete, serveDeleteCollection } from './verbs/delete.ts'
import { servePatch } from './verbs/patch.ts'
import { serveGet, serveList } from './verbs/read.ts'
import { serveScale } from './verbs/scale.ts'
import { serveSubresourceCreate, serveVirtualCreate, serveVirtualList } from './verbs/virtual.ts'
import type { WatchMetrics } from './verbs/watch.ts'
import { serveWatch } from './verbs/watch.ts'
import type { CreateAuthorization } from './verbs/write.ts'
import { serveCreate, serveUpdate } from './verbs/write.ts'

export interface RouteDependencies extends ConnectDependencies {
  /** Undefined: nobody serves it. */
  scopeFor(group: string, version: string, resource: string): EndpointScope | undefined
  readonly authorizeCreate: CreateAuthorization
  readonly watchMetrics: WatchMetrics
  /** A deprecated version of the API is being used. */
  deprecatedApiRequested(call: ApiCall): void
}

type Served = ApiResponse | Promise<ApiResponse>

export function serveResource(call: ApiCall, dependencies: RouteDependencies): Served {
  const { info } = call
  const scope = dependencies.scopeFor(info.apiGroup, info.apiVersion, info.resource)
  if (scope === undefined || (info.depth > 3 && info.subresource !== 'proxy') || !isPathShapeServed(call, scope))
    throw newPathNotFound()
  const { deprecationWarning } = scope.version
  if (deprecationWarning !== undefined) {
    call.warn(deprecationWarning)
    call.annotate?.('k8s.io/deprecated', 'true')
    dependencies.deprecatedApiRequested(call)
  }
  if (info.subresource !== '') return serveSubresource(call, scope, dependencies)
  if (!scope.definition.verbs.some((verb) => verb === info.verb)) throw newMethodNotAllowed()
  return scope.store === undefined ? serveVirtual(call, scope) : serveStored(call, scope, dependencies)
}

/** Namespaced resources across all namespaces can be listed and watched, nothing else. */
function isPathShapeServed({ info }: ApiCall, { definition }: EndpointScope): boolean {
  if (!definition.namespaced) return info.namespace === '' || (info.resource === 'namespaces' && info.apiGroup === '')
  if (info.namespace !== '') return true
  if (!info.isCollection) return false
  if (info.verb === 'list' || info.verb === 'watch') return true
  if (definition.isCustom === true) return false
  // Review kinds are namespaced in part; for all others the path exists, only not for this method.
  throw newMethodNotAllowed()
}

function serveStored(call: ApiCall, scope: EndpointScope, dependencies: RouteDependencies): Served {
  const { store, definition } = scope
  if (store === undefined) throw newPathNotFound()
  switch (call.info.verb) {
    case 'get':
      return serveGet(call, scope, store)
    case 'list':
      return serveList(call, scope, store)
    case 'watch':
      // The legacy /watch/ paths make it the verb of any method.
      if (call.request.method !== 'GET' && call.request.method !== 'HEAD') throw newMethodNotAllowed()
      return serveWatch(call, scope, store, dependencies.watchMetrics)
    case 'create':
      // POST to an object's own path.
      if (!call.info.isCollection) throw newMethodNotAllowed()
      return serveCreate(call, scope, store)
    case 'update':
      requireName(call)
      return serveUpdate(call, scope, store, definition.strategy, dependencies.authorizeCreate)
    case 'patch':
      requireName(call)
      return servePatch(call, scope, store, definition.strategy, dependencies.authorizeCreate)
    case 'delete':
      return serveDelete(call, scope, store)
    case 'deletecollection':
      return serveDeleteCollection(call, scope, store)
    default:
      throw newMethodNotAllowed()
  }
}

function requireName(call: ApiCall): void {
  if (call.info.isCollection) throw newMethodNotAllowed()
}

function serveVirtual(call: ApiCall, scope: EndpointScope): Served {
  const { verb } = call.info
  if (verb === 'create') return serveVirtualCreate(call, scope)
  if (verb === 'get' || verb === 'list') return serveVirtualList(call, scope)
  throw newMethodNotAllowed()
}

function serveSubresource(call: ApiCall, scope: EndpointScope, dependencies: RouteDependencies): Served {
  const { info } = call
  const subresource = scope.definition.subresources.find(({ name }) => name === info.subresource)
  const { store } = scope
  if (subresource === undefined || store === undefined) throw newPathNotFound()
  switch (subresource.type) {
    case 'view':
      return serveView(call, scope, subresource, dependencies)
    case 'scale':
      if (info.verb !== 'get' && info.verb !== 'update' && info.verb !== 'patch') throw newMethodNotAllowed()
      return serveScale(call, scope, store, subresource.scale)
    case 'create':
      if (info.verb !== 'create') throw newMethodNotAllowed()
      return serveSubresourceCreate(call, scope, subresource)
    case 'connect':
      return serveConnect(call, scope, subresource, dependencies)
  }
}

function serveView(
  call: ApiCall,
  scope: EndpointScope,
  view: Extract<SubresourceDefinition, { readonly type: 'view' }>,
  dependencies: RouteDependencies,
): Served {
  const { verb } = call.info
  const { store } = scope
  if (store === undefined || !view.verbs.some((allowed) => allowed === verb)) throw newMethodNotAllowed()
  if (verb === 'get') return serveGet(call, scope, store)
  if (verb === 'update') return serveUpdate(call, scope, store, view.strategy, dependencies.authorizeCreate)
  if (verb === 'patch') return servePatch(call, scope, store, view.strategy, dependencies.authorizeCreate)
  throw newMethodNotAllowed()
}
