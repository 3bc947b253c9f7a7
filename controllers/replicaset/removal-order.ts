/**
 * Which replicas go first when there are too many. Pure. Upstream: pkg/controller/controller_utils.go ActivePodsWithRanks,
 * pkg/controller/replicaset getPodsRankedByRelatedPodsOnSameNode.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodActive, isPodReady } from '../manager/pod-control.ts'

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'

interface RankedPod {
  readonly pod: DeepReadonly<Pod>
  /** Smaller goes earlier; compared in order. */
  readonly ranks: readonly number[]
}

/**
 * Unassigned, earlier phase, not ready, cheaper to delete, more related Pods on its node, ready for less long (by order of
 * magnitude), restarted more, younger (likewise). `related`: Pods that count for a node, of the same or a sibling owner.
 */
export function inRemovalOrder(
  pods: readonly DeepReadonly<Pod>[],
  related: readonly DeepReadonly<Pod>[],
  nowMs: number,
): DeepReadonly<Pod>[] {
  const perNode = new Map<string, number>()
  for (const { spec } of related.filter(isPodActive)) {
    const node = spec.nodeName ?? ''
    perNode.set(node, (perNode.get(node) ?? 0) + 1)
  }
  return pods
    .map((pod): RankedPod => ({ pod, ranks: ranksOf(pod, perNode.get(pod.spec.nodeName ?? '') ?? 0, nowMs) }))
    .sort(compare)
    .map(({ pod }) => pod)
}

function compare(a: RankedPod, b: RankedPod): number {
  for (const [i, rank] of a.ranks.entries()) {
    const difference = rank - (b.ranks[i] ?? 0)
    if (difference !== 0) return difference
  }
  return (a.pod.metadata.uid ?? '') < (b.pod.metadata.uid ?? '') ? -1 : 1
}

const PHASE_RANK = new Map([
  ['Pending', 0],
  ['Unknown', 1],
  ['Running', 2],
])

function ranksOf(pod: DeepReadonly<Pod>, neighbours: number, nowMs: number): number[] {
  const isReady = isPodReady(pod)
  return [
    (pod.spec.nodeName ?? '') === '' ? 0 : 1,
    PHASE_RANK.get(pod.status?.phase ?? 'Pending') ?? 0,
    isReady ? 1 : 0,
    deletionCostOf(pod),
    -neighbours,
    isReady ? magnitude(nowMs - readySinceMs(pod)) : 0,
    -restartsOf(pod),
    magnitude(nowMs - (Date.parse(pod.metadata.creationTimestamp ?? '') || nowMs)),
  ]
}

/** A value that is no 32-bit integer counts as 0, as upstream's admission would refuse it. */
function deletionCostOf({ metadata }: DeepReadonly<Pod>): number {
  const text = metadata.annotations?.[DELETION_COST] ?? ''
  return /^(0|-?[1-9][0-9]{0,9})$/.test(text) ? Number(text) : 0
}

/** Ages of the same order of magnitude are equal, so that not always the same node loses its Pods. */
function magnitude(ageMs: number): number {
  return ageMs <= 0 ? 0 : Math.floor(Math.log2(ageMs))
}

function readySinceMs({ status }: DeepReadonly<Pod>): number {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return Date.parse(ready?.lastTransitionTime ?? '') || 0
}

/** Restarts of the most restarted container; sidecars count like containers. */
function restartsOf({ spec, status }: DeepReadonly<Pod>): number {
  const sidecars = new Set(
    (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  )
  const statuses = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ]
  return Math.max(0, ...statuses.map(({ restartCount }) => restartCount))
}
