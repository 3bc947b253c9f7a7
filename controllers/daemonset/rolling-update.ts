/**
 * Which old Pods of a DaemonSet go next, and on which nodes a new one may come first. Pure.
 * Upstream: pkg/controller/daemon/update.go rollingUpdate.
 */
import type { PodView } from './daemon-pod.ts'
import { isUpdated } from './daemon-pod.ts'
import type { Daemons } from './placement.ts'
import { isAvailable } from './placement.ts'

export interface RollingStep {
  /** Nodes that get a new Pod beside the old one. */
  readonly create: readonly string[]
  readonly remove: readonly PodView[]
}

export function planRollingStep(daemons: Daemons): RollingStep {
  const nodes = nodesOf(daemons)
  const { maxSurge, maxUnavailable } = limitsOf(daemons, nodes)
  return maxSurge === 0 ? planReplacing(nodes, maxUnavailable) : planSurging(nodes, maxSurge)
}

/** A node that has, or should have, a Pod. */
interface DaemonNode {
  readonly name: string
  readonly shouldRun: boolean
  /** Not being deleted. */
  readonly oldPods: readonly PodView[]
  readonly newPods: readonly PodView[]
  readonly isOldAvailable: boolean
  readonly isNewAvailable: boolean
}

function nodesOf(daemons: Daemons): readonly DaemonNode[] {
  const { nodes, podsByNode, rules } = daemons
  const wanted = new Set(nodes.filter((node) => rules(node).shouldRun).map(({ metadata }) => metadata.name ?? ''))
  const names = new Set([...podsByNode.keys(), ...wanted])
  return [...names].map((name) => {
    const pods = (podsByNode.get(name) ?? []).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    const newPods = pods.filter((pod) => isUpdated(pod, daemons))
    const oldPods = pods.filter((pod) => !isUpdated(pod, daemons))
    return {
      name,
      shouldRun: wanted.has(name),
      oldPods,
      newPods,
      isOldAvailable: oldPods.some((pod) => isAvailable(daemons, pod)),
      isNewAvailable: newPods.some((pod) => isAvailable(daemons, pod)),
    }
  })
}

export interface Limits {
  readonly maxSurge: number
  readonly maxUnavailable: number
}

/** Percentages of the nodes that should run one, rounded up; both zero would be a standstill. */
function limitsOf({ daemonSet }: Daemons, nodes: readonly DaemonNode[]): Limits {
  const wanted = nodes.filter(({ shouldRun }) => shouldRun).length
  const { rollingUpdate } = daemonSet.spec.updateStrategy ?? {}
  const maxSurge = scaled(rollingUpdate?.maxSurge ?? 0, wanted)
  const maxUnavailable = scaled(rollingUpdate?.maxUnavailable ?? 0, wanted)
  return { maxSurge, maxUnavailable: wanted > 0 && maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable }
}

function scaled(value: number | string, total: number): number {
  if (typeof value === 'number') return value
  const percent = Number(value.replace(/%$/, ''))
  return Number.isNaN(percent) ? 0 : Math.ceil((percent * total) / 100)
}

/** More than one of a kind: the placement clears that up first. */
const isSettled = ({ oldPods, newPods }: DaemonNode): boolean => oldPods.length <= 1 && newPods.length <= 1

/** Old ones make room for new ones; those that do not work go at once. */
function planReplacing(nodes: readonly DaemonNode[], maxUnavailable: number): RollingStep {
  const broken: PodView[] = []
  const candidates: PodView[] = []
  let unavailable = 0
  for (const node of nodes) {
    const [oldPod] = node.oldPods
    const isOldAlone = isSettled(node) && oldPod !== undefined && node.newPods.length === 0
    if (isOldAlone && node.isOldAvailable) {
      candidates.push(oldPod)
      continue
    }
    const isUpToDate = isSettled(node) && oldPod === undefined && node.isNewAvailable
    if (!isUpToDate) unavailable++
    if (isOldAlone) broken.push(oldPod)
  }
  return { create: [], remove: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] }
}

/** New ones come first; an old one goes when the new one on its node works, or when the old one does not. */
function planSurging(nodes: readonly DaemonNode[], maxSurge: number): RollingStep {
  const [remove, leaving]: [PodView[], PodView[]] = [[], []]
  const [create, candidates]: [string[], string[]] = [[], []]
  let surging = 0
  for (const node of nodes) {
    const [oldPod] = node.oldPods
    if (!isSettled(node)) surging++
    else if (oldPod === undefined) continue
    else if (node.newPods.length > 0) {
      if (node.isNewAvailable) remove.push(oldPod)
      else surging++
    } else if (node.shouldRun) (node.isOldAvailable ? candidates : create).push(node.name)
    else (node.isOldAvailable ? leaving : remove).push(oldPod)
  }
  // Who surges wants no gap: a node that is no longer wanted keeps its Pod until there are enough elsewhere.
  const spare = availableNodes(nodes) - nodes.filter(({ shouldRun }) => shouldRun).length
  return {
    create: [...create, ...candidates.slice(0, Math.max(0, maxSurge - surging))],
    remove: [...remove, ...leaving.slice(0, Math.max(0, spare))],
  }
}

function availableNodes(nodes: readonly DaemonNode[]): number {
  return nodes.filter(
    (node) => isSettled(node) && (node.oldPods.length > 0 ? node.isOldAvailable : node.isNewAvailable),
  ).length
}
