/** Preemption: only for a Pod of higher priority, one that waited since the cluster was last at rest. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Change, Cluster, Invariant } from './interface.ts'

export class PreemptionFollowsPriority implements Invariant {
  readonly resources = [PODS]
  #highest = 0

  onChange(change: Change<KubeObject>, cluster: Cluster): void {
    const { before, after } = change as Change<Pod>
    if (after === undefined) return
    const { nodeName, priority = 0 } = after.spec
    if (nodeName === undefined) this.#highest = Math.max(this.#highest, priority)
    if (isPreempted(before) || !isPreempted(after)) return
    if (priority >= this.#highest)
      cluster.violated(`${after.metadata.name} of priority ${priority} was preempted, ${this.#highest} is the highest`)
  }

  atRest(cluster: Cluster): void {
    const waiting = cluster.objects<Pod>(PODS).filter(({ spec }) => spec.nodeName === undefined)
    this.#highest = Math.max(0, ...waiting.map(({ spec }) => spec.priority ?? 0))
  }
}

function isPreempted(pod: Pod | undefined): boolean {
  const conditions = pod?.status?.conditions ?? []
  return conditions.some(({ type, reason }) => type === 'DisruptionTarget' && reason === 'PreemptionByScheduler')
}
