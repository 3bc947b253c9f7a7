/**
 * From a Service and one of its ports to an address that answers: a ready endpoint of its EndpointSlices, else of its
 * Endpoints, else a ready Pod its selector selects (nothing fills slices while no endpoint controller runs). There is no
 * need for a proxy between the API server and what it calls. What is on a simulated node is never chosen: nobody would answer.
 * Upstream: apiserver pkg/util/proxy/proxy.go ResolveEndpoint. Differs: Endpoints, Pods and ExternalName are followed too.
 */
import type { Endpoints, Node, Pod, Service, ServicePort } from '#machinery/api/core/v1/types.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newNotFound, newServiceUnavailable } from '#machinery/meta/errors.ts'
import { isSimulatedNode, nothingRunsOn } from '#machinery/meta/simulated-node.ts'
import { matcherOfSet } from '#machinery/selectors/label.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ServiceObjects } from './interfaces.ts'

export interface ServiceEndpoint {
  /** An IP address, or the name of an ExternalName service. */
  readonly host: string
  readonly port: number
}

/** Singular, as client-go's listers say it. */
const SERVICE = { group: '', resource: 'service' } as const
const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** `port` is the Service's. Throws NotFound, or ServiceUnavailable when nobody is there. */
export function resolveServiceEndpoint(
  objects: ServiceObjects,
  random: Random,
  namespace: string,
  name: string,
  port: number,
): ServiceEndpoint {
  const service = objects.peek('', 'services', namespace, name) as DeepReadonly<Service> | undefined
  if (service === undefined) throw newNotFound(SERVICE, name)
  const { type, externalName = '', ports = [] } = service.spec ?? {}
  if (type === 'ExternalName') return { host: externalName, port }
  const servicePort = ports.find((one) => one.port === port)
  if (servicePort === undefined) throw newServiceUnavailable(`no service port ${port} found for service "${name}"`)
  for (const find of [fromSlices, fromEndpoints, fromPods]) {
    const found = find(objects, service, servicePort)
    const answering = found.filter(({ nodeName }) => !isSimulated(objects, nodeName))
    const chosen = answering[answering.length < 2 ? 0 : random.int(answering.length)]
    if (chosen !== undefined) return chosen
    const [first] = found
    if (first !== undefined) throw newServiceUnavailable(`${nothingRunsOn(first.nodeName)}: nobody listens on it`)
  }
  throw newServiceUnavailable(`no endpoints available for service "${name}"`)
}

interface Candidate extends ServiceEndpoint {
  /** '' when that is not known. */
  readonly nodeName: string
}

type Finder = (objects: ServiceObjects, service: DeepReadonly<Service>, port: DeepReadonly<ServicePort>) => Candidate[]

function isSimulated(objects: ServiceObjects, nodeName: string): boolean {
  if (nodeName === '') return false
  return isSimulatedNode(objects.peek('', 'nodes', '', nodeName) as DeepReadonly<Node> | undefined)
}

const listOf = <T extends KubeObject>(objects: ServiceObjects, group: string, resource: string, namespace: string) =>
  objects.list(group, resource, namespace) as unknown as readonly DeepReadonly<T>[]

const fromSlices: Finder = (objects, { metadata }, port) => {
  const found: Candidate[] = []
  for (const slice of listOf<EndpointSlice>(objects, 'discovery.k8s.io', 'endpointslices', metadata.namespace ?? '')) {
    if (slice.metadata.labels?.[SERVICE_NAME_LABEL] !== metadata.name) continue
    const number = slice.ports?.find(({ name = '' }) => name === (port.name ?? ''))?.port
    if (number === undefined) continue
    for (const { addresses, conditions, nodeName = '' } of slice.endpoints ?? []) {
      const [host] = addresses
      if (host !== undefined && conditions?.ready !== false) found.push({ host, port: number, nodeName })
    }
  }
  return found
}

const fromEndpoints: Finder = (objects, { metadata }, port) => {
  const endpoints = objects.peek('', 'endpoints', metadata.namespace ?? '', metadata.name ?? '')
  const found: Candidate[] = []
  for (const { addresses = [], ports = [] } of (endpoints as DeepReadonly<Endpoints> | undefined)?.subsets ?? []) {
    const number = ports.find(({ name = '' }) => name === (port.name ?? ''))?.port
    if (number === undefined) continue
    for (const { ip, nodeName = '' } of addresses) found.push({ host: ip, port: number, nodeName })
  }
  return found
}

const fromPods: Finder = (objects, { metadata, spec }, port) => {
  if (spec?.selector === undefined || Object.keys(spec.selector).length === 0) return []
  const selector = matcherOfSet(spec.selector)
  const found: Candidate[] = []
  for (const pod of listOf<Pod>(objects, '', 'pods', metadata.namespace ?? '')) {
    const host = pod.status?.podIP ?? ''
    if (host === '' || pod.metadata.deletionTimestamp !== undefined || !selector.matches(pod.metadata.labels)) continue
    if (!(pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')) continue
    const number = targetPort(pod, port)
    if (number !== undefined) found.push({ host, port: number, nodeName: pod.spec.nodeName ?? '' })
  }
  return found
}

function targetPort(pod: DeepReadonly<Pod>, port: DeepReadonly<ServicePort>): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  return ports.find(({ name }) => name === target)?.containerPort
}
