/**
 * Which group and which version comes first in discovery: kubectl resolves short names in this order.
 * Upstream: pkg/controlplane/apiserver/aggregator.go (priorities), apimachinery pkg/version/helpers.go.
 */

export interface ApiPriority {
  /** APIService's groupPriorityMinimum: the group's is the highest of its versions'. */
  readonly group: number
  /** versionPriority. */
  readonly version: number
}

/** By `group/version`, of what this server serves itself. */
export const BUILT_IN_PRIORITIES: ReadonlyMap<string, ApiPriority> = new Map(
  Object.entries({
    '/v1': [18000, 1],
    'apps/v1': [17800, 15],
    'events.k8s.io/v1': [17750, 15],
    'authentication.k8s.io/v1': [17700, 15],
    'authorization.k8s.io/v1': [17600, 15],
    'autoscaling/v1': [17500, 15],
    'autoscaling/v2': [17500, 30],
    'batch/v1': [17400, 15],
    'certificates.k8s.io/v1': [17300, 15],
    'certificates.k8s.io/v1beta1': [17300, 9],
    'certificates.k8s.io/v1alpha1': [17300, 1],
    'networking.k8s.io/v1': [17200, 15],
    'networking.k8s.io/v1beta1': [17200, 9],
    'policy/v1': [17100, 15],
    'rbac.authorization.k8s.io/v1': [17000, 15],
    'storage.k8s.io/v1': [16800, 15],
    'storage.k8s.io/v1beta1': [16800, 9],
    'storage.k8s.io/v1alpha1': [16800, 1],
    'apiextensions.k8s.io/v1': [16700, 15],
    'admissionregistration.k8s.io/v1': [16700, 15],
    'admissionregistration.k8s.io/v1beta1': [16700, 12],
    'admissionregistration.k8s.io/v1alpha1': [16700, 9],
    'scheduling.k8s.io/v1': [16600, 15],
    'coordination.k8s.io/v1': [16500, 15],
    'coordination.k8s.io/v1beta1': [16500, 13],
    'coordination.k8s.io/v1alpha2': [16500, 12],
    'node.k8s.io/v1': [16300, 15],
    'discovery.k8s.io/v1': [16200, 15],
    'flowcontrol.apiserver.k8s.io/v1': [16100, 21],
    'internal.apiserver.k8s.io/v1alpha1': [16000, 9],
    'resource.k8s.io/v1': [15900, 20],
    'resource.k8s.io/v1beta2': [15900, 15],
    'resource.k8s.io/v1beta1': [15900, 10],
    'resource.k8s.io/v1alpha3': [15900, 9],
    'storagemigration.k8s.io/v1beta1': [15800, 9],
  }).map(([groupVersion, [group = 0, version = 0]]) => [groupVersion, { group, version }]),
)
/** Of the versions of custom resources, which are then ordered as versions of Kubernetes are. */
export const CUSTOM_RESOURCE_PRIORITY: ApiPriority = { group: 1000, version: 100 }

/** The group of the APIServices themselves has none and is first. */
const GROUP_PRIORITIES: ReadonlyMap<string, number> = new Map([
  ...[...BUILT_IN_PRIORITIES].map(([key, { group }]) => [key.slice(0, key.lastIndexOf('/')), group] as const),
  ['apiregistration.k8s.io', 17900],
])

export function groupPriority(group: string): number {
  return GROUP_PRIORITIES.get(group) ?? CUSTOM_RESOURCE_PRIORITY.group
}

export function compareGroups(a: string, b: string): number {
  const byPriority = groupPriority(b) - groupPriority(a)
  if (byPriority !== 0) return byPriority
  return a < b ? -1 : a > b ? 1 : 0
}

const KUBE_VERSION = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/
const STABILITY: Readonly<Record<string, number>> = { alpha: 0, beta: 1, ga: 2 }

/** Newest stable first: v2, v1, v2beta1, v1beta2, v1alpha1, then anything else by name. */
export function compareVersions(a: string, b: string): number {
  const left = KUBE_VERSION.exec(a)
  const right = KUBE_VERSION.exec(b)
  if (left === null || right === null) {
    if (left !== null) return -1
    if (right !== null) return 1
    return a < b ? -1 : a > b ? 1 : 0
  }
  const stability = (STABILITY[right[2] ?? 'ga'] ?? 0) - (STABILITY[left[2] ?? 'ga'] ?? 0)
  if (stability !== 0) return stability
  return Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0)
}
