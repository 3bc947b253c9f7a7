/**
 * Looks for nodes that could be made free, from a random one on, until enough are found.
 * Upstream: pkg/scheduler/framework/preemption DryRunPreemption, plugins/defaultpreemption GetOffsetAndNumCandidates.
 */
import type { NodeInfo, PreemptionCandidate, Verdict } from '../../framework/interfaces.ts'
import { isVerdict, unschedulable } from '../../framework/verdicts.ts'
import { findVictims, type VictimSearch } from './victims.ts'

export interface CandidateCounts {
  readonly minCandidateNodesPercentage: number
  readonly minCandidateNodesAbsolute: number
}

export function candidatesWanted(nodes: number, counts: CandidateCounts): number {
  const share = Math.trunc((nodes * counts.minCandidateNodesPercentage) / 100)
  return Math.min(Math.max(share, counts.minCandidateNodesAbsolute), nodes)
}

export interface DryRun {
  /** Those that violate no budget first. */
  readonly candidates: readonly PreemptionCandidate[]
  /** Of the nodes that were looked at in vain. */
  readonly verdicts: ReadonlyMap<string, Verdict>
}

/** Stops with `wanted` candidates, one of which at least violates no budget. */
export function dryRun(search: VictimSearch, nodes: readonly NodeInfo[], offset: number, wanted: number): DryRun {
  const harmless: PreemptionCandidate[] = []
  const violating: PreemptionCandidate[] = []
  const verdicts = new Map<string, Verdict>()
  for (let i = 0; i < nodes.length; i++) {
    if (harmless.length > 0 && harmless.length + violating.length >= wanted) break
    const node = nodes[(offset + i) % nodes.length] as NodeInfo
    const found = findVictims(search, node)
    if (isVerdict(found)) verdicts.set(node.name, found)
    // It fits with all its Pods: something has changed since the filters said no.
    else if (found.victims.length === 0)
      verdicts.set(node.name, unschedulable(`expected at least one victim pod on node "${node.name}"`))
    else if (found.budgetViolations === 0) harmless.push(found)
    else violating.push(found)
  }
  return { candidates: [...harmless, ...violating], verdicts }
}
