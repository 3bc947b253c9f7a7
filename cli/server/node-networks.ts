/** The pod networks of nodes, from --cluster-cidr and the mask sizes: what only holds for the flags together is checked here. */
import { parseServiceCidrs } from '#apiserver/registry/core/service/service-cidrs.ts'
import type { NodeIpamOptions } from '#controllers/node-ipam/reconciler.ts'
import type { IpPrefix } from '#machinery/meta/ip-address.ts'
import { formatCidr, parseCidr } from '#machinery/meta/ip-address.ts'
import type { ServerConfig } from '../config/flags.ts'
import { CliError } from '../errors.ts'

/** Upstream's allocator keeps track of no more subnets than 2^16. */
const SUBNET_BITS_MAX = 16

type NetworkFlags = Pick<
  ServerConfig,
  'cluster-cidr' | 'service-cidr' | 'node-cidr-mask-size-ipv4' | 'node-cidr-mask-size-ipv6'
>

export function nodeNetworks(config: NetworkFlags): NodeIpamOptions {
  const cidrs = config['cluster-cidr'].split(',').map((text) => parseCidr(text.trim()))
  return {
    clusterNetworks: cidrs.filter((cidr) => cidr !== undefined).map((cidr) => nodeNetwork(cidr, config)),
    serviceNetworks: parseServiceCidrs(config['service-cidr']),
  }
}

function nodeNetwork(cidr: IpPrefix, config: NetworkFlags): NodeIpamOptions['clusterNetworks'][number] {
  const flag = cidr.family === 'IPv4' ? 'node-cidr-mask-size-ipv4' : 'node-cidr-mask-size-ipv6'
  const nodeMaskBits = config[flag]
  const subnetBits = nodeMaskBits - cidr.bits
  if (subnetBits >= 0 && subnetBits <= SUBNET_BITS_MAX) return { cidr, nodeMaskBits }
  throw new CliError(
    'FLAG_INVALID',
    `--${flag} ${nodeMaskBits} does not fit --cluster-cidr ${formatCidr(cidr)}`,
    `Choose a size between ${cidr.bits} and ${cidr.bits + SUBNET_BITS_MAX}.`,
  )
}
