/**
 * Networks of one size out of a larger one, handed out in turn. Upstream: pkg/controller/nodeipam/ipam/cidrset.
 */
import type { IpPrefix } from '#machinery/meta/ip-address.ts'
import { bitsOf, prefixContains } from '#machinery/meta/ip-address.ts'
import { assert } from '#machinery/util/assert.ts'

/** More subnets than this are not kept track of. */
const SUBNET_BITS_MAX = 16

export class CidrPool {
  readonly #cluster: IpPrefix
  readonly #maskBits: number
  readonly #count: number
  /** Indexes of subnets in use; a network larger than one subnet uses several. */
  readonly #used = new Set<number>()
  #next = 0

  /** Subnets of `maskBits` out of `cluster`, at most 65,536 of them. */
  constructor(cluster: IpPrefix, maskBits: number) {
    const subnetBits = maskBits - cluster.bits
    assert(subnetBits >= 0 && subnetBits <= SUBNET_BITS_MAX, 'the mask sizes are checked with the flags')
    this.#cluster = cluster
    this.#maskBits = maskBits
    this.#count = 2 ** subnetBits
  }

  get free(): number {
    return this.#count - this.#used.size
  }

  /** The next free subnet after the one handed out last; undefined when all are in use. */
  allocate(): IpPrefix | undefined {
    for (let tried = 0; tried < this.#count; tried++) {
      const index = (this.#next + tried) % this.#count
      if (this.#used.has(index)) continue
      this.#used.add(index)
      this.#next = (index + 1) % this.#count
      return this.#subnet(index)
    }
    return undefined
  }

  /** False when it lies outside; a network larger or smaller than a subnet takes every subnet it touches. */
  occupy(prefix: IpPrefix): boolean {
    const touched = this.#touched(prefix)
    if (touched === undefined) return false
    for (let index = touched.first; index <= touched.last; index++) this.#used.add(index)
    return true
  }

  release(prefix: IpPrefix): void {
    const touched = this.#touched(prefix)
    if (touched === undefined) return
    for (let index = touched.first; index <= touched.last; index++) this.#used.delete(index)
  }

  #subnet(index: number): IpPrefix {
    const { family, base } = this.#cluster
    const address = base + (BigInt(index) << this.#hostBits)
    return { family, address, base: address, bits: this.#maskBits }
  }

  #touched(prefix: IpPrefix): { readonly first: number; readonly last: number } | undefined {
    if (prefix.family !== this.#cluster.family) return undefined
    const isWithin = prefixContains(this.#cluster, { family: prefix.family, value: prefix.base })
    if (!isWithin || prefix.bits < this.#cluster.bits) {
      const isAround = prefixContains(prefix, { family: prefix.family, value: this.#cluster.base })
      return isAround && prefix.bits <= this.#cluster.bits ? { first: 0, last: this.#count - 1 } : undefined
    }
    const size = 1n << BigInt(bitsOf(prefix.family) - prefix.bits)
    const offset = prefix.base - this.#cluster.base
    return { first: Number(offset >> this.#hostBits), last: Number((offset + size - 1n) >> this.#hostBits) }
  }

  get #hostBits(): bigint {
    return BigInt(bitsOf(this.#cluster.family) - this.#maskBits)
  }
}
