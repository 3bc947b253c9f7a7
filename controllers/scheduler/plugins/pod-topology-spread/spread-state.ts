/**
 * Matching Pods per topology domain, and the fewest of any domain. Preemption's what-if changes a copy.
 * Upstream: plugins/podtopologyspread/filtering.go preFilterState. Differs: the minimum is found anew after a change
 * instead of being kept as two "critical paths".
 */
import type { SpreadConstraint } from './constraints.ts'

export class SpreadState {
  readonly constraints: readonly SpreadConstraint[]
  /** Per constraint: topology value -> Pods. */
  readonly #counts: readonly Map<string, number>[]
  readonly #minimums: (number | undefined)[]

  constructor(constraints: readonly SpreadConstraint[], counts = constraints.map(() => new Map<string, number>())) {
    this.constraints = constraints
    this.#counts = counts
    this.#minimums = constraints.map(() => undefined)
  }

  clone(): SpreadState {
    return new SpreadState(
      this.constraints,
      this.#counts.map((counts) => new Map(counts)),
    )
  }

  /** A domain is known from its first `add` on, with 0 as well. */
  add(index: number, domain: string, delta: number): void {
    const counts = this.#counts[index]
    counts?.set(domain, (counts.get(domain) ?? 0) + delta)
    this.#minimums[index] = undefined
  }

  count(index: number, domain: string): number {
    return this.#counts[index]?.get(domain) ?? 0
  }

  /** 0 while there are fewer domains than the constraint wants. */
  minimum(index: number): number {
    const counts = this.#counts[index]
    if (counts === undefined || counts.size < (this.constraints[index]?.minDomains ?? 1)) return 0
    this.#minimums[index] ??= smallest(counts.values())
    return this.#minimums[index] ?? 0
  }
}

function smallest(counts: Iterable<number>): number {
  let minimum = Number.POSITIVE_INFINITY
  for (const count of counts) if (count < minimum) minimum = count
  return minimum
}
