/**
 * The canonical form of Endpoints subsets: ports with the same addresses in the same state share one, each address is in one
 * state under each port, all is sorted. Pure. Upstream: pkg/api/v1/endpoints/util.go (RepackSubsets).
 * Differs: subsets and ports are sorted by what they say, not by a hash of it.
 */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

interface Member {
  readonly address: EndpointAddress
  readonly isReady: boolean
}

/** One port and who offers it, by address and uid. */
interface PortGroup {
  readonly port: EndpointPort | undefined
  readonly members: Map<string, Member>
}

export class SubsetPacker {
  readonly #groups = new Map<string, PortGroup>()

  /** `port`: undefined for addresses without ports. Not ready trumps ready. */
  add(port: EndpointPort | undefined, address: EndpointAddress, isReady: boolean): void {
    const key = portText(port)
    const group = this.#groups.get(key) ?? { port, members: new Map<string, Member>() }
    this.#groups.set(key, group)
    const id = addressText(address)
    const present = group.members.get(id)
    if (present === undefined) group.members.set(id, { address, isReady })
    else if (!isReady) group.members.set(id, { address: present.address, isReady })
  }

  subsets(): EndpointSubset[] {
    const packed = new Map<string, { readonly ports: EndpointPort[]; readonly members: readonly Member[] }>()
    for (const [, { port, members }] of [...this.#groups].sort(([a], [b]) => order(a, b))) {
      const sorted = [...members].sort(([a], [b]) => order(a, b))
      const signature = `${port === undefined}|${sorted.map(([id, { isReady }]) => `${id}=${isReady}`).join()}`
      const subset = packed.get(signature) ?? { ports: [], members: sorted.map(([, member]) => member) }
      packed.set(signature, subset)
      if (port !== undefined) subset.ports.push(port)
    }
    return [...packed.values()].map(({ ports, members }) => newSubset(ports, members))
  }
}

/** Subsets as somebody wrote them. */
export function repacked(subsets: readonly DeepReadonly<EndpointSubset>[]): EndpointSubset[] {
  const packer = new SubsetPacker()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    for (const port of ports.length === 0 ? [undefined] : ports) {
      for (const address of addresses) packer.add(port, address, true)
      for (const address of notReadyAddresses) packer.add(port, address, false)
    }
  }
  return packer.subsets()
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

const portText = (port: EndpointPort | undefined): string =>
  port === undefined ? '' : [port.name ?? '', port.protocol, port.port, port.appProtocol ?? ''].join('|')

const addressText = ({ ip, targetRef }: EndpointAddress): string => `${ip}|${targetRef?.uid ?? ''}`

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
