/** Defaults of bindings: whose API group a subject or role belongs to. Upstream: pkg/apis/rbac/v1/defaults.go. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ClusterRoleBinding, RoleBinding } from '#machinery/api/rbac/v1/types.gen.ts'

export const RBAC_API_GROUP = 'rbac.authorization.k8s.io'

export function setBindingDefaults(object: KubeObject): void {
  const binding = object as RoleBinding | ClusterRoleBinding
  if (binding.roleRef !== undefined && isUnset(binding.roleRef.apiGroup)) binding.roleRef.apiGroup = RBAC_API_GROUP
  for (const subject of binding.subjects ?? []) {
    const isOfRbac = subject.kind === 'User' || subject.kind === 'Group'
    if (isOfRbac && isUnset(subject.apiGroup)) subject.apiGroup = RBAC_API_GROUP
  }
}

const isUnset = (value: string | undefined): boolean => value === undefined || value === ''
