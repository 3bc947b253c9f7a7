/**
 * The subsets of an Endpoints object: every address under every port it offers, packed, and cut at 1,000 addresses. Pure.
 * Upstream: pkg/controller/endpoint/endpoints_controller.go.
 */
import type { EndpointAddress, EndpointSubset, Pod, Service, ServicePort } from '#machinery/api/core/v1/types.gen.ts'
import type { IpFamily } from '#machinery/meta/ip-address.ts'
import { familyOf } from '#machinery/meta/ip-address.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { hostnameIn, isEndpoint, podIpsOf, targetPortOf } from '../manager/endpoint-pods.ts'
import { SubsetPacker } from '../manager/packed-subsets.ts'
import { isPodReady } from '../manager/pod-control.ts'

const ADDRESSES_MAX = 1_000

/** In canonical order; empty when nobody is behind the Service. */
export function subsetsOf(service: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): EndpointSubset[] {
  const packer = new SubsetPacker()
  const { publishNotReadyAddresses = false, ports = [], clusterIP } = service.spec ?? {}
  for (const pod of pods) {
    if (!isEndpoint(pod, publishNotReadyAddresses)) continue
    const address = addressOf(service, pod)
    if (address === undefined) continue
    const isReady = publishNotReadyAddresses || isPodReady(pod)
    if (ports.length === 0 && clusterIP === 'None') packer.add(undefined, address, isReady)
    for (const servicePort of ports) {
      const port = targetPortOf(pod, servicePort)
      if (port !== undefined) packer.add(endpointPort(servicePort, port), address, isReady)
    }
  }
  return packer.subsets()
}

/** The Pod's first address of the Service's first family. */
function addressOf(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): EndpointAddress | undefined {
  const family = service.spec?.ipFamilies?.[0] ?? inferredFamily(service, pod)
  const ip = podIpsOf(pod.status).find((ip) => familyOf(ip) === family)
  if (ip === undefined) return undefined
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const hostname = hostnameIn(service, pod)
  const { nodeName = '' } = pod.spec ?? {}
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === '' ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  }
}

/** Of a Service that does not say: as its cluster IP, or without one as the Pod's first address. */
function inferredFamily({ spec }: DeepReadonly<Service>, { status }: DeepReadonly<Pod>): IpFamily {
  const { clusterIP = '' } = spec ?? {}
  const ip = clusterIP === '' || clusterIP === 'None' ? podIpsOf(status)[0] : clusterIP
  return familyOf(ip ?? '')
}

function endpointPort({ name = '', protocol = 'TCP', appProtocol }: DeepReadonly<ServicePort>, port: number) {
  return {
    ...(name === '' ? {} : { name }),
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }
}

/**
 * At most ADDRESSES_MAX addresses, ready ones first, each subset keeping its share (rounded up, so the last may get less).
 * Returns the argument when nothing had to go.
 */
export function truncate(subsets: readonly EndpointSubset[]): readonly EndpointSubset[] {
  const ready = count(subsets, 'addresses')
  const notReady = count(subsets, 'notReadyAddresses')
  if (ready + notReady <= ADDRESSES_MAX) return subsets
  if (ready <= ADDRESSES_MAX) return cut(subsets, 'notReadyAddresses', notReady, ADDRESSES_MAX - ready)
  return cut(subsets, 'addresses', ready, ADDRESSES_MAX).map(({ notReadyAddresses: _, ...rest }) => rest)
}

type AddressField = 'addresses' | 'notReadyAddresses'

function count(subsets: readonly EndpointSubset[], field: AddressField): number {
  return subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0)
}

function cut(subsets: readonly EndpointSubset[], field: AddressField, total: number, room: number): EndpointSubset[] {
  let left = room
  return subsets.map((subset) => {
    const addresses = subset[field] ?? []
    const kept = addresses.slice(0, Math.min(Math.ceil((addresses.length / total) * room), left))
    left -= kept.length
    const { [field]: _, ...rest } = subset
    return kept.length === 0 ? rest : { ...rest, [field]: kept }
  })
}
