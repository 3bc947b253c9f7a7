/** What may help a Pod that waits for its volumes. Upstream: plugins/volumebinding/volume_binding.go EventsToRegister. */
import type { PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { changeOf } from '../../framework/change.ts'
import type { ClusterEvent, EventHint, FrozenPod } from '../../framework/interfaces.ts'
import { claimNamesOf } from './pod-claims.ts'
import { volumeLimit } from './provisioning.ts'

export const VOLUME_EVENTS: readonly EventHint[] = [
  { resource: 'storageclasses', actions: ['add', 'update'], mayHelp: (_pod, event) => classMayHelp(event) },
  { resource: 'persistentvolumeclaims', actions: ['add', 'update'], mayHelp: claimMayHelp },
  { resource: 'persistentvolumes', actions: ['add', 'update'] },
  { resource: 'nodes', actions: ['add', 'update'], kinds: ['UpdateNodeLabel'] },
  { resource: 'csidrivers', actions: ['update'], mayHelp: (_pod, event) => driverMayHelp(event) },
  { resource: 'csistoragecapacities', actions: ['add', 'update'], mayHelp: (_pod, event) => capacityMayHelp(event) },
]

/** One of the Pod's own. */
export function claimMayHelp(pod: FrozenPod, event: ClusterEvent): boolean {
  const { object } = changeOf<PersistentVolumeClaim>(event)
  return (
    object?.metadata.namespace === pod.metadata.namespace && claimNamesOf(pod).includes(object?.metadata.name ?? '')
  )
}

function classMayHelp(event: ClusterEvent): boolean {
  const { old, object } = changeOf<StorageClass>(event)
  return old === undefined || !deepEqual(old.allowedTopologies, object?.allowedTopologies)
}

/** The driver is no longer held to its capacity. */
function driverMayHelp(event: ClusterEvent): boolean {
  const { old, object } = changeOf<CSIDriver>(event)
  return old?.spec.storageCapacity === true && object?.spec.storageCapacity !== true
}

function capacityMayHelp(event: ClusterEvent): boolean {
  const { old, object } = changeOf<CSIStorageCapacity>(event)
  const limit = object === undefined ? undefined : volumeLimit(object)
  const before = old === undefined ? undefined : volumeLimit(old)
  return old === undefined || (limit !== undefined && (before === undefined || limit.compare(before) > 0))
}
