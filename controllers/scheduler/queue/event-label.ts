/** Events as the metrics call them. Upstream: kube-scheduler framework/types.go ClusterEvent.Label, EventResource. */
import type { ClusterEvent, FrozenPod } from '../framework/interfaces.ts'

/** By plural; those of the core group have no group in front. */
const RESOURCES: Readonly<Record<string, string>> = {
  pods: 'AssignedPod',
  nodes: 'Node',
  persistentvolumes: 'PersistentVolume',
  persistentvolumeclaims: 'PersistentVolumeClaim',
  storageclasses: 'storage.k8s.io/StorageClass',
  csinodes: 'storage.k8s.io/CSINode',
  csidrivers: 'storage.k8s.io/CSIDriver',
  csistoragecapacities: 'storage.k8s.io/CSIStorageCapacity',
  volumeattachments: 'storage.k8s.io/VolumeAttachment',
  resourceclaims: 'resource.k8s.io/ResourceClaim',
  resourceslices: 'resource.k8s.io/ResourceSlice',
  deviceclasses: 'resource.k8s.io/DeviceClass',
}
const ACTIONS = { add: 'Add', update: 'Update', delete: 'Delete' } as const

export function eventLabel({ resource, action, kind, object }: ClusterEvent): string {
  const isUnassigned = resource === 'pods' && action === 'update' && !isAssigned(object)
  const name = isUnassigned ? 'UnschedulablePod' : (RESOURCES[resource] ?? resource)
  return `${name}${kind ?? ACTIONS[action]}`
}

const isAssigned = (pod: unknown): boolean => ((pod as FrozenPod | undefined)?.spec?.nodeName ?? '') !== ''
