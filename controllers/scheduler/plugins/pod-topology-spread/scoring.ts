/**
 * Soft constraints: nodes in domains with few matching Pods score high, weighed by how many domains there are.
 * Upstream: plugins/podtopologyspread/scoring.go.
 */
import { requiredNodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import type { FrozenPod, NodeInfo, Snapshot } from '../../framework/interfaces.ts'
import type { PodCounter } from '../../framework/pod-counter.ts'
import type { SpreadConstraint } from './constraints.ts'
import { HOSTNAME, hasAllTopologyKeys, isNodeIncluded } from './constraints.ts'

const SCORE_MAX = 100

export interface SpreadScores {
  readonly constraints: readonly SpreadConstraint[]
  /** Lack a topology key: score 0 in the end. */
  readonly ignored: ReadonlySet<string>
  /** Per constraint: topology value -> Pods. Hosts are not in it: they are counted when scored. */
  readonly counts: readonly ReadonlyMap<string, number>[]
  /** Per constraint: evens out that few domains hold many Pods each. */
  readonly weights: readonly number[]
}

export interface ScoreInput {
  readonly pod: FrozenPod
  readonly constraints: readonly SpreadConstraint[]
  /** Those that passed the filters. */
  readonly nodes: readonly NodeInfo[]
  readonly snapshot: Snapshot
  readonly needsAllKeys: boolean
  readonly counter: PodCounter
}

export function countForScores(input: ScoreInput): SpreadScores {
  const { constraints, nodes, needsAllKeys } = input
  const ignored = new Set<string>()
  const counts = constraints.map(() => new Map<string, number>())
  for (const { name, node } of nodes) {
    if (needsAllKeys && !hasAllTopologyKeys(node, constraints)) {
      ignored.add(name)
      continue
    }
    constraints.forEach(({ topologyKey }, index) => {
      if (topologyKey !== HOSTNAME) counts[index]?.set(node.metadata.labels?.[topologyKey] ?? '', 0)
    })
  }
  const weights = constraints.map(({ topologyKey }, index) => {
    const domains = topologyKey === HOSTNAME ? nodes.length - ignored.size : (counts[index]?.size ?? 0)
    return Math.log(domains + 2)
  })
  countDomains(input, counts)
  return { constraints, ignored, counts, weights }
}

/**
 * Pods on all nodes count, also on those that were filtered out; domains without a candidate do not matter, nor does what is
 * on nodes without the key: nothing asks for it.
 */
function countDomains(input: ScoreInput, counts: readonly Map<string, number>[]): void {
  const { pod, constraints, snapshot, needsAllKeys, counter } = input
  const wide = constraints.flatMap((constraint, index) =>
    constraint.topologyKey === HOSTNAME ? [] : [{ constraint, counted: counts[index] as Map<string, number> }],
  )
  if (wide.length === 0) return
  const required = requiredNodeMatcher(pod)
  for (const info of snapshot.nodes) {
    const { node } = info
    if (info.pods.size === 0 || (needsAllKeys && !hasAllTopologyKeys(node, constraints))) continue
    for (const { constraint, counted } of wide) {
      const domain = node.metadata.labels?.[constraint.topologyKey]
      const count = domain === undefined ? undefined : counted.get(domain)
      if (domain === undefined || count === undefined || !isNodeIncluded(constraint, pod, node, required)) continue
      counted.set(domain, count + counter.count(info, constraint.question, constraint.isCounted))
    }
  }
}

/** The (weighed) number of matching Pods: the fewer the better, which `normalizeSpread` turns round. */
export function spreadScore(
  { constraints, ignored, counts, weights }: SpreadScores,
  info: NodeInfo,
  counter: PodCounter,
): number {
  if (ignored.has(info.name)) return 0
  let score = 0
  constraints.forEach(({ topologyKey, isCounted, question, maxSkew }, index) => {
    const domain = info.node.metadata.labels?.[topologyKey]
    if (domain === undefined) return
    const count =
      topologyKey === HOSTNAME ? counter.count(info, question, isCounted) : (counts[index]?.get(domain) ?? 0)
    // The skew that is allowed waters the differences down.
    score += count * (weights[index] ?? 0) + (maxSkew - 1)
  })
  return Math.round(score)
}

export function normalizeSpread({ ignored }: SpreadScores, scores: Float64Array, nodes: readonly NodeInfo[]): void {
  let lowest = Number.POSITIVE_INFINITY
  let highest = 0
  nodes.forEach(({ name }, place) => {
    if (ignored.has(name)) return
    const score = scores[place] ?? 0
    lowest = Math.min(lowest, score)
    highest = Math.max(highest, score)
  })
  nodes.forEach(({ name }, place) => {
    if (ignored.has(name)) scores[place] = 0
    else if (highest === 0) scores[place] = SCORE_MAX
    else scores[place] = Math.trunc((SCORE_MAX * (highest + lowest - (scores[place] ?? 0))) / highest)
  })
}
