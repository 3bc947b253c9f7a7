/**
 * Where pods, nodes and services can be dialled, and what must not be: a proxy into the API server's own host would be
 * everybody's way around its firewall.
 * Upstream: pkg/kubelet/client/kubelet_client.go, pkg/util/node GetPreferredNodeAddress, pkg/proxy/util IsProxyableIP.
 */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { newBadRequest, newNotFound, newServiceUnavailable, newUnknownFailure } from '#machinery/meta/errors.ts'
import { isSimulatedNode, nothingRunsOn } from '#machinery/meta/simulated-node.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Backend } from '../../../proxy/interfaces.ts'
import type { RegistryDeps, StoredObjects } from '../../deps.ts'
import { DEFAULT_KUBELET_ADDRESS_TYPES } from '../../deps.ts'

/** What finding a kubelet takes. */
export type NodeSource = Pick<RegistryDeps, 'objects' | 'config'>

const KUBELET_PORT = 10250

export function podNamed(objects: StoredObjects, namespace: string, name: string): DeepReadonly<Pod> {
  const pod = objects.peek('', 'pods', namespace, name)
  if (pod === undefined) throw newNotFound({ group: '', resource: 'pods' }, name)
  return pod as DeepReadonly<Pod>
}

export function kubeletOf(
  { objects, config }: NodeSource,
  nodeName: string,
  trust: Backend['trust'] = 'kubelet',
): Backend {
  const node = objects.peek('', 'nodes', '', nodeName) as DeepReadonly<Node> | undefined
  if (node === undefined) throw newNotFound({ group: '', resource: 'nodes' }, nodeName)
  if (isSimulatedNode(node)) throw newBadRequest(`${nothingRunsOn(nodeName)}: it has no logs and takes no commands`)
  const reported = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0
  const port = reported > 0 ? reported : KUBELET_PORT
  return { scheme: 'https', host: preferredAddress(node, config.kubeletAddressTypes), port, nodeName, trust }
}

/** Refuses at once what would be dialled in vain. */
export function requireRealNode(objects: StoredObjects, nodeName: string): void {
  const node = objects.peek('', 'nodes', '', nodeName) as DeepReadonly<Node> | undefined
  if (!isSimulatedNode(node)) return
  throw newServiceUnavailable(`error trying to reach service: ${nothingRunsOn(nodeName)}: nobody listens on it`)
}

function preferredAddress(
  { metadata, status }: DeepReadonly<Node>,
  types: readonly string[] = DEFAULT_KUBELET_ADDRESS_TYPES,
): string {
  const addresses = status?.addresses ?? []
  for (const type of types) {
    const found = addresses.find((address) => address.type === type && address.address !== '')
    if (found !== undefined) return found.address
    const label = metadata.labels?.['kubernetes.io/hostname']
    if (type === 'Hostname' && label !== undefined && label !== '') return label
  }
  const known = addresses.map(({ type, address }) => `{${type} ${address}}`).join(' ')
  throw newUnknownFailure(`no preferred addresses found; known addresses: [${known}]`)
}

let guarded: BlockList | undefined

/** Loopback, link-local and interface-local addresses; IPv4 in IPv6 clothes as well. */
function isGuarded(address: string): boolean {
  if (guarded === undefined) {
    guarded = new BlockList()
    guarded.addSubnet('127.0.0.0', 8, 'ipv4')
    guarded.addSubnet('169.254.0.0', 16, 'ipv4')
    guarded.addSubnet('224.0.0.0', 24, 'ipv4')
    guarded.addAddress('::1', 'ipv6')
    guarded.addSubnet('fe80::', 10, 'ipv6')
    guarded.addSubnet('ff01::', 16, 'ipv6')
    guarded.addSubnet('ff02::', 16, 'ipv6')
  }
  return guarded.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

export function requireProxyableIp(address: string): void {
  if (isIP(address) === 0 || isGuarded(address)) throw newBadRequest('address not allowed')
}

export async function requireProxyableHost(host: string): Promise<void> {
  const addresses = await lookup(host, { all: true }).catch((err: unknown) => {
    throw newBadRequest(errorMessage(err))
  })
  if (addresses.length === 0) throw newBadRequest('No addresses for hostname')
  for (const { address } of addresses) requireProxyableIp(address)
}

export interface ProxyName {
  readonly scheme: '' | 'http' | 'https'
  readonly name: string
  readonly port: string
}

/** `name`, `name:port` or `scheme:name:port`. Upstream: apimachinery pkg/util/net SplitSchemeNamePort. */
export function splitProxyName(id: string, what: 'pod' | 'service' | 'node'): ProxyName {
  const parts = id.split(':')
  const [scheme = '', name = '', port = ''] =
    parts.length === 3 ? parts : parts.length < 3 ? ['', parts[0] ?? '', parts[1] ?? ''] : []
  if (name === '' || (scheme !== '' && scheme !== 'http' && scheme !== 'https'))
    throw newBadRequest(`invalid ${what} request ${JSON.stringify(id)}`)
  return { scheme, name, port }
}
