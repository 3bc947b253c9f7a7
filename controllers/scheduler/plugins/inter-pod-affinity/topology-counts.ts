/**
 * Pods per topology domain ("key" = "value" of node labels). A domain whose count returns to zero is forgotten, so that
 * `isEmpty` means that no Pod matches anywhere. Upstream: plugins/interpodaffinity/filtering.go topologyToMatchedTermCount.
 */
import type { FrozenNode } from '../../framework/interfaces.ts'

export class TopologyCounts {
  readonly #counts: Map<string, Map<string, number>>

  constructor(counts = new Map<string, Map<string, number>>()) {
    this.#counts = counts
  }

  clone(): TopologyCounts {
    return new TopologyCounts(new Map([...this.#counts].map(([key, domains]) => [key, new Map(domains)])))
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  /** Topology keys that have counts. */
  keys(): Iterable<string> {
    return this.#counts.keys()
  }

  /** Does nothing on a node without the label. */
  add(node: FrozenNode, key: string, delta: number): void {
    const domain = node.metadata.labels?.[key]
    if (domain === undefined || delta === 0) return
    const domains = this.#counts.get(key) ?? new Map<string, number>()
    const count = (domains.get(domain) ?? 0) + delta
    if (count === 0) domains.delete(domain)
    else domains.set(domain, count)
    if (domains.size === 0) this.#counts.delete(key)
    else this.#counts.set(key, domains)
  }

  /** In the node's domain; 0 on a node without the label. */
  count(node: FrozenNode, key: string): number {
    const domain = node.metadata.labels?.[key]
    return domain === undefined ? 0 : (this.#counts.get(key)?.get(domain) ?? 0)
  }
}
