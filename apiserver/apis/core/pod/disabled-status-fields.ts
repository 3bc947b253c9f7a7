/**
 * Members of a pod's status behind feature gates that are off are not taken from kubelets, but stay where they are stored already.
 * Upstream: pkg/api/pod/util.go dropDisabledPodStatusFields, for the gates that are off in 1.36.
 */
import type { PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { IsGateEnabled } from '../../feature-gates.ts'

type DropStatus = (status: PodStatus, old: DeepReadonly<PodStatus>) => void

const LISTS = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const

export function disabledStatusDropper(isGateEnabled: IsGateEnabled): DropStatus {
  const imageDigests = isGateEnabled('ImageVolumeWithDigest')
  const nodeAllocatable = isGateEnabled('DRANodeAllocatableResources')
  return (status, old) => {
    if (!imageDigests && !usesVolumeStatus(old)) dropVolumeStatus(status)
    if (nodeAllocatable || (old.nodeAllocatableResourceClaimStatuses ?? []).length > 0) return
    delete status.nodeAllocatableResourceClaimStatuses
  }
}

const usesVolumeStatus = (status: DeepReadonly<PodStatus>): boolean =>
  LISTS.some((list) =>
    status[list]?.some(({ volumeMounts }) => volumeMounts?.some(({ volumeStatus }) => volumeStatus !== undefined)),
  )

function dropVolumeStatus(status: PodStatus): void {
  for (const list of LISTS) {
    for (const { volumeMounts } of status[list] ?? []) {
      for (const mount of volumeMounts ?? []) delete mount.volumeStatus
    }
  }
}
