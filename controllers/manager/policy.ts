/**
 * RBAC of the built-in controllers, derived from what each declares: ClusterRole and ClusterRoleBinding
 * `system:controller:<name>` for the service account `kube-system/<name>`.
 * Upstream: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go.
 */
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '#machinery/api/rbac/v1/types.gen.ts'
import type { AnyControllerDefinition, Permission } from '#sdk'
import type { ControllerIdentity } from './identity.ts'

const NAMESPACE = 'kube-system'
const EVENTS_RULE: PolicyRule = {
  apiGroups: ['', 'events.k8s.io'],
  resources: ['events'],
  verbs: ['create', 'patch', 'update'],
}

type Principal = Pick<AnyControllerDefinition, 'name' | 'permissions'> & { readonly user?: string }

/** What the bootstrap policy applies, in upstream's shape and order. */
export function controllerPolicy(definitions: readonly Principal[]): (ClusterRole | ClusterRoleBinding)[] {
  return definitions
    .filter(({ user }) => user === undefined)
    .flatMap((definition) => [clusterRole(definition), clusterRoleBinding(definition.name)])
}

function clusterRole({ name, permissions }: Pick<AnyControllerDefinition, 'name' | 'permissions'>): ClusterRole {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: bootstrapMetadata(name),
    rules: [...permissions.map(policyRule), EVENTS_RULE],
  }
}

function clusterRoleBinding(name: string): ClusterRoleBinding {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: bootstrapMetadata(name),
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: roleName(name) },
    subjects: [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }],
  }
}

function bootstrapMetadata(name: string): ClusterRole['metadata'] {
  return {
    name: roleName(name),
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  }
}

function roleName(controller: string): string {
  return `system:controller:${controller}`
}

function policyRule({ resource, verbs, subresource, names }: Permission): PolicyRule {
  const target = subresource === undefined ? resource.resource : `${resource.resource}/${subresource}`
  const rule: PolicyRule = { apiGroups: [resource.group], resources: [target], verbs: [...verbs] }
  if (names !== undefined) rule.resourceNames = [...names]
  return rule
}

/** The identity a built-in controller acts with. */
export function controllerIdentity(name: string, user?: string): ControllerIdentity {
  if (user !== undefined) return { name: user, uid: '', groups: ['system:authenticated'], extra: new Map() }
  return {
    name: `system:serviceaccount:${NAMESPACE}:${name}`,
    uid: '',
    groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'],
    extra: new Map(),
  }
}
