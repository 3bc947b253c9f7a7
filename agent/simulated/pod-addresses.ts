/** Addresses for Pods and nodes that nothing listens at: a counter over a network, with those in use left out. */
import { bitsOf, formatIp, parseCidr, parseIp } from '#machinery/meta/ip-address.ts'

/** Shared address space (RFC 6598): no cluster or office network is likely to route it. */
export const OWN_POD_NETWORK = '100.64.0.0/10'

export class AddressRange {
  readonly #family: 'IPv4' | 'IPv6'
  readonly #first: bigint
  readonly #size: bigint
  readonly #used = new Set<bigint>()
  #next = 0n

  /** Undefined when the text is no network of at least four addresses. */
  static parse(cidr: string): AddressRange | undefined {
    const prefix = parseCidr(cidr)
    if (prefix === undefined || bitsOf(prefix.family) - prefix.bits < 2) return undefined
    return new AddressRange(prefix.family, prefix.base, BigInt(bitsOf(prefix.family) - prefix.bits))
  }

  private constructor(family: 'IPv4' | 'IPv6', base: bigint, hostBits: bigint) {
    this.#family = family
    // Neither the network's own address nor its gateway nor broadcast.
    this.#first = base + 2n
    this.#size = (1n << hostBits) - 3n
  }

  /** An address released long ago comes before one released just now. Undefined: all are in use. */
  take(): string | undefined {
    if (BigInt(this.#used.size) >= this.#size) return undefined
    while (this.#used.has(this.#next)) this.#next = (this.#next + 1n) % this.#size
    const offset = this.#next
    this.#used.add(offset)
    this.#next = (offset + 1n) % this.#size
    return formatIp({ family: this.#family, value: this.#first + offset })
  }

  /** An address given out before this process began. False: not of this range. */
  reserve(address: string): boolean {
    const offset = this.#offsetOf(address)
    if (offset === undefined) return false
    this.#used.add(offset)
    return true
  }

  release(address: string): void {
    const offset = this.#offsetOf(address)
    if (offset !== undefined) this.#used.delete(offset)
  }

  #offsetOf(address: string): bigint | undefined {
    const ip = parseIp(address)
    if (ip === undefined || ip.family !== this.#family) return undefined
    const offset = ip.value - this.#first
    return offset >= 0n && offset < this.#size ? offset : undefined
  }
}
