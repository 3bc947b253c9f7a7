// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { PersistentVolumeSpec, TopologySelectorTerm } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeList, KubeObject, LabelSelector } from '#machinery/api/meta/v1.ts'

export interface StorageClass extends KubeObject {
  provisioner: string
  parameters?: Record<string, string>
  reclaimPolicy?: string
  mountOptions?: string[]
  allowVolumeExpansion?: boolean
  volumeBindingMode?: string
  allowedTopologies?: TopologySelectorTerm[]
}

export type StorageClassList = KubeList<StorageClass>

export interface VolumeAttachment extends KubeObject {
  spec: VolumeAttachmentSpec
  status?: VolumeAttachmentStatus
}

export type VolumeAttachmentList = KubeList<VolumeAttachment>

export interface VolumeAttachmentSpec {
  attacher: string
  source: VolumeAttachmentSource
  nodeName: string
}

export interface VolumeAttachmentSource {
  persistentVolumeName?: string
  inlineVolumeSpec?: PersistentVolumeSpec
}

export interface VolumeAttachmentStatus {
  attached: boolean
  attachmentMetadata?: Record<string, string>
  attachError?: VolumeError
  detachError?: VolumeError
}

export interface VolumeError {
  time?: string
  message?: string
  errorCode?: number
}

export interface CSIDriver extends KubeObject {
  spec: CSIDriverSpec
}

export type CSIDriverList = KubeList<CSIDriver>

export interface CSIDriverSpec {
  attachRequired?: boolean
  podInfoOnMount?: boolean
  volumeLifecycleModes?: string[]
  storageCapacity?: boolean
  fsGroupPolicy?: string
  tokenRequests?: TokenRequest[]
  requiresRepublish?: boolean
  seLinuxMount?: boolean
  nodeAllocatableUpdatePeriodSeconds?: number
  serviceAccountTokenInSecrets?: boolean
  preventPodSchedulingIfMissing?: boolean
}

export interface TokenRequest {
  audience: string
  expirationSeconds?: number
}

export interface CSINode extends KubeObject {
  spec: CSINodeSpec
}

export interface CSINodeSpec {
  drivers: CSINodeDriver[]
}

export interface CSINodeDriver {
  name: string
  nodeID: string
  topologyKeys?: string[]
  allocatable?: VolumeNodeResources
}

export interface VolumeNodeResources {
  count?: number
}

export type CSINodeList = KubeList<CSINode>

export interface CSIStorageCapacity extends KubeObject {
  nodeTopology?: LabelSelector
  storageClassName: string
  capacity?: string
  maximumVolumeSize?: string
}

export type CSIStorageCapacityList = KubeList<CSIStorageCapacity>

export interface VolumeAttributesClass extends KubeObject {
  driverName: string
  parameters?: Record<string, string>
}

export type VolumeAttributesClassList = KubeList<VolumeAttributesClass>
