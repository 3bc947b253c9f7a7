// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface GroupResource {
  group: string
  resource: string
}

export interface GroupVersionResource {
  group: string
  version: string
  resource: string
}

export interface GroupKind {
  group: string
  kind: string
}

export interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

export interface GroupVersion {
  group: string
  version: string
}

export interface ShardInfo {
  selector: string
}

export interface ListOptions extends KubeObject {
  labelSelector?: string
  fieldSelector?: string
  watch?: boolean
  allowWatchBookmarks?: boolean
  resourceVersion?: string
  resourceVersionMatch?: string
  timeoutSeconds?: number
  limit?: number
  continue?: string
  sendInitialEvents?: boolean
  shardSelector?: string
}

export interface GetOptions extends KubeObject {
  resourceVersion?: string
}

export interface CreateOptions extends KubeObject {
  dryRun?: string[]
  fieldManager?: string
  fieldValidation?: string
}

export interface PatchOptions extends KubeObject {
  dryRun?: string[]
  force?: boolean
  fieldManager?: string
  fieldValidation?: string
}

export interface ApplyOptions extends KubeObject {
  dryRun?: string[]
  force: boolean
  fieldManager: string
}

export interface UpdateOptions extends KubeObject {
  dryRun?: string[]
  fieldManager?: string
  fieldValidation?: string
}

export interface APIVersions extends KubeObject {
  versions: string[]
  serverAddressByClientCIDRs: ServerAddressByClientCIDR[]
}

export interface APIGroupList extends KubeObject {
  groups: APIGroup[]
}

export interface APIGroup extends KubeObject {
  name: string
  versions: GroupVersionForDiscovery[]
  preferredVersion?: GroupVersionForDiscovery
  serverAddressByClientCIDRs?: ServerAddressByClientCIDR[]
}

export interface ServerAddressByClientCIDR {
  clientCIDR: string
  serverAddress: string
}

export interface GroupVersionForDiscovery {
  groupVersion: string
  version: string
}

export interface APIResource {
  name: string
  singularName: string
  namespaced: boolean
  group?: string
  version?: string
  kind: string
  verbs: string[]
  shortNames?: string[]
  categories?: string[]
  storageVersionHash?: string
}

export interface APIResourceList extends KubeObject {
  groupVersion: string
  resources: APIResource[]
}

export interface RootPaths {
  paths: string[]
}

export interface FieldSelectorRequirement {
  key: string
  operator: string
  values?: string[]
}

export interface Table extends KubeObject {
  columnDefinitions: TableColumnDefinition[]
  rows: TableRow[]
}

export interface TableColumnDefinition {
  name: string
  type: string
  format: string
  description: string
  priority: number
}

export interface TableRow {
  cells: unknown[]
  conditions?: TableRowCondition[]
  object?: unknown
}

export interface TableRowCondition {
  type: string
  status: string
  reason?: string
  message?: string
}

export interface TableOptions extends KubeObject {
  includeObject?: string
}

export interface PartialObjectMetadata extends KubeObject {
}

export type PartialObjectMetadataList = KubeList<PartialObjectMetadata>
