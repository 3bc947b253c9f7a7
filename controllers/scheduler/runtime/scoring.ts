/** The best of the nodes that fit. Upstream: scheduler framework.go RunScorePlugins, schedule_one.go prioritizeNodes. */
import type { Random } from '#machinery/util/random.ts'
import type { NodeInfo, PodInfo, ScorePlugin, Snapshot } from '../framework/interfaces.ts'
import { isVerdict } from '../framework/verdicts.ts'
import { throwIfError } from './filter-run.ts'
import type { Profile } from './profile.ts'

export interface ScoreInput {
  readonly profile: Profile
  readonly pod: PodInfo
  readonly nodes: readonly NodeInfo[]
  readonly snapshot: Snapshot
  /** Plugin -> what its preFilter returned. */
  readonly states: ReadonlyMap<string, unknown>
}

/** Per node the weighted sum of all plugins. Throws when one fails. */
export function scoreNodes({ profile, pod, nodes, snapshot, states }: ScoreInput): Float64Array {
  const totals = new Float64Array(nodes.length)
  for (const { plugin, weight, hasPreScore } of profile.scores) {
    let state: unknown
    if (hasPreScore && plugin.preScore !== undefined) {
      const result = plugin.preScore(pod, nodes, snapshot, states.get(plugin.name))
      if (isVerdict(result)) {
        throwIfError(plugin.name, result)
        continue
      }
      state = result.state
    }
    addScores(totals, plugin, weight, state, pod, nodes)
  }
  return totals
}

function addScores(
  totals: Float64Array,
  plugin: ScorePlugin,
  weight: number,
  state: unknown,
  pod: PodInfo,
  nodes: readonly NodeInfo[],
): void {
  const scores = new Float64Array(nodes.length)
  for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score(state, pod, nodes[i] as NodeInfo)
  plugin.normalize?.(state, pod, scores, nodes)
  for (let i = 0; i < scores.length; i++) totals[i] = (totals[i] ?? 0) + weight * (scores[i] ?? 0)
}

/** One of those with the highest score, by lot. */
export function pickNode(nodes: readonly NodeInfo[], totals: Float64Array, random: Random): NodeInfo | undefined {
  let best: number[] = []
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < totals.length; i++) {
    const total = totals[i] ?? 0
    if (total > highest) {
      highest = total
      best = [i]
    } else if (total === highest) best.push(i)
  }
  const place = best.length > 1 ? best[random.int(best.length)] : best[0]
  return place === undefined ? undefined : nodes[place]
}
