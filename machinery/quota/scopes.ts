/**
 * Whether a quota's scopes cover an object. Only pods and claims have scopes: a scoped quota leaves the rest alone.
 * Upstream: pkg/quota/v1/evaluator/core/{pods,persistent_volume_claims}.go *MatchesScopeFunc.
 */
import type {
  PersistentVolumeClaim,
  Pod,
  PodAffinityTerm,
  ResourceQuotaSpec,
  ScopedResourceSelectorRequirement,
} from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenPod = DeepReadonly<Pod>
type Requirement = DeepReadonly<ScopedResourceSelectorRequirement>

export function matchesScopes(
  spec: DeepReadonly<ResourceQuotaSpec> | undefined,
  { group, resource }: GroupResource,
  object: DeepReadonly<KubeObject>,
): boolean {
  const required = requirementsOf(spec)
  if (required.length === 0) return true
  if (group !== '') return false
  if (resource === 'pods') return required.every((requirement) => podMatches(object as FrozenPod, requirement))
  if (resource !== 'persistentvolumeclaims') return false
  const claim = object as DeepReadonly<PersistentVolumeClaim>
  return required.every((requirement) => claimMatches(claim, requirement))
}

function requirementsOf(spec: DeepReadonly<ResourceQuotaSpec> | undefined): readonly Requirement[] {
  const scopes = (spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' }))
  return [...scopes, ...(spec?.scopeSelector?.matchExpressions ?? [])]
}

function podMatches(pod: FrozenPod, requirement: Requirement): boolean {
  switch (requirement.scopeName) {
    case 'Terminating':
      return isTerminating(pod)
    case 'NotTerminating':
      return !isTerminating(pod)
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'PriorityClass':
      return valueMatches(pod.spec.priorityClassName ?? '', requirement)
    case 'CrossNamespacePodAffinity':
      return usesCrossNamespaceAffinity(pod)
    default:
      return false
  }
}

function claimMatches(claim: DeepReadonly<PersistentVolumeClaim>, requirement: Requirement): boolean {
  if (requirement.scopeName !== 'VolumeAttributesClass') return false
  const names = [
    claim.spec.volumeAttributesClassName,
    claim.status?.currentVolumeAttributesClassName,
    claim.status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== '')
  if (names.length === 0) return valueMatches('', requirement)
  return names.some((name) => valueMatches(name ?? '', requirement))
}

/** '' = the object has no such value. */
function valueMatches(value: string, { operator, values = [] }: Requirement): boolean {
  switch (operator) {
    case 'Exists':
      return value !== ''
    case 'DoesNotExist':
      return value === ''
    case 'In':
      return value !== '' && values.includes(value)
    case 'NotIn':
      return value === '' || !values.includes(value)
    default:
      return false
  }
}

const isTerminating = ({ spec }: FrozenPod): boolean => (spec.activeDeadlineSeconds ?? -1) >= 0

function isBestEffort({ spec, status }: FrozenPod): boolean {
  if (status?.qosClass !== undefined) return status.qosClass === 'BestEffort'
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  return ![spec.resources, ...containers.map(({ resources }) => resources)].some(
    (resources) => hasCompute(resources?.requests) || hasCompute(resources?.limits),
  )
}

function hasCompute(list: Readonly<Record<string, string>> | undefined): boolean {
  return ['cpu', 'memory'].some((name) => (tryParseQuantity(String(list?.[name] ?? '0'))?.sign ?? 0) > 0)
}

function usesCrossNamespaceAffinity({ spec: { affinity } }: FrozenPod): boolean {
  const crosses = (term: DeepReadonly<PodAffinityTerm> | undefined): boolean =>
    (term?.namespaces ?? []).length > 0 || term?.namespaceSelector !== undefined
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some(
    (side) =>
      (side?.requiredDuringSchedulingIgnoredDuringExecution ?? []).some(crosses) ||
      (side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).some(({ podAffinityTerm }) =>
        crosses(podAffinityTerm),
      ),
  )
}
