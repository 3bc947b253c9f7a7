/**
 * What evaluation costs, in cel-go's units. Upstream: cel-go common/cost.go, interpreter/runtimecost.go with the options
 * Kubernetes sets (has() is free of charge). Differs: an index that is no literal counts one more.
 */
import { CelList, CelMap, CelOpaque, CelOptional, type CelValue } from './values.ts'

export const SELECT_COST = 1
export const LIST_COST = 10
export const MAP_COST = 30
const TRAVERSAL_FACTOR = 0.1
const PATTERN_FACTOR = 0.25

/** Thrown past the limit; nothing absorbs it. */
export class CostExceededError extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded')
  }
}

/** Counts the cost of one evaluation. */
export class CostMeter {
  #spent = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get spent(): number {
    return this.#spent
  }

  add(cost: number): void {
    this.#spent += cost
    if (this.#spent > this.#limit) throw new CostExceededError()
  }
}

/** Characters, bytes, elements, entries; one of anything else. */
export function sizeOf(value: CelValue | undefined): number {
  // UTF-16 units: at most twice upstream's count, and known without a walk.
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array) return value.length
  if (value instanceof CelList || value instanceof CelMap) return value.size
  if (value instanceof CelOptional) return value.value === undefined ? 1 : sizeOf(value.value)
  return value instanceof CelOpaque ? value.costSize : 1
}

/** Walking once over something of this size. */
export const traversal = (size: number, times = 1): number => Math.ceil(size * times * TRAVERSAL_FACTOR)

/** Matching a pattern against a text: their product. */
export const patternMatch = (text: CelValue | undefined, pattern: CelValue | undefined): number =>
  traversal(1 + sizeOf(text)) * Math.ceil(sizeOf(pattern) * PATTERN_FACTOR)

/** Walking over argument `index`. */
export const traversalOf =
  (index = 0, times = 1) =>
  (args: readonly CelValue[]): number =>
    traversal(sizeOf(args[index]), times)

/** Comparing two values up to the end of the shorter. */
export const comparison = ([a, b]: readonly CelValue[]): number => traversal(Math.min(sizeOf(a), sizeOf(b)))

/** Joining two. */
export const concatenation = ([a, b]: readonly CelValue[]): number => traversal(sizeOf(a) + sizeOf(b))
