/**
 * The subsets of an Endpoints object: every address under every port it offers, packed so that ports with the same
 * addresses share a subset, sorted, and cut at 1,000 addresses. Pure.
 * Upstream: pkg/controller/endpoint/endpoints_controller.go, pkg/api/v1/endpoints/util.go (RepackSubsets).
 * Differs: subsets and ports are sorted by what they say, not by a hash of it.
 */
import type {
  EndpointAddress,
  EndpointPort,
  EndpointSubset,
  Pod,
  Service,
  ServicePort,
} from '#machinery/api/core/v1/types.gen.ts'
import { familyOf } from '#machinery/meta/ip-address.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { hostnameIn, isEndpoint, podIpsOf, targetPortOf } from '../manager/endpoint-pods.ts'
import { isPodReady } from '../manager/pod-control.ts'

const ADDRESSES_MAX = 1_000

interface Member {
  readonly address: EndpointAddress
  isReady: boolean
}

/** One port and who offers it, by address and uid. `port` is undefined for a headless Service without ports. */
interface PortGroup {
  readonly port: EndpointPort | undefined
  readonly members: Map<string, Member>
}

/** In canonical order; empty when nobody is behind the Service. */
export function subsetsOf(service: DeepReadonly<Service>, pods: readonly DeepReadonly<Pod>[]): EndpointSubset[] {
  const groups = new Map<string, PortGroup>()
  const { publishNotReadyAddresses = false, ports = [], clusterIP } = service.spec ?? {}
  for (const pod of pods) {
    if (!isEndpoint(pod, publishNotReadyAddresses)) continue
    const address = addressOf(service, pod)
    if (address === undefined) continue
    const member = { address, isReady: publishNotReadyAddresses || isPodReady(pod) }
    if (ports.length === 0 && clusterIP === 'None') join(groups, undefined, member)
    for (const servicePort of ports) {
      const port = targetPortOf(pod, servicePort)
      if (port !== undefined) join(groups, endpointPort(servicePort, port), member)
    }
  }
  return pack(groups)
}

/** The Pod's first address of the Service's first family. */
function addressOf(service: DeepReadonly<Service>, pod: DeepReadonly<Pod>): EndpointAddress | undefined {
  const family = service.spec?.ipFamilies?.[0] ?? 'IPv4'
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

function endpointPort({ name = '', protocol = 'TCP', appProtocol }: DeepReadonly<ServicePort>, port: number) {
  return {
    ...(name === '' ? {} : { name }),
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }
}

function join(groups: Map<string, PortGroup>, port: EndpointPort | undefined, { address, isReady }: Member): void {
  const key = portText(port)
  const group = groups.get(key) ?? { port, members: new Map<string, Member>() }
  groups.set(key, group)
  const id = addressText(address)
  const present = group.members.get(id)
  if (present === undefined) group.members.set(id, { address, isReady })
  else present.isReady &&= isReady // Not ready trumps ready.
}

/** Ports whose addresses and readiness are the same become one subset. */
function pack(groups: ReadonlyMap<string, PortGroup>): EndpointSubset[] {
  const packed = new Map<string, { readonly ports: EndpointPort[]; readonly members: readonly Member[] }>()
  for (const [, { port, members }] of [...groups].sort(([a], [b]) => order(a, b))) {
    const sorted = [...members].sort(([a], [b]) => order(a, b))
    const signature = `${port === undefined}|${sorted.map(([id, { isReady }]) => `${id}=${isReady}`).join()}`
    const subset = packed.get(signature) ?? { ports: [], members: sorted.map(([, member]) => member) }
    packed.set(signature, subset)
    if (port !== undefined) subset.ports.push(port)
  }
  return [...packed.values()].map(({ ports, members }) => newSubset(ports, members))
}

function newSubset(ports: EndpointPort[], members: readonly Member[]): EndpointSubset {
  const pick = (isWanted: boolean) =>
    members.filter(({ isReady }) => isReady === isWanted).map(({ address }) => address)
  const [ready, notReady] = [pick(true), pick(false)]
  return {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports }),
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

const portText = (port: EndpointPort | undefined): string =>
  port === undefined ? '' : [port.name ?? '', port.protocol, port.port, port.appProtocol ?? ''].join('|')

const addressText = ({ ip, targetRef }: EndpointAddress): string => `${ip}|${targetRef?.uid ?? ''}`

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
