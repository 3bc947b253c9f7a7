/**
 * The address of this server among the endpoints of the Service `kubernetes`: what was given, else the address it is bound to,
 * else one of the machine's. It must be of the family of that Service's cluster IP, and one that others can reach.
 * Upstream: apiserver pkg/server/options (DefaultAdvertiseAddress), pkg/controlplane (service IP family), validation of endpoints.
 */
import { BlockList, isIP, isIPv4 } from 'node:net'
import { familyOf, type IpFamily } from '#machinery/meta/ip-address.ts'
import { CliError } from '../errors.ts'

export interface AdvertiseAddressSources {
  /** --advertise-address. */
  readonly given: string | undefined
  /** --bind-address. */
  readonly bound: string
  /** --service-cidr: the first network is the Service's. */
  readonly serviceCidr: string
  /** Of this machine, both families. */
  readonly host: readonly string[]
}

export interface AdvertiseAddress {
  /** Undefined: this server is no endpoint. */
  readonly address: string | undefined
  /** Why it is none. */
  readonly warning?: string
}

const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** Throws CliError for an address that was given and is of the other family. */
export function advertiseAddress({ given, bound, serviceCidr, host }: AdvertiseAddressSources): AdvertiseAddress {
  const family = familyOf(serviceCidr.split(',')[0] ?? '')
  if (given !== undefined && !UNSPECIFIED.has(given)) {
    if (familyOf(given) !== family) throw otherFamily(given, serviceCidr, family)
    if (isReachable(given)) return { address: given }
    return { address: undefined, warning: `--advertise-address ${given} cannot be reached from elsewhere` }
  }
  const address = [bound, ...host].find((one) => isIP(one) !== 0 && familyOf(one) === family && isReachable(one))
  if (address !== undefined) return { address }
  return { address, warning: `this machine has no ${family} address that can be reached from elsewhere` }
}

function otherFamily(given: string, serviceCidr: string, family: IpFamily): CliError {
  return new CliError(
    'FLAG_INVALID',
    `--advertise-address: service IP family "${serviceCidr}" must match public address family "${given}"`,
    `Give an ${family} address, or another --service-cidr first.`,
  )
}

let unreachable: BlockList | undefined

/** Endpoints may not have loopback, link-local or multicast addresses, nor unspecified ones. */
function isReachable(address: string): boolean {
  if (unreachable === undefined) {
    unreachable = new BlockList()
    unreachable.addAddress('0.0.0.0', 'ipv4')
    unreachable.addSubnet('127.0.0.0', 8, 'ipv4')
    unreachable.addSubnet('169.254.0.0', 16, 'ipv4')
    unreachable.addSubnet('224.0.0.0', 4, 'ipv4')
    unreachable.addAddress('::', 'ipv6')
    unreachable.addAddress('::1', 'ipv6')
    unreachable.addSubnet('fe80::', 10, 'ipv6')
    unreachable.addSubnet('ff00::', 8, 'ipv6')
  }
  return !unreachable.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}
