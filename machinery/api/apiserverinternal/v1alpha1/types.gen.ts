// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface StorageVersion extends KubeObject {
  spec: StorageVersionSpec
  status?: StorageVersionStatus
}

export interface StorageVersionSpec {
}

export interface StorageVersionStatus {
  storageVersions?: ServerStorageVersion[]
  commonEncodingVersion?: string
  conditions?: StorageVersionCondition[]
}

export interface ServerStorageVersion {
  apiServerID?: string
  encodingVersion?: string
  decodableVersions?: string[]
  servedVersions?: string[]
}

export interface StorageVersionCondition {
  type: string
  status: string
  observedGeneration?: number
  lastTransitionTime?: string
  reason: string
  message?: string
}

export type StorageVersionList = KubeList<StorageVersion>
