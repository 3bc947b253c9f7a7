/**
 * The fewest, least important Pods of one node whose going makes room: all that may go are taken away, then as many as
 * possible are given back, those with budgets first. Upstream: plugins/defaultpreemption SelectVictimsOnNode.
 */
import type {
  CycleView,
  FrozenPod,
  NodeInfo,
  PodInfo,
  PreemptionCandidate,
  Verdict,
} from '../../framework/interfaces.ts'
import { podPriority } from '../../framework/pod-info.ts'
import { unresolvable } from '../../framework/verdicts.ts'
import type { DisruptionBudgets } from './disruption-budgets.ts'

export interface VictimSearch {
  readonly preemptor: PodInfo
  readonly cycle: CycleView
  readonly budgets: DisruptionBudgets
  /** For Pods that have not started. */
  readonly nowMs: number
}

/** Lower priority is all that makes a victim. */
export const mayPreempt = (preemptor: FrozenPod, victim: FrozenPod): boolean =>
  podPriority(victim) < podPriority(preemptor)

/** The candidate, or why this node cannot be made free. */
export function findVictims(
  { preemptor, cycle, budgets, nowMs }: VictimSearch,
  node: NodeInfo,
): PreemptionCandidate | Verdict {
  const changed = node.clone()
  const potential = [...node.pods.values()].filter(({ pod }) => mayPreempt(preemptor.pod, pod))
  if (potential.length === 0) return unresolvable('No preemption victims found for incoming pod')
  const removed = new Set(potential)
  const fits = (): Verdict | undefined => cycle.wouldFit(changed, { removed: [...removed], added: [] })
  for (const victim of potential) changed.removePod(victim)
  const refusal = fits()
  if (refusal !== undefined) return refusal
  const isReprieved = (victim: PodInfo): boolean => {
    changed.addPod(victim)
    removed.delete(victim)
    if (fits() === undefined) return true
    changed.removePod(victim)
    removed.add(victim)
    return false
  }
  const ranked = potential.sort((a, b) => byImportance(a.pod, b.pod, nowMs))
  const { violating, others } = budgets.divide(ranked)
  const budgetViolations = violating.filter((victim) => !isReprieved(victim)).length
  for (const victim of others) isReprieved(victim)
  const victims = ranked.filter((victim) => removed.has(victim)).map(({ pod }) => pod)
  return { node: node.name, victims, budgetViolations }
}

/** Higher priority first, then those that have run longer. */
function byImportance(a: FrozenPod, b: FrozenPod, nowMs: number): number {
  const difference = podPriority(b) - podPriority(a)
  return difference === 0 ? startMs(a, nowMs) - startMs(b, nowMs) : difference
}

export const startMs = ({ status }: FrozenPod, nowMs: number): number =>
  status?.startTime === undefined ? nowMs : Date.parse(status.startTime)
