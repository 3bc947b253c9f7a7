/**
 * What the slices of a Service should hold: endpoints of one address type, grouped by the ports their Pods resolve to. Pure.
 * Upstream: staging/src/k8s.io/endpointslice/utils.go, the first half of reconciler.go reconcileByAddressType.
 */
import type { Node, Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { Endpoint, EndpointPort } from '#machinery/api/discovery/v1/types.gen.ts'
import { familyOf, formatIp, parseIp } from '#machinery/meta/ip-address.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { hostnameIn, isEndpoint, podIpsOf, targetPortOf } from '../manager/endpoint-pods.ts'
import { isPodReady } from '../manager/pod-control.ts'
import { endpointKey, portsKey } from '../manager/slice-endpoints.ts'

export type AddressType = 'IPv4' | 'IPv6'

export interface PortGroup {
  readonly ports: readonly EndpointPort[]
  /** By endpointKey. */
  readonly endpoints: Map<string, Endpoint>
}

export interface DesiredEndpoints {
  /** By portsKey. A group may be empty: its Pods have no address of this type. */
  readonly groups: ReadonlyMap<string, PortGroup>
  /** Pods left out because their Node is unknown. */
  readonly withoutNode: readonly DeepReadonly<Pod>[]
}

/** The types of slices a Service has; a Service from before families were defaulted has both if headless. */
export function addressTypesOf({ spec }: DeepReadonly<Service>): readonly AddressType[] {
  const families = (spec?.ipFamilies ?? []).filter((family) => family === 'IPv4' || family === 'IPv6')
  if (families.length > 0) return families
  const { clusterIP = '' } = spec ?? {}
  return clusterIP === '' || clusterIP === 'None' ? ['IPv4', 'IPv6'] : [familyOf(clusterIP)]
}

export function desiredEndpoints(
  service: DeepReadonly<Service>,
  pods: readonly DeepReadonly<Pod>[],
  nodeOf: (name: string) => DeepReadonly<Node> | undefined,
  addressType: AddressType,
): DesiredEndpoints {
  const groups = new Map<string, PortGroup>()
  const withoutNode: DeepReadonly<Pod>[] = []
  for (const pod of pods) {
    if (!isEndpoint(pod, true)) continue
    const ports = portsOf(service, pod)
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, endpoints: new Map<string, Endpoint>() }
    groups.set(key, group)
    const node = nodeOf(pod.spec?.nodeName ?? '')
    // A reference to a Node that is gone must not keep the others from being updated.
    if (node === undefined && service.spec?.publishNotReadyAddresses !== true) {
      withoutNode.push(pod)
      continue
    }
    const endpoint = newEndpoint(service, pod, node, addressType)
    if (endpoint.addresses.length > 0) group.endpoints.set(endpointKey(endpoint), endpoint)
  }
  return { groups, withoutNode }
}

function portsOf(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((servicePort) => {
    const port = targetPortOf(pod, servicePort)
    if (port === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = servicePort
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }]
  })
}

function newEndpoint(
  service: DeepReadonly<Service>,
  pod: DeepReadonly<Pod>,
  node: DeepReadonly<Node> | undefined,
  addressType: AddressType,
): Endpoint {
  const serving = isPodReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating)
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const { nodeName = '' } = pod.spec ?? {}
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'] ?? ''
  const hostname = hostnameIn(service, pod)
  return {
    addresses: addressesOf(pod, addressType),
    conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName === '' ? {} : { nodeName }),
    ...(zone === '' ? {} : { zone }),
    ...(hostname === undefined ? {} : { hostname }),
  }
}

/** In canonical form. */
function addressesOf({ status }: DeepReadonly<Pod>, addressType: AddressType): string[] {
  return podIpsOf(status).flatMap((text) => {
    const ip = parseIp(text)
    return ip?.family === addressType ? [formatIp(ip)] : []
  })
}
