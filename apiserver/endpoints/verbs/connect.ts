/**
 * CONNECT: a request that leads to something on a node. Admission first, then where to, then the bytes.
 * Upstream: apiserver pkg/endpoints/handlers/rest.go ConnectResource, pkg/registry/core/pod/rest/subresources.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newMethodNotAllowed } from '#machinery/meta/errors.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import type { Connector, ConnectRequest } from '../../proxy/interfaces.ts'
import { admissionAttributes } from '../../registry/generic/admission-chain.ts'
import type { SubresourceDefinition } from '../../registry/generic/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import type { EndpointScope } from '../interfaces.ts'
import type { CreateAuthorization } from './write.ts'

export interface ConnectDependencies {
  readonly connector: Connector
  readonly authorizeCreate: CreateAuthorization
}

type ConnectSubresource = Extract<SubresourceDefinition, { readonly type: 'connect' }>

export async function serveConnect(
  call: ApiCall,
  scope: EndpointScope,
  subresource: ConnectSubresource,
  { connector, authorizeCreate }: ConnectDependencies,
): Promise<ApiResponse> {
  const { info } = call
  const isProxy = subresource.name === 'proxy'
  const isServed =
    subresource.verbs.some((verb) => verb === info.verb) || (isProxy && call.request.method === 'OPTIONS')
  if (!isServed) throw newMethodNotAllowed()
  const request: ConnectRequest = {
    namespace: scope.definition.namespaced ? info.namespace : '',
    name: info.name,
    path: isProxy ? pathBehind(info.path, info.depth) : '',
    query: call.query,
  }
  const options = subresource.options?.(request)
  if (options !== undefined) await admitConnect(call, scope, subresource, options)
  // A WebSocket must be a GET; what it may do is what a POST may do. Upstream: AuthorizePodWebsocketUpgradeCreatePermission.
  if (options !== undefined && !isProxy && info.verb !== 'create') await authorizeCreate(call)
  return connector.connect(call, await subresource.locate(request))
}

async function admitConnect(
  call: ApiCall,
  { definition, version, admission }: EndpointScope,
  { name: subresource, kind }: ConnectSubresource,
  options: Readonly<Record<string, unknown>>,
): Promise<void> {
  const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), ...options } as unknown as KubeObject
  const write = { context: call, version: version.version, subresource, strategy: definition.strategy, options: {} }
  const subject = { operation: 'CONNECT', name: call.info.name, object, oldObject: undefined } as const
  const attributes = { ...admissionAttributes(definition, write, subject), kind }
  await admission.admit(attributes)
  await admission.validate(attributes)
}

/** What follows `/proxy`, a trailing slash included. */
function pathBehind(path: string, depth: number): string {
  const segments = path.replace(/^\/+/, '').replace(/\/+$/, '').split('/')
  const rest = segments.slice(segments.length - depth + 3).join('/')
  const isSlashed = path.endsWith('/')
  if (rest === '') return isSlashed ? '/' : ''
  return `/${rest}${isSlashed ? '/' : ''}`
}
