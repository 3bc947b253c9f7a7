/** The sentence that says on how many nodes a Pod does not fit and why. Upstream: kube-scheduler framework/types.go FitError. */
import type { Verdict } from './interfaces.ts'

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {…}.` */
export function fitErrorMessage(nodes: number, verdicts: ReadonlyMap<string, Verdict>): string {
  const counts = new Map<string, number>()
  for (const { reasons } of verdicts.values())
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort()
  const start = `0/${nodes} nodes are available`
  return parts.length === 0 ? start : `${start}: ${parts.join(', ')}.`
}
