/** PodDisruptionBudgets, at every write while nothing but evictions takes Pods away. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { invariantOf } from './interface.ts'
import { isAvailable, lostBy } from './pods.ts'

export const budgetsHold = invariantOf<Pod>(PODS, ({ before, after }, cluster) => {
  const gone = lostBy(before, after)
  // Large Pods make room for one another as well.
  if (gone === undefined || !cluster.isEvicting || (gone.spec.priority ?? 0) > 0) return
  const isBeside = ({ metadata }: Pod): boolean =>
    metadata.namespace === gone.metadata.namespace && metadata.labels?.['app'] === gone.metadata.labels?.['app']
  for (const { metadata, spec, status } of cluster.objects<PodDisruptionBudget>(POD_DISRUPTION_BUDGETS)) {
    const isOfPod = spec?.selector?.matchLabels?.['app'] === gone.metadata.labels?.['app']
    if (!isOfPod || metadata.namespace !== gone.metadata.namespace) continue
    const healthy = cluster.objects<Pod>(PODS).filter((pod) => isBeside(pod) && isAvailable(pod)).length
    const { desiredHealthy = 0 } = status ?? {}
    if (healthy < desiredHealthy)
      cluster.violated(`${gone.metadata.name} was evicted: ${metadata.name} has ${healthy} of ${desiredHealthy} Pods`)
  }
})
