// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { GroupResource } from '#machinery/api/meta/v1.gen.ts'
import type { Condition, KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface StorageVersionMigration extends KubeObject {
  spec: StorageVersionMigrationSpec
  status?: StorageVersionMigrationStatus
}

export interface StorageVersionMigrationSpec {
  resource: GroupResource
}

export interface StorageVersionMigrationStatus {
  conditions?: Condition[]
  resourceVersion?: string
}

export type StorageVersionMigrationList = KubeList<StorageVersionMigration>
