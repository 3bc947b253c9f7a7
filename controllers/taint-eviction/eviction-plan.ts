/**
 * When does a Pod have to leave a node because of its NoExecute taints? Pure.
 * Upstream: pkg/controller/tainteviction processPodOnNode, getMinTolerationTime.
 * Differs: where a taint says when it was added, and the Pod was there already, the wait counts from then: a restart does not
 * begin it anew.
 */
import type { Node, Pod, Taint } from '#machinery/api/core/v1/types.gen.ts'
import { isTolerated, tolerates } from '#machinery/scheduling/tolerations.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenTaint = DeepReadonly<Taint>

/** 'stays': for good, as things are. Otherwise milliseconds of toleration, 0 = none, and since when they count. */
export type EvictionPlan =
  | { readonly type: 'stays' }
  | { readonly type: 'leaves'; readonly afterMs: number; readonly sinceMs: number | undefined }

const STAYS: EvictionPlan = { type: 'stays' }

export function noExecuteTaints(node: DeepReadonly<Node> | undefined): readonly FrozenTaint[] {
  return node?.spec?.taints?.filter(({ effect }) => effect === 'NoExecute') ?? []
}

export function evictionPlan(
  pod: DeepReadonly<Pod>,
  taints: readonly FrozenTaint[],
  comparesNumbers = false,
): EvictionPlan {
  const { tolerations = [] } = pod.spec
  if (taints.length === 0) return STAYS
  if (taints.some((taint) => !isTolerated(taint, tolerations, comparesNumbers)))
    return { type: 'leaves', afterMs: 0, sinceMs: undefined }
  // As upstream, the first toleration that matches a taint is the one that counts for it.
  const used = taints.map((taint) => tolerations.find((toleration) => tolerates(toleration, taint, comparesNumbers)))
  const seconds = used.flatMap((toleration) => toleration?.tolerationSeconds ?? [])
  if (seconds.length === 0) return STAYS
  return { type: 'leaves', afterMs: Math.max(0, Math.min(...seconds)) * 1_000, sinceMs: sinceMs(pod, taints) }
}

/** The later of the last taint and of the Pod's arrival; undefined when the taints do not say. */
function sinceMs(pod: DeepReadonly<Pod>, taints: readonly FrozenTaint[]): number | undefined {
  const addedMs = Math.max(...taints.map(({ timeAdded = '' }) => Date.parse(timeAdded)))
  const scheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'True')
  const arrivedMs = Date.parse(scheduled?.lastTransitionTime ?? pod.metadata.creationTimestamp ?? '')
  const since = Math.max(addedMs, arrivedMs)
  return Number.isNaN(since) ? undefined : since
}
