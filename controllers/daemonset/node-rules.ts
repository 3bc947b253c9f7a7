/**
 * Which nodes a DaemonSet's Pods belong on. Pure; parsed once per version of a DaemonSet.
 * Upstream: pkg/controller/daemon/daemon_controller.go NodeShouldRunDaemonPod, util/daemonset_util.go AddOrUpdateDaemonPodTolerations.
 */
import type { DaemonSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { Node, Pod, PodSpec, Taint, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import { requiredNodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import { findUntoleratedTaint, repels } from '#machinery/scheduling/tolerations.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type DaemonSetView = DeepReadonly<DaemonSet>
export type NodeView = DeepReadonly<Node>

export interface Verdict {
  /** A Pod is to be made there. */
  readonly shouldRun: boolean
  /** A Pod that is there may stay. */
  readonly mayStay: boolean
}

const NEVER: Verdict = { shouldRun: false, mayStay: false }

export type NodeRules = (node: NodeView) => Verdict

const cache = new WeakMap<DaemonSetView, NodeRules>()

/** `daemonSet`: frozen, as a lister returns it. `comparesNumbers`: see tolerations.ts; the same for the whole process. */
export function nodeRulesOf(daemonSet: DaemonSetView, comparesNumbers: boolean): NodeRules {
  const known = cache.get(daemonSet)
  if (known !== undefined) return known
  const rules = parseRules(daemonSet, comparesNumbers)
  cache.set(daemonSet, rules)
  return rules
}

function parseRules(daemonSet: DaemonSetView, comparesNumbers: boolean): NodeRules {
  const spec = daemonSet.spec.template.spec ?? { containers: [] }
  const { nodeName = '' } = spec
  const affinity = requiredNodeMatcher({ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec } as DeepReadonly<Pod>)
  const tolerations = daemonTolerations(spec)
  return (node) => {
    if (nodeName !== '' && nodeName !== node.metadata.name) return NEVER
    if (!affinity.matches(node)) return NEVER
    const { taints } = node.spec ?? {}
    const isRepelled = findUntoleratedTaint(taints, tolerations, repels, comparesNumbers) !== undefined
    if (!isRepelled) return { shouldRun: true, mayStay: true }
    const evicting = findUntoleratedTaint(taints, tolerations, evicts, comparesNumbers)
    return { shouldRun: false, mayStay: evicting === undefined }
  }
}

const evicts = ({ effect }: DeepReadonly<Taint>): boolean => effect === 'NoExecute'

/** Cheap: most node updates are heartbeats. What the rules read of a node stands here. */
export function mayChangeVerdict(before: NodeView, after: NodeView): boolean {
  return (
    !deepEqual(before.metadata.labels, after.metadata.labels) || !deepEqual(before.spec?.taints, after.spec?.taints)
  )
}

/** Node troubles do not drive daemons away: some of them are there to mend those. */
const DEFAULT_TOLERATIONS: readonly (readonly [key: string, effect: string])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
]
const NETWORK_UNAVAILABLE = ['node.kubernetes.io/network-unavailable', 'NoSchedule'] as const

/** The template's tolerations and the default ones, which replace those that differ in how long they tolerate. */
export function daemonTolerations(spec: DeepReadonly<PodSpec>): Toleration[] {
  const tolerations: Toleration[] = (spec.tolerations ?? []).map((toleration) => ({ ...toleration }))
  const added = spec.hostNetwork === true ? [...DEFAULT_TOLERATIONS, NETWORK_UNAVAILABLE] : DEFAULT_TOLERATIONS
  for (const [key, effect] of added) {
    const toleration = { key, operator: 'Exists', effect }
    const same = tolerations.findIndex((found) => isSameToleration(found, toleration))
    if (same === -1) tolerations.push(toleration)
    else tolerations[same] = toleration
  }
  return tolerations
}

function isSameToleration(a: Toleration, b: Toleration): boolean {
  return a.key === b.key && (a.effect ?? '') === b.effect && a.operator === b.operator && (a.value ?? '') === ''
}
