/** What invariants ask of Pods. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { controllerOf } from '#sdk'
import type { Cluster } from './interface.ts'

export function isActive({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
}

export const isAvailable = (pod: Pod): boolean => isActive(pod) && isReady(pod)

export function podsOf(cluster: Cluster, uid: string | undefined): Pod[] {
  return cluster.objects<Pod>(PODS).filter((pod) => controllerOf(pod)?.uid === uid)
}

/** It served before the change, and does no longer: the Pod as it was. */
export function lostBy(before: Pod | undefined, after: Pod | undefined): Pod | undefined {
  const isLost = before !== undefined && isAvailable(before) && (after === undefined || !isAvailable(after))
  return isLost ? before : undefined
}
