// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { KubeList, KubeObject, LabelSelector } from '#machinery/api/meta/v1.ts'

export interface PolicyRule {
  verbs: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
  nonResourceURLs?: string[]
}

export interface Subject {
  kind: string
  apiGroup?: string
  name: string
  namespace?: string
}

export interface RoleRef {
  apiGroup?: string
  kind: string
  name: string
}

export interface Role extends KubeObject {
  rules?: PolicyRule[]
}

export interface RoleBinding extends KubeObject {
  subjects?: Subject[]
  roleRef: RoleRef
}

export type RoleBindingList = KubeList<RoleBinding>

export type RoleList = KubeList<Role>

export interface ClusterRole extends KubeObject {
  rules?: PolicyRule[]
  aggregationRule?: AggregationRule
}

export interface AggregationRule {
  clusterRoleSelectors?: LabelSelector[]
}

export interface ClusterRoleBinding extends KubeObject {
  subjects?: Subject[]
  roleRef: RoleRef
}

export type ClusterRoleBindingList = KubeList<ClusterRoleBinding>

export type ClusterRoleList = KubeList<ClusterRole>
