/**
 * Where Pods of a DaemonSet are missing and where they are too many, updates apart. Pure.
 * Upstream: pkg/controller/daemon/daemon_controller.go podsShouldBeOnNode, getUnscheduledPodsWithoutNode.
 */
import { isPodAvailable } from '../manager/pod-availability.ts'
import { isPodFinished, isPodReady } from '../manager/pod-control.ts'
import type { PodView } from './daemon-pod.ts'
import { hasHash, targetNodeOf } from './daemon-pod.ts'
import type { DaemonSetView, NodeRules, NodeView } from './node-rules.ts'

/** A DaemonSet on its nodes, at one moment. */
export interface Daemons {
  readonly daemonSet: DaemonSetView
  readonly rules: NodeRules
  readonly nodes: readonly NodeView[]
  /** Its Pods by the node they are for, those that are being deleted among them. */
  readonly podsByNode: ReadonlyMap<string, readonly PodView[]>
  /** Of the current revision. */
  readonly hash: string
  readonly nowMs: number
}

export interface Placement {
  /** Nodes. */
  readonly create: readonly string[]
  readonly remove: readonly PodView[]
  /** Ended on nodes where they should run on: deleted to be made anew, the failed ones not too often. */
  readonly failed: readonly PodView[]
  readonly succeeded: readonly PodView[]
}

/** Finished Pods that are being deleted have nothing more to do here. */
export function podsByNodeOf(pods: readonly PodView[]): ReadonlyMap<string, readonly PodView[]> {
  const byNode = new Map<string, PodView[]>()
  for (const pod of pods) {
    if (isPodFinished(pod) && pod.metadata.deletionTimestamp !== undefined) continue
    const node = targetNodeOf(pod)
    if (node === undefined) continue
    const there = byNode.get(node)
    if (there === undefined) byNode.set(node, [pod])
    else there.push(pod)
  }
  return byNode
}

const allowsSurge = ({ spec }: DaemonSetView): boolean => {
  const { type, rollingUpdate } = spec.updateStrategy ?? {}
  const { maxSurge = 0 } = rollingUpdate ?? {}
  return type === 'RollingUpdate' && maxSurge !== 0 && maxSurge !== '0%'
}

export const isAvailable = ({ daemonSet, nowMs }: Daemons, pod: PodView): boolean =>
  isPodAvailable(pod, daemonSet.spec.minReadySeconds, nowMs)

export function planPlacement(daemons: Daemons): Placement {
  const plan = { create: [], remove: [], failed: [], succeeded: [] } satisfies MutablePlacement as MutablePlacement
  for (const node of daemons.nodes) planNode(daemons, node, plan)
  removeUnplaceable(daemons, plan)
  return plan
}

interface MutablePlacement {
  create: string[]
  remove: PodView[]
  failed: PodView[]
  succeeded: PodView[]
}

function planNode(daemons: Daemons, node: NodeView, plan: MutablePlacement): void {
  const { name = '' } = node.metadata
  const { shouldRun, mayStay } = daemons.rules(node)
  const there = daemons.podsByNode.get(name)
  if (there === undefined) {
    if (shouldRun) plan.create.push(name)
    return
  }
  const staying = there.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  if (!mayStay) {
    plan.remove.push(...staying)
    return
  }
  plan.failed.push(...staying.filter(({ status }) => status?.phase === 'Failed'))
  plan.succeeded.push(...staying.filter(({ status }) => status?.phase === 'Succeeded'))
  const running = staying.filter((pod) => !isPodFinished(pod)).sort(scheduledThenOldest)
  if (!allowsSurge(daemons.daemonSet)) plan.remove.push(...running.slice(1))
  else if (running.length > 1) plan.remove.push(...surplusWhileSurging(daemons, running))
  // While surging an old Pod that is on its way out need not be waited for.
  else if (running.length === 0 && shouldRun) plan.create.push(name)
}

/**
 * Two may be there: an old one that works, and a new one that does not yet. Differs: of several old ones (the template changed
 * again during an update) one that works is kept, not the first by time, which has seconds only.
 */
function surplusWhileSurging(daemons: Daemons, running: readonly PodView[]): readonly PodView[] {
  const newest = keptOf(running.filter((pod) => hasHash(pod, daemons.hash)))
  const oldest = keptOf(running.filter((pod) => !hasHash(pod, daemons.hash)))
  const surplus = running.filter((pod) => pod !== newest && pod !== oldest)
  if (newest === undefined || oldest === undefined) return surplus
  return !isPodReady(oldest) || isAvailable(daemons, newest) ? [...surplus, oldest] : surplus
}

const keptOf = (pods: readonly PodView[]): PodView | undefined => pods.find(isPodReady) ?? pods[0]

/** Pods for nodes that are gone and were never bound: nobody else would find them. */
function removeUnplaceable({ nodes, podsByNode }: Daemons, plan: MutablePlacement): void {
  const names = new Set(nodes.map(({ metadata }) => metadata.name))
  for (const [node, pods] of podsByNode) {
    if (names.has(node)) continue
    const waiting = pods.filter(({ metadata, spec }) => (spec.nodeName ?? '') === '' && !metadata.deletionTimestamp)
    plan.remove.push(...waiting)
  }
}

export function scheduledThenOldest(a: PodView, b: PodView): number {
  const isScheduled = ({ spec }: PodView): boolean => (spec.nodeName ?? '') !== ''
  if (isScheduled(a) !== isScheduled(b)) return isScheduled(a) ? -1 : 1
  const [first, second] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (first !== second) return first < second ? -1 : 1
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}
