/**
 * Preferred (anti-)affinity, both ways, and the pull of required affinity on Pods it matches.
 * Upstream: plugins/interpodaffinity/scoring.go.
 */
import type { AffinityTerm, FrozenNode, FrozenPod, NodeInfo, PodInfo, Snapshot } from '../../framework/interfaces.ts'
import type { NamespaceLabels } from './filtering.ts'

const SCORE_MAX = 100

/** Topology key -> value -> points. */
export type TopologyScores = Map<string, Map<string, number>>

/** Looks only at Pods with affinity unless the incoming Pod has preferences. */
export function scoreTopologies(
  incoming: PodInfo,
  snapshot: Snapshot,
  labelsOf: NamespaceLabels,
  hardPodAffinityWeight: number,
): TopologyScores {
  const prefers = hasPreferences(incoming)
  const scores: TopologyScores = new Map()
  for (const { node, pods, podsWithAffinity } of prefers ? snapshot.nodes : snapshot.withPodAffinity) {
    if (node.metadata.labels === undefined) continue
    const scorer = new NodeScorer(scores, node, labelsOf)
    for (const existing of prefers ? pods.values() : podsWithAffinity)
      scorer.addPair(incoming, existing, hardPodAffinityWeight)
  }
  return scores
}

export const hasPreferences = ({ preferredAffinity, preferredAntiAffinity }: PodInfo): boolean =>
  preferredAffinity.length + preferredAntiAffinity.length > 0

/** Points of the domains of one node. */
class NodeScorer {
  readonly #scores: TopologyScores
  readonly #node: FrozenNode
  readonly #labelsOf: NamespaceLabels

  constructor(scores: TopologyScores, node: FrozenNode, labelsOf: NamespaceLabels) {
    this.#scores = scores
    this.#node = node
    this.#labelsOf = labelsOf
  }

  addPair(incoming: PodInfo, existing: PodInfo, hardPodAffinityWeight: number): void {
    for (const { weight, term } of incoming.preferredAffinity) this.#add(term, existing.pod, weight)
    for (const { weight, term } of incoming.preferredAntiAffinity) this.#add(term, existing.pod, -weight)
    if (hardPodAffinityWeight > 0)
      for (const term of existing.requiredAffinity) this.#add(term, incoming.pod, hardPodAffinityWeight)
    for (const { weight, term } of existing.preferredAffinity) this.#add(term, incoming.pod, weight)
    for (const { weight, term } of existing.preferredAntiAffinity) this.#add(term, incoming.pod, -weight)
  }

  #add(term: AffinityTerm, pod: FrozenPod, points: number): void {
    const domain = this.#node.metadata.labels?.[term.topologyKey]
    if (domain === undefined || !term.matches(pod, this.#labelsOf)) return
    const domains = this.#scores.get(term.topologyKey) ?? new Map<string, number>()
    domains.set(domain, (domains.get(domain) ?? 0) + points)
    this.#scores.set(term.topologyKey, domains)
  }
}

export function topologyScore(scores: TopologyScores, { node }: NodeInfo): number {
  let sum = 0
  for (const [key, domains] of scores) sum += domains.get(node.metadata.labels?.[key] ?? '') ?? 0
  return sum
}

/** The worst node gets 0, the best 100; all 0 when they are equal. */
export function stretch(scores: Float64Array): void {
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (const score of scores) {
    lowest = Math.min(lowest, score)
    highest = Math.max(highest, score)
  }
  const range = highest - lowest
  scores.forEach((score, place) => {
    scores[place] = range > 0 ? Math.trunc((SCORE_MAX * (score - lowest)) / range) : 0
  })
}
