/**
 * From an APIService to the address of the server behind it, or to the reason why there is none.
 * Upstream: kube-aggregator pkg/apiserver/resolvers.go, pkg/controllers/status/remote.
 */
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import type { Node, Service } from '#machinery/api/core/v1/types.gen.ts'
import { isSimulatedNode, nothingRunsOn } from '#machinery/meta/simulated-node.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Backend } from '../proxy/interfaces.ts'
import { readyEndpoints } from '../registry/core/connect/endpoints.ts'
import type { StoredObjects } from '../registry/deps.ts'

/** PEM: who we are to aggregated API servers. */
export interface FrontProxyIdentity {
  readonly certificate: string
  readonly key: string
}

export type Target =
  | { readonly backend: Backend }
  /** Upstream's condition reason and message. */
  | { readonly reason: string; readonly message: string }

const DEFAULT_PORT = 443

export function targetOf(
  objects: StoredObjects,
  { spec }: DeepReadonly<APIService>,
  identity: FrontProxyIdentity | undefined,
): Target {
  const { name = '', namespace = '', port = DEFAULT_PORT } = spec.service ?? {}
  const where = `service/${name} in ${JSON.stringify(namespace)}`
  const service = objects.peek('', 'services', namespace, name) as DeepReadonly<Service> | undefined
  if (service === undefined) return { reason: 'ServiceNotFound', message: `${where} is not present` }
  const ca = spec.caBundle === undefined ? '' : Buffer.from(spec.caBundle, 'base64').toString('utf8')
  const tls = {
    servername: `${name}.${namespace}.svc`,
    ca: spec.insecureSkipTLSVerify === true ? undefined : ca,
    certificate: identity?.certificate ?? '',
    key: identity?.key ?? '',
  }
  const backendAt = (host: string, at: number, nodeName: string): Target => ({
    backend: { scheme: 'https', host, port: at, nodeName, trust: 'workload', tls },
  })
  if (service.spec?.type === 'ExternalName') return backendAt(service.spec.externalName ?? '', port, '')
  const declared = service.spec?.ports?.find((candidate) => candidate.port === port)
  if (declared === undefined)
    return { reason: 'ServicePortError', message: `${where} is not listening on port ${port}` }
  const portName = declared.name ?? ''
  const ready = readyEndpoints(objects, namespace, name, portName)
  if (ready === undefined) return { reason: 'EndpointsNotFound', message: `cannot find endpointslices for ${where}` }
  const answering = ready.filter(({ nodeName }) => !isSimulated(objects, nodeName))
  const [first] = ready
  if (first !== undefined && answering.length === 0)
    return { reason: 'FailedDiscoveryCheck', message: `${nothingRunsOn(first.nodeName)}: nobody listens on it` }
  const chosen = answering[nextTurn() % Math.max(answering.length, 1)]
  if (chosen === undefined) {
    const message = `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`
    return { reason: 'MissingEndpoints', message }
  }
  return backendAt(chosen.host, chosen.port, chosen.nodeName)
}

function isSimulated(objects: StoredObjects, nodeName: string): boolean {
  return nodeName !== '' && isSimulatedNode(objects.peek('', 'nodes', '', nodeName) as DeepReadonly<Node> | undefined)
}

/** Successive requests go to successive endpoints. */
let turn = 0

function nextTurn(): number {
  turn = (turn + 1) % Number.MAX_SAFE_INTEGER
  return turn
}
