/**
 * Names and rules of CSI attachments. Pure. Upstream: pkg/volume/csi/csi_attacher.go getAttachmentName, csi_plugin.go
 * GetVolumeName; pkg/controller/volume/attachdetach/util IsMultiAttachAllowed.
 */
import { createHash } from 'node:crypto'
import type { CSIPersistentVolumeSource, Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { VolumeAttachment } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenVolume } from '#machinery/volume/binding.ts'

/** Only then does the controller attach for the node; else its kubelet does. */
export const MANAGED_ANNOTATION = 'volumes.kubernetes.io/controller-managed-attach-detach'
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'

type CsiSource = DeepReadonly<CSIPersistentVolumeSource>

/** A volume that Pods on a node need attached there. */
export interface WantedVolume {
  readonly name: string
  readonly csi: CsiSource
  readonly isMultiAttachAllowed: boolean
  readonly pods: DeepReadonly<Pod>[]
}

export function attachmentName({ volumeHandle, driver }: CsiSource, nodeName: string): string {
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${nodeName}`).digest('hex')}`
}

/** As nodes report it in status.volumesInUse and read it in status.volumesAttached. */
export const uniqueVolumeName = ({ driver, volumeHandle }: CsiSource): string =>
  `kubernetes.io/csi/${driver}^${volumeHandle}`

export function newAttachment(volume: WantedVolume, nodeName: string): VolumeAttachment {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: attachmentName(volume.csi, nodeName) },
    spec: { attacher: volume.csi.driver, nodeName, source: { persistentVolumeName: volume.name } },
  }
}

/** Without access modes nothing is known, and nothing is forbidden. */
export function isMultiAttachAllowed({ spec }: FrozenVolume): boolean {
  const modes = spec.accessModes ?? []
  return modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')
}

/** Finished, or on its way out with no container running: a finalizer may keep such a Pod for long. */
export function isPodDone({ metadata, status }: DeepReadonly<Pod>): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {}
  const statuses = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses]
  const isStopped = statuses.every(({ state }) => state?.terminated !== undefined || state?.waiting !== undefined)
  return metadata.deletionTimestamp !== undefined && isStopped
}

/**
 * Whether a volume nobody needs any more may be detached though the node says it is mounted: the node was declared out of
 * service, or is not ready and had its time.
 */
export function mayForceDetach(node: DeepReadonly<Node>, waitedMs: number, waitMaxMs: number): boolean {
  if (node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true) return true
  const isReady = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  return !isReady && waitedMs > waitMaxMs
}

export const isAttached = ({ metadata, status }: DeepReadonly<VolumeAttachment>): boolean =>
  status?.attached === true && metadata.deletionTimestamp === undefined

/** What the Pods that wait are told when others have the volume on another node. */
export function multiAttachMessage(volumeName: string, podsElsewhere: readonly DeepReadonly<Pod>[]): string {
  const names = podsElsewhere.map(({ metadata }) => metadata.name ?? '').sort()
  const why =
    names.length === 0
      ? "Volume is already exclusively attached to one node and can't be attached to another"
      : `Volume is already used by pod(s) ${names.join(', ')}`
  return `Multi-Attach error for volume "${volumeName}" ${why}`
}
