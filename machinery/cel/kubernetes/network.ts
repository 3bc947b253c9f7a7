/** IP addresses and CIDRs. Upstream: apiserver pkg/cel/library/{ip,cidr}.go, over net/netip. */
import { isIPv4, isIPv6 } from 'node:net'
import {
  bitsOf,
  formatIp,
  type IpAddress,
  type IpPrefix,
  parseCidr,
  parseIp,
  prefixContains,
} from '../../meta/ip-address.ts'
import { sizeOf, traversal, traversalOf } from '../cost.ts'
import { type CelLibrary, define, defineMember } from '../functions.ts'
import { type CelType, opaqueType } from '../types.ts'
import { CelOpaque, type CelValue, EvaluationError } from '../values.ts'

const IP_TYPE: CelType = opaqueType('net.IP')
const CIDR_TYPE: CelType = opaqueType('net.CIDR')

class CelIp extends CelOpaque {
  readonly type = IP_TYPE
  readonly ip: IpAddress

  constructor(ip: IpAddress) {
    super()
    this.ip = ip
  }

  override get costSize(): number {
    return bitsOf(this.ip.family) / 8
  }

  equals(other: CelValue): boolean {
    return other instanceof CelIp && other.ip.family === this.ip.family && other.ip.value === this.ip.value
  }
}

class CelCidr extends CelOpaque {
  readonly type = CIDR_TYPE
  readonly prefix: IpPrefix

  constructor(prefix: IpPrefix) {
    super()
    this.prefix = prefix
  }

  override get costSize(): number {
    return Math.ceil(this.prefix.bits / 8)
  }

  equals(other: CelValue): boolean {
    if (!(other instanceof CelCidr)) return false
    const { family, address, bits } = other.prefix
    return family === this.prefix.family && address === this.prefix.address && bits === this.prefix.bits
  }
}

const isMapped = (text: string): boolean => text.includes(':') && parseIp(text)?.family === 'IPv4'

function ipOf(text: string): CelIp {
  if (/^[^%]*:[^%]*%./.test(text)) throw new EvaluationError(`IP address "${text}" with zone value is not allowed`)
  const ip = isIPv4(text) || isIPv6(text) ? parseIp(text) : undefined
  if (ip === undefined) {
    const why = `ParseAddr("${text}"): unable to parse IP`
    throw new EvaluationError(`IP Address "${text}" parse error during conversion from string: ${why}`)
  }
  if (isMapped(text)) throw new EvaluationError(`IPv4-mapped IPv6 address "${text}" is not allowed`)
  return new CelIp(ip)
}

function cidrOf(text: string): CelCidr {
  const failed = (why: string): EvaluationError =>
    new EvaluationError(`network address parse error during conversion from string: ${why}`)
  const [host = '', bits = ''] = text.split('/')
  const isStrict = (isIPv4(host) || isIPv6(host)) && /^(?:0|[1-9]\d*)$/.test(bits)
  const prefix = isStrict ? parseCidr(text) : undefined
  if (prefix === undefined)
    throw failed(`network address parse error during conversion from string: ParsePrefix("${text}")`)
  if (isMapped(host)) throw failed(`IPv4-mapped IPv6 address "${text}" is not allowed`)
  return new CelCidr(prefix)
}

const parses = (parse: (text: string) => CelOpaque, text: string): boolean => {
  try {
    parse(text)
    return true
  } catch {
    return false
  }
}

const textOfCidr = ({ prefix }: CelCidr): string =>
  `${formatIp({ family: prefix.family, value: prefix.address })}/${prefix.bits}`

function masked({ prefix }: CelCidr): CelCidr {
  return new CelCidr({ ...prefix, address: prefix.base })
}

const containsIp = ({ prefix }: CelCidr, { ip }: CelIp): boolean => prefixContains(prefix, ip)

function containsCidr({ prefix }: CelCidr, { prefix: other }: CelCidr): boolean {
  return prefix.bits <= other.bits && prefixContains(prefix, { family: other.family, value: other.address })
}

/** Whether the address is in one of the ranges. */
const within = (ranges: readonly string[]): ((ip: CelIp) => boolean) => {
  const prefixes = ranges.flatMap((range) => parseCidr(range) ?? [])
  return ({ ip }) => prefixes.some((prefix) => prefixContains(prefix, ip))
}

const isUnspecified = within(['0.0.0.0/32', '::/128'])
const isLoopback = within(['127.0.0.0/8', '::1/128'])
const isMulticast = within(['224.0.0.0/4', 'ff00::/8'])
const isLinkLocalUnicast = within(['169.254.0.0/16', 'fe80::/10'])
const isBroadcast = within(['255.255.255.255/32'])

const isGlobalUnicast = (ip: CelIp): boolean =>
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast, isBroadcast].some((is) => is(ip))

const containsCost = ([cidr, other]: readonly CelValue[]): number =>
  traversal(sizeOf(cidr), 2) + (typeof other === 'string' ? traversal(sizeOf(other)) : 0)
const containsCidrCost = (args: readonly CelValue[]): number => containsCost(args) + traversal(sizeOf(args[0])) + 1

export const NETWORK_LIBRARY: CelLibrary = {
  overloads: [
    define('ip(string): net.IP', ipOf, traversalOf()),
    define('isIP(string): bool', (text: string) => parses(ipOf, text), traversalOf()),
    define('ip.isCanonical(string): bool', (text: string) => formatIp(ipOf(text).ip) === text, traversalOf(0, 2)),
    define('string(net.IP): string', ({ ip }: CelIp) => formatIp(ip)),
    defineMember('net.IP.family(): int', ({ ip }: CelIp) => (ip.family === 'IPv4' ? 4n : 6n)),
    defineMember('net.IP.isUnspecified(): bool', isUnspecified),
    defineMember('net.IP.isLoopback(): bool', isLoopback),
    defineMember('net.IP.isLinkLocalMulticast(): bool', within(['224.0.0.0/24', 'ff02::/16'])),
    defineMember('net.IP.isLinkLocalUnicast(): bool', isLinkLocalUnicast),
    defineMember('net.IP.isGlobalUnicast(): bool', isGlobalUnicast),
    define('cidr(string): net.CIDR', cidrOf, traversalOf()),
    define('isCIDR(string): bool', (text: string) => parses(cidrOf, text), traversalOf()),
    define('string(net.CIDR): string', textOfCidr),
    defineMember('net.CIDR.ip(): net.IP', ({ prefix }: CelCidr) => new CelIp({ ...prefix, value: prefix.address })),
    defineMember('net.CIDR.prefixLength(): int', ({ prefix }: CelCidr) => BigInt(prefix.bits)),
    defineMember('net.CIDR.masked(): net.CIDR', masked),
    defineMember('net.CIDR.containsIP(net.IP): bool', containsIp, containsCost),
    defineMember(
      'net.CIDR.containsIP(string): bool',
      (cidr: CelCidr, text: string) => containsIp(cidr, ipOf(text)),
      containsCost,
    ),
    defineMember('net.CIDR.containsCIDR(net.CIDR): bool', containsCidr, containsCidrCost),
    defineMember(
      'net.CIDR.containsCIDR(string): bool',
      (cidr: CelCidr, text: string) => containsCidr(cidr, cidrOf(text)),
      containsCidrCost,
    ),
  ],
  types: [IP_TYPE, CIDR_TYPE],
}
