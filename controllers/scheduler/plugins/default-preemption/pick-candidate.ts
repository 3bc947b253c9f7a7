/**
 * The node whose being freed does least harm. Upstream: pkg/scheduler/framework/preemption pickOneNodeForPreemption.
 */
import type { PreemptionCandidate } from '../../framework/interfaces.ts'
import { podPriority } from '../../framework/pod-info.ts'
import { startMs } from './victims.ts'

/** Makes priorities positive: few Pods of negative priority are less than many of the same. */
const PRIORITY_OFFSET = 2 ** 31

type Harm = (candidate: PreemptionCandidate, nowMs: number) => number

/** Each decides among those that the ones before it found equal; the least wins. */
const CRITERIA: readonly Harm[] = [
  ({ budgetViolations }) => budgetViolations,
  ({ victims }) => highestPriority(victims),
  ({ victims }) => victims.reduce((sum, victim) => sum + podPriority(victim) + PRIORITY_OFFSET, 0),
  ({ victims }) => victims.length,
  // Of the most important victims the one that ran longest: the later it began, the less is lost.
  ({ victims }, nowMs) => {
    const highest = highestPriority(victims)
    const important = victims.filter((victim) => podPriority(victim) === highest)
    return -Math.min(...important.map((victim) => startMs(victim, nowMs)))
  },
]

/** The first of equals. Undefined when there are none. */
export function pickCandidate(
  candidates: readonly PreemptionCandidate[],
  nowMs: number,
): PreemptionCandidate | undefined {
  let best = candidates
  for (const criterion of CRITERIA) {
    if (best.length <= 1) break
    const harms = best.map((candidate) => criterion(candidate, nowMs))
    const least = Math.min(...harms)
    best = best.filter((_candidate, i) => harms[i] === least)
  }
  return best[0]
}

const highestPriority = (victims: PreemptionCandidate['victims']): number => Math.max(...victims.map(podPriority))
