/**
 * Node ports: each belongs to one service. In memory: rebuilt from the stored services before the first allocation.
 * Upstream: pkg/registry/core/service/portallocator. Differs: not persisted as RangeAllocation.
 */
import type { Random } from '#machinery/util/random.ts'
import { staticBand } from './ip-allocator.ts'

const PROBES_MAX = 16
const STATIC_BAND = { min: 16, max: 128, step: 32 }
/** A dry run makes up ports above the highest it has asked for, or above this. */
const DRY_RUN_BASE = 32768

interface PortRange {
  readonly first: number
  readonly last: number
}

export class PortAllocator {
  readonly range: PortRange
  readonly #taken = new Set<number>()

  constructor(range: PortRange) {
    this.range = range
  }

  has(port: number): boolean {
    return this.#taken.has(port)
  }

  restore(port: number): void {
    this.#taken.add(port)
  }

  release(port: number): void {
    this.#taken.delete(port)
  }

  /** What is wrong with giving this port; undefined: it is taken now. */
  take(port: number): string | undefined {
    const { first, last } = this.range
    if (port < first || port > last) {
      return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`
    }
    if (this.#taken.has(port)) return 'provided port is already allocated'
    this.#taken.add(port)
    return undefined
  }

  /** From above the static band while that lasts. Undefined when the range is full. */
  takeAny(random: Random): number | undefined {
    const { first, last } = this.range
    const dynamicFirst = first + staticBand(last - first + 1, STATIC_BAND)
    return this.#takeBetween(dynamicFirst, last, random) ?? this.#takeBetween(first, dynamicFirst - 1, random)
  }

  #takeBetween(first: number, last: number, random: Random): number | undefined {
    const size = last - first + 1
    if (size <= 0) return undefined
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const port = first + random.int(size)
      if (this.take(port) === undefined) return port
    }
    const start = random.int(size)
    for (let i = 0; i < size; i++) {
      const port = first + ((start + i) % size)
      if (this.take(port) === undefined) return port
    }
    return undefined
  }
}

/** The ports of one write: given back together; a dry run takes none. Upstream: PortAllocationOperation. */
export class PortOperation {
  readonly #allocator: PortAllocator
  readonly #random: Random
  readonly #isDryRun: boolean
  readonly #taken = new Set<number>()

  constructor(allocator: PortAllocator, random: Random, isDryRun: boolean) {
    this.#allocator = allocator
    this.#random = random
    this.#isDryRun = isDryRun
  }

  take(port: number): string | undefined {
    if (!this.#isDryRun) {
      const problem = this.#allocator.take(port)
      if (problem === undefined) this.#taken.add(port)
      return problem
    }
    if (this.#allocator.has(port) || this.#taken.has(port)) return 'provided port is already allocated'
    this.#taken.add(port)
    return undefined
  }

  takeAny(): number | undefined {
    if (this.#isDryRun) {
      const port = (this.#taken.size === 0 ? DRY_RUN_BASE : Math.max(...this.#taken)) + 1
      this.#taken.add(port)
      return port
    }
    const port = this.#allocator.takeAny(this.#random)
    if (port !== undefined) this.#taken.add(port)
    return port
  }

  undo(): void {
    if (!this.#isDryRun) for (const port of this.#taken) this.#allocator.release(port)
    this.#taken.clear()
  }
}
