/** What may make a Pod schedulable that hard constraints kept out. Upstream: plugins/podtopologyspread/plugin.go. */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { type Change, isSamePod } from '../../framework/change.ts'
import type { FrozenPod } from '../../framework/interfaces.ts'
import type { SpreadConstraint } from './constraints.ts'
import { hasAllTopologyKeys } from './constraints.ts'

/** A Pod that is counted came, went, or began or ceased to be counted; or the Pod tolerates more nodes than before. */
export function podChangeMayHelp(
  pod: FrozenPod,
  constraints: readonly SpreadConstraint[],
  { old, object }: Change<Pod>,
): boolean {
  const isInvolved = (other: FrozenPod): boolean =>
    isSamePod(pod, other) || ((other.spec.nodeName ?? '') !== '' && other.metadata.namespace === pod.metadata.namespace)
  if ([old, object].some((other) => other !== undefined && !isInvolved(other))) return false
  if (isSamePod(pod, object) && constraints.some(({ honorsTaints }) => honorsTaints))
    if (!deepEqual(old?.spec.tolerations, object?.spec.tolerations)) return true
  const isMatched = ({ selector }: SpreadConstraint, other: FrozenPod | undefined): boolean =>
    other !== undefined && selector.matches(other.metadata.labels)
  return constraints.some((constraint) => isMatched(constraint, old) !== isMatched(constraint, object))
}

/** A node with all topology keys came, went, or changed its domain or taints. */
export function nodeChangeMayHelp(constraints: readonly SpreadConstraint[], { old, object }: Change<Node>): boolean {
  const wasIn = old !== undefined && hasAllTopologyKeys(old, constraints)
  const isIn = object !== undefined && hasAllTopologyKeys(object, constraints)
  if (!wasIn || !isIn) return wasIn || isIn
  const hasMoved = constraints.some(
    ({ topologyKey }) => old.metadata.labels?.[topologyKey] !== object.metadata.labels?.[topologyKey],
  )
  return hasMoved || !deepEqual(old.spec.taints, object.spec.taints)
}
