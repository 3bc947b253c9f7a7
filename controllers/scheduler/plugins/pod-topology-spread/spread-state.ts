/**
 * Matching Pods per topology domain, and the fewest of any domain. Preemption's what-ifs are many and change few domains:
 * a copy shares the counts and keeps only what differs.
 * Upstream: plugins/podtopologyspread/filtering.go preFilterState. Differs: the minimum is exact after any change, where
 * upstream keeps two "critical paths".
 */
import type { SpreadConstraint } from './constraints.ts'

export class SpreadState {
  readonly constraints: readonly SpreadConstraint[]
  /** Per constraint. */
  readonly #domains: readonly DomainCounts[]

  constructor(constraints: readonly SpreadConstraint[], domains = constraints.map(() => new DomainCounts())) {
    this.constraints = constraints
    this.#domains = domains
  }

  clone(): SpreadState {
    return new SpreadState(
      this.constraints,
      this.#domains.map((domains) => domains.clone()),
    )
  }

  /** A domain is known from its first `add` on, with 0 as well. Not after the first `clone`. */
  add(index: number, domain: string, count: number): void {
    this.#domains[index]?.add(domain, count)
  }

  /** Of a copy: as if so many Pods had come. */
  change(index: number, domain: string, delta: number): void {
    this.#domains[index]?.change(domain, delta)
  }

  count(index: number, domain: string): number {
    return this.#domains[index]?.count(domain) ?? 0
  }

  /** 0 while there are fewer domains than the constraint wants. */
  minimum(index: number): number {
    const domains = this.#domains[index]
    if (domains === undefined || domains.size < (this.constraints[index]?.minDomains ?? 1)) return 0
    return domains.minimum
  }
}

/** What copies share. */
interface SharedCounts {
  readonly counts: Map<string, number>
  /** By count, made when first needed. */
  ascending: readonly (readonly [domain: string, count: number])[] | undefined
}

class DomainCounts {
  readonly #shared: SharedCounts
  readonly #changed: Map<string, number>

  constructor(shared: SharedCounts = { counts: new Map(), ascending: undefined }, changed = new Map<string, number>()) {
    this.#shared = shared
    this.#changed = changed
  }

  clone(): DomainCounts {
    return new DomainCounts(this.#shared, new Map(this.#changed))
  }

  get size(): number {
    return this.#shared.counts.size
  }

  get minimum(): number {
    this.#shared.ascending ??= [...this.#shared.counts].sort(([, a], [, b]) => a - b)
    const unchanged = this.#shared.ascending.find(([domain]) => !this.#changed.has(domain))
    return Math.min(unchanged?.[1] ?? Number.POSITIVE_INFINITY, ...this.#changed.values())
  }

  count(domain: string): number {
    return this.#changed.get(domain) ?? this.#shared.counts.get(domain) ?? 0
  }

  add(domain: string, count: number): void {
    const { counts } = this.#shared
    counts.set(domain, (counts.get(domain) ?? 0) + count)
    this.#shared.ascending = undefined
  }

  change(domain: string, delta: number): void {
    this.#changed.set(domain, this.count(domain) + delta)
  }
}
