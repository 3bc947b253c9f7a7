/**
 * Spread constraints of a Pod, parsed: what is counted, on which nodes, how uneven it may be.
 * Upstream: plugins/podtopologyspread/common.go.
 */
import type { TopologySpreadConstraint } from '#machinery/api/core/v1/types.gen.ts'
import type { NodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import { findUntoleratedTaint, repels } from '#machinery/scheduling/tolerations.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenNode, FrozenPod } from '../../framework/interfaces.ts'

export type FrozenConstraint = DeepReadonly<TopologySpreadConstraint>

export const HOSTNAME = 'kubernetes.io/hostname'
export const ZONE = 'topology.kubernetes.io/zone'

export interface SpreadConstraint {
  readonly maxSkew: number
  readonly topologyKey: string
  readonly selector: LabelSelectorMatcher
  readonly minDomains: number
  readonly honorsAffinity: boolean
  readonly honorsTaints: boolean
  /** Of tolerations: see tolerations.ts. */
  readonly comparesNumbers: boolean
  /** Pods of the namespace that the selector matches; those on their way out do not count. */
  isCounted(pod: FrozenPod): boolean
  /** What `isCounted` asks, as text. */
  readonly question: string
}

/** Those that are hard (`DoNotSchedule`) or soft (`ScheduleAnyway`). Throws an Error for a selector that cannot be parsed. */
export function parseConstraints(
  constraints: readonly FrozenConstraint[],
  { metadata }: FrozenPod,
  action: string,
  comparesNumbers = false,
): SpreadConstraint[] {
  const { namespace = '', labels = {} } = metadata
  return constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => ({
      maxSkew: constraint.maxSkew,
      topologyKey: constraint.topologyKey,
      minDomains: constraint.minDomains ?? 1,
      honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
      honorsTaints: (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
      comparesNumbers,
      ...countedBy(selectorOf(constraint, labels), namespace),
    }))
}

/** What is counted. */
export function countedBy(
  selector: LabelSelectorMatcher,
  namespace: string,
): Pick<SpreadConstraint, 'selector' | 'isCounted' | 'question'> {
  return {
    selector,
    question: `spread ${namespace} ${selector}`,
    isCounted: ({ metadata }) =>
      metadata.deletionTimestamp === undefined && metadata.namespace === namespace && selector.matches(metadata.labels),
  }
}

/**
 * matchLabelKeys: Pods are compared with those that have the same values as the incoming one. The API server writes that
 * into the selector when a Pod is made; a Pod from before it did is read as if it had.
 */
function selectorOf(
  { labelSelector, matchLabelKeys }: FrozenConstraint,
  labels: Readonly<Record<string, string>>,
): LabelSelectorMatcher {
  if (labelSelector === undefined || matchLabelKeys === undefined) return labelSelectorAsMatcher(labelSelector)
  const { matchExpressions = [] } = labelSelector
  const missing = matchLabelKeys.flatMap((key) => {
    const value = labels[key]
    const isWritten = matchExpressions.some((expression) => expression.key === key)
    return value === undefined || isWritten ? [] : [{ key, operator: 'In', values: [value] }]
  })
  return labelSelectorAsMatcher({ ...labelSelector, matchExpressions: [...matchExpressions, ...missing] })
}

/** Does the node count at all, by the constraint's inclusion policies? */
export function isNodeIncluded(
  { honorsAffinity, honorsTaints, comparesNumbers }: SpreadConstraint,
  pod: FrozenPod,
  node: FrozenNode,
  required: NodeMatcher,
): boolean {
  if (honorsAffinity && !required.matches(node)) return false
  if (!honorsTaints) return true
  return findUntoleratedTaint(node.spec?.taints, pod.spec.tolerations, repels, comparesNumbers) === undefined
}

export function hasAllTopologyKeys(node: FrozenNode, constraints: readonly SpreadConstraint[]): boolean {
  const labels = node.metadata.labels ?? {}
  return constraints.every(({ topologyKey }) => labels[topologyKey] !== undefined)
}
