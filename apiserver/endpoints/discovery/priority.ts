/**
 * Which group and which version comes first in discovery: kubectl resolves short names in this order.
 * Upstream: pkg/controlplane (API priorities), apimachinery pkg/version/helpers.go.
 */

const GROUP_ORDER = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'storagemigration.k8s.io',
  'internal.apiserver.k8s.io',
]

export function compareGroups(a: string, b: string): number {
  const byRank = rank(a) - rank(b)
  if (byRank !== 0) return byRank
  return a < b ? -1 : a > b ? 1 : 0
}

function rank(group: string): number {
  const index = GROUP_ORDER.indexOf(group)
  return index === -1 ? GROUP_ORDER.length : index
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
