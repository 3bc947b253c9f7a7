/**
 * Cluster IPs: each belongs to one service at most, whatever ServiceCIDR it is in. In memory, rebuilt from the stored
 * services; IPAddress objects that others made block their address too.
 * Upstream: pkg/registry/core/service/ipallocator (MetaAllocator, Allocator). Differs: the IPAddress object is not the
 * lock; the service-ip-repair controller makes it afterwards.
 */

import type { FrozenService } from '#apiserver/apis/core/service/facts.ts'
import type { IPAddress, ServiceCIDR } from '#machinery/api/networking/v1/types.gen.ts'
import type { IpAddress, IpFamily, IpPrefix } from '#machinery/meta/ip-address.ts'
import { bitsOf, formatCidr, formatIp, parseCidr, parseIp, prefixContains } from '#machinery/meta/ip-address.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { StoredObjects } from '../../deps.ts'

/** Random probes before the range is walked from a random start. */
const PROBES_MAX = 16
/** Walking further than this takes too long for one request; only reached when that many addresses in a row are taken. */
const WALK_MAX = 1 << 20
/** Of larger ranges addresses are chosen up to here; named ones may be anywhere. */
const SIZE_MAX = 2 ** 40
const STATIC_BAND = { min: 16, max: 256, step: 16 }
const NETWORKING = 'networking.k8s.io'
const MANAGED_BY = 'ipallocator.k8s.io'
const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by'

const OTHER_NETWORK = 'the provided network does not match the current range'

interface IpRange {
  readonly prefix: IpPrefix
  readonly family: IpFamily
  readonly first: bigint
  /** How many addresses; those before `dynamicFirst` are left to static requests while others last. */
  readonly size: number
  readonly dynamicFirst: number
}

export class ClusterIpAllocator {
  readonly #objects: StoredObjects
  readonly #defaults: readonly IpPrefix[]
  readonly #ranges = new Map<string, IpRange>()
  /** Canonical text. */
  readonly #taken = new Set<string>()

  constructor(objects: StoredObjects, defaults: readonly IpPrefix[]) {
    this.#objects = objects
    this.#defaults = defaults
  }

  /** What is wrong with giving this address; undefined: it is the caller's now (or would be: `isDryRun`). */
  take(text: string, isDryRun: boolean): string | undefined {
    const ip = parseIp(text)
    if (ip === undefined) return OTHER_NETWORK
    const ranges = this.#usableRanges(ip.family)
    const network = ranges.find(({ prefix }) => prefixContains(prefix, ip))
    const key = formatIp(ip)
    if (network === undefined && !isDryRun) return OTHER_NETWORK
    if (!ranges.some(({ prefix }) => isUsable(prefix, ip))) {
      const { prefix } = network ?? ranges[0] ?? {}
      if (prefix === undefined) return OTHER_NETWORK
      return `the provided IP (${key}) is not in the valid range. The range of valid IPs is ${formatCidr(prefix)}`
    }
    if (isDryRun) return undefined
    if (this.#isTaken(key)) return 'provided IP is already allocated'
    this.#taken.add(key)
    return undefined
  }

  /** Undefined when every range is full. A dry run takes nothing and answers the network's address. */
  takeAny(family: IpFamily, random: Random, isDryRun: boolean): string | undefined {
    for (const range of this.#usableRanges(family)) {
      if (isDryRun) return formatIp({ family, value: range.first - 1n })
      const found =
        this.#takeBetween(range, range.dynamicFirst, range.size, random) ??
        this.#takeBetween(range, 0, range.dynamicFirst, random)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Of a stored service: nobody is asked. */
  restore(text: string): void {
    const ip = parseIp(text)
    if (ip !== undefined) this.#taken.add(formatIp(ip))
  }

  release(text: string): void {
    const ip = parseIp(text)
    if (ip !== undefined) this.#taken.delete(formatIp(ip))
  }

  #takeBetween(range: IpRange, start: number, end: number, random: Random): string | undefined {
    const size = end - start
    if (size <= 0) return undefined
    const at = (offset: number): string => formatIp({ family: range.family, value: range.first + BigInt(offset) })
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const text = at(start + random.int(size))
      if (this.#isTaken(text)) continue
      this.#taken.add(text)
      return text
    }
    const offset = random.int(size)
    for (let i = 0; i < Math.min(size, WALK_MAX); i++) {
      const text = at(start + ((offset + i) % size))
      if (this.#isTaken(text)) continue
      this.#taken.add(text)
      return text
    }
    return undefined
  }

  #isTaken(text: string): boolean {
    if (this.#taken.has(text)) return true
    const address = this.#objects.peek(NETWORKING, 'ipaddresses', '', text) as DeepReadonly<IPAddress> | undefined
    return address !== undefined && !this.#isLeftOver(address, text)
  }

  /** Ours, of a service that is gone or has another address now: the repair has not come by yet. */
  #isLeftOver({ metadata, spec }: DeepReadonly<IPAddress>, text: string): boolean {
    if (metadata.labels?.[MANAGED_BY_LABEL] !== MANAGED_BY) return false
    const { group = '', resource, namespace = '', name = '' } = spec.parentRef ?? {}
    if (group !== '' || resource !== 'services') return false
    const service = this.#objects.peek('', 'services', namespace, name) as FrozenService | undefined
    return service?.spec.clusterIPs?.includes(text) !== true
  }

  /** Those of the flag first, then the ServiceCIDRs that are ready and not being deleted. */
  #usableRanges(family: IpFamily): IpRange[] {
    const found = new Map<string, IpRange>()
    const add = (prefix: IpPrefix): void => {
      if (prefix.family === family) found.set(formatCidr(prefix), this.#rangeOf(prefix))
    }
    this.#defaults.forEach(add)
    const stored = this.#objects.list(NETWORKING, 'servicecidrs', '') as readonly DeepReadonly<ServiceCIDR>[]
    for (const { metadata, spec, status } of stored) {
      if (metadata.deletionTimestamp !== undefined || !isReady(status?.conditions)) continue
      for (const cidr of spec.cidrs ?? []) {
        const prefix = parseCidr(cidr)
        if (prefix !== undefined) add(prefix)
      }
    }
    return [...found.values()]
  }

  /** Bound: a few per ServiceCIDR ever seen. */
  #rangeOf(prefix: IpPrefix): IpRange {
    const key = formatCidr(prefix)
    const range = this.#ranges.get(key) ?? toRange(prefix)
    this.#ranges.set(key, range)
    return range
  }
}

function isReady(conditions: readonly { readonly type: string; readonly status: string }[] | undefined): boolean {
  const ready = conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True'
}

/** Without the network's address and, for IPv4, the broadcast address. */
function isUsable(prefix: IpPrefix, ip: IpAddress): boolean {
  const offset = ip.value - prefix.base
  const isBroadcast = ip.family === 'IPv4' && offset === (1n << BigInt(32 - prefix.bits)) - 1n
  return prefixContains(prefix, ip) && offset !== 0n && !isBroadcast
}

function toRange(prefix: IpPrefix): IpRange {
  const { family, base, bits } = prefix
  const all = Math.min(2 ** (bitsOf(family) - bits), SIZE_MAX)
  const size = Math.max(0, family === 'IPv4' ? all - 2 : all - 1)
  return { prefix, family, first: base + 1n, size, dynamicFirst: Math.min(size, staticBand(all, STATIC_BAND)) }
}

/** How many numbers at the start of a range are kept for static requests. Upstream: calculateRangeOffset. */
export function staticBand(
  size: number,
  { min, max, step }: { readonly min: number; readonly max: number; readonly step: number },
): number {
  return size <= min ? 0 : Math.min(Math.max(Math.floor(size / step), min), max)
}
