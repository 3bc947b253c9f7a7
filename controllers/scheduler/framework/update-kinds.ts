/** What an update of a node or Pod changed that scheduling depends on. Upstream: scheduler framework/events.go (v1.36). */
import { deepEqual } from '#machinery/util/json.ts'
import type { FrozenNode, FrozenPod, ResourceAmounts, UpdateKind } from './interfaces.ts'
import { podAmounts } from './resource-amounts.ts'

/** Heartbeats are none of them. */
export function nodeUpdateKinds(old: FrozenNode, node: FrozenNode): readonly UpdateKind[] {
  const kinds: UpdateKind[] = []
  const isUncordoned = old.spec.unschedulable === true && node.spec.unschedulable !== true
  if (!deepEqual(old.status?.allocatable, node.status?.allocatable)) kinds.push('UpdateNodeAllocatable')
  if (!deepEqual(old.metadata.labels, node.metadata.labels)) kinds.push('UpdateNodeLabel')
  if (isUncordoned || !deepEqual(old.spec.taints, node.spec.taints)) kinds.push('UpdateNodeTaint')
  if (!deepEqual(conditionsOf(old), conditionsOf(node))) kinds.push('UpdateNodeCondition')
  if (!deepEqual(old.metadata.annotations, node.metadata.annotations)) kinds.push('UpdateNodeAnnotation')
  if (!deepEqual(old.status?.declaredFeatures ?? [], node.status?.declaredFeatures ?? []))
    kinds.push('UpdateNodeDeclaredFeature')
  return kinds
}

/** Type -> status. */
const conditionsOf = ({ status }: FrozenNode): Readonly<Record<string, string>> =>
  Object.fromEntries((status?.conditions ?? []).map(({ type, status: value }) => [type, value]))

/** `isSameSize`: nothing its requests are computed from differs. */
export function podUpdateKinds(old: FrozenPod, pod: FrozenPod, isSameSize: boolean): readonly UpdateKind[] {
  const kinds: UpdateKind[] = []
  if (!deepEqual(old.metadata.labels ?? {}, pod.metadata.labels ?? {})) kinds.push('UpdatePodLabel')
  if (!isSameSize && isScaledDown(podAmounts(old).requests, podAmounts(pod).requests)) kinds.push('UpdatePodScaleDown')
  const gates = ({ spec }: FrozenPod): number => (spec.schedulingGates ?? []).length
  if (gates(old) > 0 && gates(pod) === 0) kinds.push('UpdatePodSchedulingGatesEliminated')
  // They can only be added.
  if ((old.spec.tolerations ?? []).length !== (pod.spec.tolerations ?? []).length) kinds.push('UpdatePodToleration')
  if (!deepEqual(old.status?.resourceClaimStatuses ?? [], pod.status?.resourceClaimStatuses ?? []))
    kinds.push('UpdatePodGeneratedResourceClaim')
  return kinds
}

function isScaledDown(old: ResourceAmounts, now: ResourceAmounts): boolean {
  if (now.milliCpu < old.milliCpu || now.memory < old.memory || now.ephemeralStorage < old.ephemeralStorage) return true
  return [...old.scalar].some(([name, amount]) => (now.scalar.get(name) ?? 0) < amount)
}
