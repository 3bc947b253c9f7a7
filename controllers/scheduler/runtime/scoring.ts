/** The best of the nodes that fit. Upstream: scheduler framework.go RunScorePlugins, schedule_one.go prioritizeNodes. */
import type { Random } from '#machinery/util/random.ts'
import type { NodeInfo, PodInfo, Snapshot } from '../framework/interfaces.ts'
import { isVerdict } from '../framework/verdicts.ts'
import type { Profile, ScoreUse } from './profile.ts'
import type { PluginTimer } from './recorder.ts'
import { throwIfError } from './refusal.ts'

export interface ScoreInput {
  readonly profile: Profile
  readonly pod: PodInfo
  readonly nodes: readonly NodeInfo[]
  readonly snapshot: Snapshot
  /** Plugin -> what its preFilter returned. */
  readonly states: ReadonlyMap<string, unknown>
  readonly timer: PluginTimer | undefined
}

/** A plugin that has something to say about this Pod, with what its preScore computed. */
interface ActiveScore {
  readonly use: ScoreUse
  readonly state: unknown
}

/** Per node, of which there is at least one, the weighted sum of all plugins. Throws when one fails. */
export function scoreNodes(input: ScoreInput): Float64Array {
  const { recorder } = input.profile
  const active = recorder.timed('PreScore', () => preScores(input))
  return recorder.timed('Score', () => {
    const totals = new Float64Array(input.nodes.length)
    for (const score of active) addScores(totals, score, input)
    return totals
  })
}

function preScores({ profile, pod, nodes, snapshot, states, timer }: ScoreInput): ActiveScore[] {
  const active: ActiveScore[] = []
  for (const use of profile.scores) {
    const { plugin, evaluations } = use
    if (!use.hasPreScore || plugin.preScore === undefined) {
      active.push({ use, state: undefined })
      continue
    }
    const startedMs = timer?.now() ?? 0
    const result = plugin.preScore(pod, nodes, snapshot, states.get(plugin.name))
    const isRefusal = isVerdict(result)
    timer?.ran(plugin.name, 'PreScore', isRefusal ? result.code : 'Success', startedMs)
    if (isRefusal) throwIfError('PreScore', plugin.name, result)
    else {
      evaluations.preScore++
      active.push({ use, state: result.state })
    }
  }
  return active
}

function addScores(totals: Float64Array, { use, state }: ActiveScore, { pod, nodes, timer }: ScoreInput): void {
  const { plugin, weight, evaluations } = use
  const scores = new Float64Array(nodes.length)
  const startedMs = timer?.now() ?? 0
  scores[0] = plugin.score(state, pod, nodes[0] as NodeInfo)
  timer?.ran(plugin.name, 'Score', 'Success', startedMs)
  for (let i = 1; i < nodes.length; i++) scores[i] = plugin.score(state, pod, nodes[i] as NodeInfo)
  evaluations.score += nodes.length
  const scoredMs = timer?.now() ?? 0
  plugin.normalize?.(state, pod, scores, nodes)
  if (plugin.normalize !== undefined) timer?.ran(plugin.name, 'ScoreExtensionNormalize', 'Success', scoredMs)
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
