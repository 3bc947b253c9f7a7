/**
 * Pods per topology domain ("key" = "value" of node labels). Preemption's what-ifs are many and change few domains: a copy
 * shares the counts and keeps only what differs. Upstream: plugins/interpodaffinity/filtering.go topologyToMatchedTermCount.
 */
import type { FrozenNode } from '../../framework/interfaces.ts'

/** Key -> value -> Pods. */
type Counts = Map<string, Map<string, number>>

export class TopologyCounts {
  /** Not changed once there is a copy. */
  readonly #shared: Counts
  readonly #changed: Counts
  readonly #isCopy: boolean
  /** Domains with Pods. */
  #size: number

  constructor(origin?: TopologyCounts) {
    this.#shared = origin === undefined ? new Map() : origin.#shared
    this.#changed = new Map()
    if (origin !== undefined) for (const [key, domains] of origin.#changed) this.#changed.set(key, new Map(domains))
    this.#isCopy = origin !== undefined
    this.#size = origin === undefined ? 0 : origin.#size
  }

  clone(): TopologyCounts {
    return new TopologyCounts(this)
  }

  /** No Pod matches anywhere. */
  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** Topology keys that may have counts. */
  *keys(): Iterable<string> {
    yield* this.#shared.keys()
    for (const key of this.#changed.keys()) if (!this.#shared.has(key)) yield key
  }

  /** Does nothing on a node without the label. */
  add(node: FrozenNode, key: string, delta: number): void {
    const domain = node.metadata.labels?.[key]
    if (domain === undefined || delta === 0) return
    const before = this.count(node, key)
    const after = before + delta
    if (before === 0) this.#size++
    else if (after === 0) this.#size--
    const target = this.#isCopy ? this.#changed : this.#shared
    const domains = target.get(key) ?? new Map<string, number>()
    domains.set(domain, after)
    target.set(key, domains)
  }

  /** In the node's domain; 0 on a node without the label. */
  count(node: FrozenNode, key: string): number {
    const domain = node.metadata.labels?.[key]
    if (domain === undefined) return 0
    return this.#changed.get(key)?.get(domain) ?? this.#shared.get(key)?.get(domain) ?? 0
  }
}
