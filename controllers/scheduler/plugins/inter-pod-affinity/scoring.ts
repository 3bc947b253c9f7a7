/**
 * Preferred (anti-)affinity, both ways, and the pull of required affinity on Pods it matches.
 * Upstream: plugins/interpodaffinity/scoring.go.
 */
import type { AffinityTerm, FrozenNode, FrozenPod, NodeInfo, PodInfo, Snapshot } from '../../framework/interfaces.ts'
import type { PodCounter } from '../../framework/pod-counter.ts'
import type { NamespaceLabels } from './filtering.ts'

const SCORE_MAX = 100

/** Topology key -> value -> points. */
export type TopologyScores = Map<string, Map<string, number>>

export interface ScoreSource {
  readonly snapshot: Snapshot
  readonly labelsOf: NamespaceLabels
  readonly counter: PodCounter
  readonly hardPodAffinityWeight: number
}

export function scoreTopologies(incoming: PodInfo, source: ScoreSource): TopologyScores {
  const scores: TopologyScores = new Map()
  const { preferredAffinity, preferredAntiAffinity } = incoming
  for (const { weight, term } of preferredAffinity) addOwnTerm(scores, source, term, weight)
  for (const { weight, term } of preferredAntiAffinity) addOwnTerm(scores, source, term, -weight)
  for (const { node, podsWithAffinity } of source.snapshot.withPodAffinity)
    for (const existing of podsWithAffinity) addTermsOf(scores, source, node, existing, incoming.pod)
  return scores
}

export const hasPreferences = ({ preferredAffinity, preferredAntiAffinity }: PodInfo): boolean =>
  preferredAffinity.length + preferredAntiAffinity.length > 0

/** What the incoming Pod thinks of those that run. */
function addOwnTerm(scores: TopologyScores, source: ScoreSource, term: AffinityTerm, points: number): void {
  const { snapshot, counter, labelsOf } = source
  const matches = (pod: FrozenPod): boolean => term.matches(pod, labelsOf)
  for (const node of snapshot.nodes) {
    if (node.node.metadata.labels?.[term.topologyKey] === undefined) continue
    const count = counter.count(node, term.question, matches)
    if (count > 0) addPoints(scores, node.node, term, count * points)
  }
}

/** What one that runs thinks of the incoming Pod. */
function addTermsOf(
  scores: TopologyScores,
  { labelsOf, hardPodAffinityWeight }: ScoreSource,
  node: FrozenNode,
  existing: PodInfo,
  incoming: FrozenPod,
): void {
  const add = (term: AffinityTerm, points: number): void => {
    if (term.matches(incoming, labelsOf)) addPoints(scores, node, term, points)
  }
  if (hardPodAffinityWeight > 0) for (const term of existing.requiredAffinity) add(term, hardPodAffinityWeight)
  for (const { weight, term } of existing.preferredAffinity) add(term, weight)
  for (const { weight, term } of existing.preferredAntiAffinity) add(term, -weight)
}

function addPoints(scores: TopologyScores, node: FrozenNode, { topologyKey }: AffinityTerm, points: number): void {
  const domain = node.metadata.labels?.[topologyKey]
  if (domain === undefined) return
  const domains = scores.get(topologyKey) ?? new Map<string, number>()
  domains.set(domain, (domains.get(domain) ?? 0) + points)
  scores.set(topologyKey, domains)
}

export function topologyScore(scores: TopologyScores, { node }: NodeInfo): number {
  let sum = 0
  for (const [key, domains] of scores) {
    const domain = node.metadata.labels?.[key]
    if (domain !== undefined) sum += domains.get(domain) ?? 0
  }
  return sum
}

/** The worst node gets 0, the best 100; all 0 when they are equal. In upstream's order of operations: it rounds down. */
export function stretch(scores: Float64Array): void {
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (const score of scores) {
    lowest = Math.min(lowest, score)
    highest = Math.max(highest, score)
  }
  const range = highest - lowest
  scores.forEach((score, place) => {
    scores[place] = range > 0 ? Math.trunc(SCORE_MAX * ((score - lowest) / range)) : 0
  })
}
