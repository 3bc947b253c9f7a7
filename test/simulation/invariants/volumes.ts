/** A PersistentVolume is bound by one claim, and never by another while the first is written on it. */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { Change, Cluster, Invariant } from './interface.ts'

export const volumesAreBoundOnce: Invariant = {
  resources: [PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS],
  onChange(change, cluster) {
    const kind = (change.after ?? change.before)?.kind
    if (kind === PERSISTENT_VOLUMES.kind) checkVolume(change as Change<PersistentVolume>, cluster)
    else checkClaim(change as Change<PersistentVolumeClaim>, cluster)
  },
}

function checkVolume({ before, after }: Change<PersistentVolume>, cluster: Cluster): void {
  const [was, is] = [before?.spec.claimRef?.uid, after?.spec.claimRef?.uid]
  if (was !== undefined && is !== undefined && was !== is)
    cluster.violated(`${after?.metadata.name} went from claim ${was} to ${is}`)
}

function checkClaim({ after }: Change<PersistentVolumeClaim>, cluster: Cluster): void {
  const volumeName = after?.spec.volumeName
  if (volumeName === undefined) return
  const rivals = cluster
    .objects<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS)
    .filter(({ spec }) => spec.volumeName === volumeName)
    .map(({ metadata }) => metadata.name)
  if (rivals.length > 1) cluster.violated(`${volumeName} is bound by ${rivals.join(' and ')}`)
}
