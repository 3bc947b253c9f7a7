/**
 * Hands out numbers (cluster IPs, node ports) of a range, each to one owner. In memory: rebuilt from the stored services
 * before the first allocation. Bound: the size of the range.
 * Upstream: pkg/registry/core/service/{ipallocator,portallocator,allocator}. Differs: not persisted as RangeAllocation.
 */
import type { Random } from '#machinery/util/random.ts'

/** Random probes before the range is walked from a random start. */
const PROBES_MAX = 16

export class NumberAllocator {
  readonly #first: number
  readonly #last: number
  /** Static requests come from the lower band, dynamic ones from above it while it lasts. */
  readonly #dynamicFirst: number
  readonly #taken = new Set<number>()

  constructor(range: { readonly first: number; readonly last: number; readonly dynamicFirst?: number }) {
    this.#first = range.first
    this.#last = range.last
    this.#dynamicFirst = range.dynamicFirst ?? range.first
  }

  contains(value: number): boolean {
    return value >= this.#first && value <= this.#last
  }

  /** False when somebody has it. */
  take(value: number): boolean {
    if (this.#taken.has(value)) return false
    this.#taken.add(value)
    return true
  }

  /** Undefined when the range is full. */
  takeAny(random: Random): number | undefined {
    return (
      this.#takeBetween(this.#dynamicFirst, this.#last, random) ??
      this.#takeBetween(this.#first, this.#dynamicFirst - 1, random)
    )
  }

  release(value: number): void {
    this.#taken.delete(value)
  }

  #takeBetween(first: number, last: number, random: Random): number | undefined {
    const size = last - first + 1
    if (size <= 0) return undefined
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const value = first + random.int(size)
      if (this.take(value)) return value
    }
    const start = random.int(size)
    for (let i = 0; i < size; i++) {
      const value = first + ((start + i) % size)
      if (this.take(value)) return value
    }
    return undefined
  }
}
