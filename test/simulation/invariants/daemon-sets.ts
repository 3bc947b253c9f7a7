/** maxUnavailable of DaemonSets: the rollout of a template leaves no more nodes without a ready Pod. */
import { DAEMON_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet } from '#machinery/api/apps/v1/types.gen.ts'
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { controllerOf } from '#sdk'
import { invariantOf } from './interface.ts'
import { isAvailable, lostBy, podsOf } from './pods.ts'

export const daemonSetsStayAvailable = invariantOf<Pod>(PODS, ({ before, after }, cluster) => {
  const gone = lostBy(before, after)
  if (gone === undefined || !cluster.isCalm || cluster.answersAreLost || cluster.hasCrashed) return
  const uid = controllerOf(gone)?.uid
  const set = cluster.objects<DaemonSet>(DAEMON_SETS).find(({ metadata }) => metadata.uid === uid)
  if (set === undefined || set.metadata.deletionTimestamp !== undefined) return
  const serving = new Set(
    podsOf(cluster, uid)
      .filter(isAvailable)
      .map(({ spec }) => spec.nodeName),
  )
  const without = cluster.objects(NODES).length - serving.size
  const max = Number(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1)
  if (without > max) cluster.violated(`DaemonSet ${set.metadata.name} left ${without} nodes without, ${max} allowed`)
})
