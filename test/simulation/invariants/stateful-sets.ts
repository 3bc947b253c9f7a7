/**
 * Order of StatefulSets, as long as only their controller takes Pods away and it has seen all it did: what else takes a Pod
 * may be seen late.
 */
import { STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { controllerOf } from '#sdk'
import { type Cluster, invariantOf } from './interface.ts'
import { isAvailable, lostBy, podsOf } from './pods.ts'

/** OrderedReady: a Pod is made when all before it are ready. */
export const statefulSetsGoInOrder = invariantOf<Pod>(PODS, ({ before, after }, cluster) => {
  if (before !== undefined || after === undefined || !isPromised(cluster)) return
  const set = setOf(cluster, after)
  if (set === undefined || set.spec.podManagementPolicy === 'Parallel') return
  const ordinal = ordinalOf(after)
  const ready = podsOf(cluster, set.metadata.uid).filter((pod) => ordinalOf(pod) < ordinal && isAvailable(pod)).length
  if (ready < ordinal) cluster.violated(`${after.metadata.name} was made when only ${ready} before it were ready`)
})

/** A rollout takes a Pod away when all others are ready; of a Parallel set, as upstream, all above it. */
export const statefulSetsTakeOneAtATime = invariantOf<Pod>(PODS, ({ before, after }, cluster) => {
  const gone = lostBy(before, after)
  if (gone === undefined || !isPromised(cluster)) return
  const set = setOf(cluster, gone)
  // Scaled: those beyond the size go whatever the others are.
  if (set === undefined || ordinalOf(gone) >= (set.spec.replicas ?? 1) || set.status?.replicas !== set.spec.replicas)
    return
  const others = podsOf(cluster, set.metadata.uid).filter(({ metadata }) => metadata.uid !== gone.metadata.uid)
  const awaits = (pod: Pod): boolean =>
    ordinalOf(pod) < (set.spec.replicas ?? 1) &&
    (set.spec.podManagementPolicy !== 'Parallel' || ordinalOf(pod) > ordinalOf(gone))
  const unready = others.filter((pod) => awaits(pod) && !isAvailable(pod))
  if (unready.length > 0)
    cluster.violated(
      `${gone.metadata.name} was taken while ${unready.map(({ metadata }) => metadata.name)} was not ready`,
    )
})

const isPromised = ({ isCalm, answersAreLost, hasCrashed }: Cluster): boolean =>
  isCalm && !answersAreLost && !hasCrashed

function setOf(cluster: Cluster, pod: Pod): StatefulSet | undefined {
  const set = cluster
    .objects<StatefulSet>(STATEFUL_SETS)
    .find(({ metadata }) => metadata.uid === controllerOf(pod)?.uid)
  return set?.metadata.deletionTimestamp === undefined ? set : undefined
}

const ordinalOf = ({ metadata }: Pod): number => Number(metadata.name?.slice(metadata.name.lastIndexOf('-') + 1))
