/**
 * Which replicas go first when there are too many. Pure. Upstream: pkg/controller/controller_utils.go ActivePodsWithRanks,
 * pkg/controller/replicaset getPodsRankedByRelatedPodsOnSameNode.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { compareRestarts, compareStages, creationMs, isPodActive, readySinceMs } from '../manager/pod-control.ts'

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const MAX_INT32 = 2_147_483_647

/** A Pod and how many related Pods its node has. */
interface RankedPod {
  readonly pod: DeepReadonly<Pod>
  readonly neighbours: number
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
    .map((pod): RankedPod => ({ pod, neighbours: perNode.get(pod.spec.nodeName ?? '') ?? 0 }))
    .sort((a, b) => compare(a, b, nowMs))
    .map(({ pod }) => pod)
}

function compare(a: RankedPod, b: RankedPod, nowMs: number): number {
  return (
    compareStages(a.pod, b.pod) ||
    deletionCostOf(a.pod) - deletionCostOf(b.pod) ||
    b.neighbours - a.neighbours ||
    compareAges(a.pod, b.pod, readySinceMs, nowMs) ||
    compareRestarts(a.pod, b.pod) ||
    compareAges(a.pod, b.pod, creationMs, nowMs) ||
    byUid(a.pod, b.pod)
  )
}

/** Zero, and what is asked next decides, only at the same moment or without one: of like ages the UIDs decide. */
function compareAges(
  a: DeepReadonly<Pod>,
  b: DeepReadonly<Pod>,
  sinceMs: (pod: DeepReadonly<Pod>) => number | undefined,
  nowMs: number,
): number {
  const [first, second] = [sinceMs(a), sinceMs(b)]
  if (first === second) return 0
  // A time that is not known counts as the shortest.
  if (first === undefined || second === undefined) return first === undefined ? -1 : 1
  return magnitude(nowMs - first) - magnitude(nowMs - second) || byUid(a, b)
}

const byUid = (a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): number =>
  (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1

/** A value that is no 32-bit integer counts as 0, as upstream's admission would refuse it. */
function deletionCostOf({ metadata }: DeepReadonly<Pod>): number {
  const text = metadata.annotations?.[DELETION_COST] ?? ''
  if (!/^(0|-?[1-9][0-9]{0,9})$/.test(text)) return 0
  const cost = Number(text)
  return cost >= -MAX_INT32 - 1 && cost <= MAX_INT32 ? cost : 0
}

/** Ages of the same order of magnitude are equal, so that not always the same node loses its Pods. In nanoseconds, as Go counts. */
function magnitude(ageMs: number): number {
  return ageMs <= 0 ? -1 : Math.floor(Math.log2(ageMs * 1_000_000))
}
