/**
 * Finds nodes that fit: not all of them in a large cluster, and starting where the last search ended.
 * Upstream: scheduler schedule_one.go findNodesThatPassFilters, numFeasibleNodesToFind.
 */
import type { NodeInfo, Snapshot } from '../framework/interfaces.ts'
import type { FilterRun } from './filter-run.ts'

const FEASIBLE_MIN = 100
const PERCENTAGE_MIN = 5

/** `percentage` 0: half of the nodes, less in larger clusters. */
export function nodesToFind(nodeCount: number, percentage: number): number {
  if (nodeCount < FEASIBLE_MIN) return nodeCount
  const share = percentage === 0 ? Math.max(50 - Math.trunc(nodeCount / 125), PERCENTAGE_MIN) : percentage
  return Math.max(Math.trunc((nodeCount * share) / 100), FEASIBLE_MIN)
}

export class NodeSearch {
  #start = 0

  /** Nodes that fit, at most `limit(candidates)`; the others' verdicts go to the run's diagnosis. */
  find(run: FilterRun, snapshot: Snapshot, limit: (candidates: number) => number): NodeInfo[] {
    const nodes = candidatesOf(run, snapshot)
    const max = limit(nodes.length)
    const found: NodeInfo[] = []
    for (let i = 0; i < nodes.length && found.length < max; i++) {
      const node = nodes[(this.#start + i) % nodes.length] as NodeInfo
      const verdict = run.check(node)
      if (verdict === undefined) found.push(node)
      else run.diagnosis.reject(node.name, verdict)
    }
    const looked = found.length + run.diagnosis.verdicts.size
    this.#start = snapshot.nodes.length === 0 ? 0 : (this.#start + looked) % snapshot.nodes.length
    return found
  }
}

function candidatesOf({ nodes }: FilterRun, snapshot: Snapshot): readonly NodeInfo[] {
  if (nodes === undefined) return snapshot.nodes
  return [...nodes].flatMap((name) => snapshot.get(name) ?? [])
}
