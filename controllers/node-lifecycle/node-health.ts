/**
 * Has a node been heard of lately, and what is written when it has not? Pure.
 * Upstream: pkg/controller/nodelifecycle tryUpdateNodeHealth.
 */
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { Node, NodeCondition } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenNode = DeepReadonly<Node>
type ReadyCondition = DeepReadonly<NodeCondition>

export interface NodeHealth {
  /** When the last sign of life was noticed, by our clock: nodes' clocks do not matter. */
  readonly probeMs: number
  /** The Ready condition then. */
  readonly ready: ReadyCondition | undefined
  /** renewTime of the Lease then. */
  readonly renewTime: string | undefined
}

export interface GracePeriods {
  /** For nodes that have a Ready condition. Upstream: --node-monitor-grace-period. */
  readonly monitorMs: number
  /** For nodes that have never posted one. Upstream: --node-startup-grace-period. */
  readonly startupMs: number
}

/** Conditions that only the kubelet can know; NetworkUnavailable is not among them. */
const KUBELET_CONDITIONS = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

export function conditionOf({ status }: FrozenNode, type: string): ReadyCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}

/** What is known after looking at the node and its Lease now. A changed heartbeat or a renewed Lease is a sign of life. */
export function observeHealth(
  before: NodeHealth | undefined,
  node: FrozenNode,
  lease: DeepReadonly<Lease> | undefined,
  nowMs: number,
): NodeHealth {
  const ready = conditionOf(node, 'Ready')
  const renewTime = lease?.spec?.renewTime
  const isRenewed = renewTime !== undefined && (before?.renewTime === undefined || isAfter(renewTime, before.renewTime))
  if (isRenewed) return { probeMs: nowMs, ready, renewTime }
  return { probeMs: probeOf(before, node, ready, nowMs), ready, renewTime: before?.renewTime }
}

function probeOf(
  before: NodeHealth | undefined,
  { metadata }: FrozenNode,
  ready: ReadyCondition | undefined,
  nowMs: number,
): number {
  if (before === undefined) return ready === undefined ? Date.parse(metadata.creationTimestamp ?? '') || nowMs : nowMs
  const hasAppearedOrGone = (before.ready === undefined) !== (ready === undefined)
  return hasAppearedOrGone || before.ready?.lastHeartbeatTime !== ready?.lastHeartbeatTime ? nowMs : before.probeMs
}

function isAfter(time: string, other: string): boolean {
  return Date.parse(time) > Date.parse(other)
}

export function isOverdue({ probeMs, ready }: NodeHealth, grace: GracePeriods, nowMs: number): boolean {
  return nowMs > probeMs + (ready === undefined ? grace.startupMs : grace.monitorMs)
}

/** The node's conditions with all the kubelet's at Unknown, or undefined when Ready already is. `now`: metav1.Time. */
export function unknownConditions(node: FrozenNode, now: string): NodeCondition[] | undefined {
  if (conditionOf(node, 'Ready')?.status === 'Unknown') return undefined
  const conditions: NodeCondition[] = (node.status?.conditions ?? []).map((condition) => ({ ...condition }))
  for (const type of KUBELET_CONDITIONS) {
    const index = conditions.findIndex((condition) => condition.type === type)
    const current = conditions[index]
    if (current === undefined) conditions.push(neverUpdated(type, node, now))
    else if (current.status !== 'Unknown') conditions[index] = stoppedPosting(current, now)
  }
  return conditions
}

function neverUpdated(type: string, { metadata }: FrozenNode, now: string): NodeCondition {
  return {
    type,
    status: 'Unknown',
    lastHeartbeatTime: metadata.creationTimestamp ?? now,
    lastTransitionTime: now,
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
  }
}

function stoppedPosting(condition: NodeCondition, now: string): NodeCondition {
  return {
    ...condition,
    status: 'Unknown',
    lastTransitionTime: now,
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
  }
}
