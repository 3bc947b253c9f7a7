/** Short forms for writing down RBAC policy. Lists are sorted as upstream sorts them, so that objects compare equal. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '#machinery/api/rbac/v1/types.gen.ts'

export const CORE = ''
export const APPS = 'apps'
export const AUTHENTICATION = 'authentication.k8s.io'
export const AUTHORIZATION = 'authorization.k8s.io'
export const AUTOSCALING = 'autoscaling'
export const BATCH = 'batch'
export const CERTIFICATES = 'certificates.k8s.io'
export const COORDINATION = 'coordination.k8s.io'
export const DISCOVERY = 'discovery.k8s.io'
const EVENTS = 'events.k8s.io'
export const EXTENSIONS = 'extensions'
export const NETWORKING = 'networking.k8s.io'
export const POLICY = 'policy'
export const RBAC = 'rbac.authorization.k8s.io'
export const RESOURCE = 'resource.k8s.io'
export const STORAGE = 'storage.k8s.io'

export const READ = 'get list watch'
export const WRITE = 'create update patch delete deletecollection'
export const READ_WRITE = `${READ} ${WRITE}`
export const READ_UPDATE = `${READ} update patch`

const RBAC_VERSION = `${RBAC}/v1`
export const AUTO_UPDATE_ANNOTATION = 'rbac.authorization.kubernetes.io/autoupdate'
const BOOTSTRAP_LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

const words = (text: string): string[] => (text === '' ? [] : text.split(' ').sort())

/** `verbs` and `resources` are separated by spaces; `groups` may be several. */
export function rule(verbs: string, groups: string | readonly string[], resources: string, names = ''): PolicyRule {
  const apiGroups = typeof groups === 'string' ? [groups] : [...groups].sort()
  const base = { verbs: words(verbs), apiGroups, resources: words(resources) }
  return names === '' ? base : { ...base, resourceNames: words(names) }
}

/** As upstream writes what several features ask for: one rule each. */
export function rulePerResource(verbs: string, group: string, resources: string): PolicyRule[] {
  return resources.split(' ').map((resource) => rule(verbs, group, resource))
}

export function urlRule(verbs: string, urls: string): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(urls) }
}

export const eventsRule = (): PolicyRule => rule('create update patch', [CORE, EVENTS], 'events')

function bootstrapMetadata(name: string, labels: Record<string, string> = {}) {
  return {
    name,
    labels: { ...BOOTSTRAP_LABELS, ...labels },
    annotations: { [AUTO_UPDATE_ANNOTATION]: 'true' },
  }
}

export function clusterRole(name: string, rules: PolicyRule[], labels?: Record<string, string>): ClusterRole {
  return { apiVersion: RBAC_VERSION, kind: 'ClusterRole', metadata: bootstrapMetadata(name, labels), rules }
}

/** Its rules are collected by the clusterrole-aggregation-controller. */
export function aggregatedClusterRole(name: string, labels?: Record<string, string>): ClusterRole {
  return {
    apiVersion: RBAC_VERSION,
    kind: 'ClusterRole',
    metadata: bootstrapMetadata(name, labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
  }
}

export function aggregateTo(name: string): Record<string, string> {
  return { [`${RBAC}/aggregate-to-${name}`]: 'true' }
}

export function clusterRoleBinding(roleName: string, subjects: Subject[]): ClusterRoleBinding {
  return {
    apiVersion: RBAC_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: bootstrapMetadata(roleName),
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: roleName },
    ...(subjects.length === 0 ? {} : { subjects }),
  }
}

export function namespacedRole(namespace: string, name: string, rules: PolicyRule[]): Role {
  return { apiVersion: RBAC_VERSION, kind: 'Role', metadata: { ...bootstrapMetadata(name), namespace }, rules }
}

export function namespacedBinding(
  namespace: string,
  roleName: string,
  subjects: Subject[],
  name: string = roleName,
): RoleBinding {
  return {
    apiVersion: RBAC_VERSION,
    kind: 'RoleBinding',
    metadata: { ...bootstrapMetadata(name), namespace },
    roleRef: { apiGroup: RBAC, kind: 'Role', name: roleName },
    subjects,
  }
}

export const userSubject = (name: string): Subject => ({ kind: 'User', apiGroup: RBAC, name })
export const groupSubject = (name: string): Subject => ({ kind: 'Group', apiGroup: RBAC, name })
export const serviceAccountSubject = (name: string, namespace = 'kube-system'): Subject => ({
  kind: 'ServiceAccount',
  name,
  namespace,
})
