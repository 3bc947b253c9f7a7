/** Conditions the server itself puts on Pods. Upstream: pkg/api/pod/util.go UpdatePodCondition. */
import type { Pod, PodCondition } from '#machinery/api/core/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'

/** Where the one of its type was, else last; the time of transition stays while the status does. */
export function setPodCondition(pod: Pod, condition: PodCondition, now: Date): void {
  const conditions = [...(pod.status?.conditions ?? [])]
  const at = conditions.findIndex(({ type }) => type === condition.type)
  const before = conditions[at]
  const isSame = before?.status === condition.status
  const lastTransitionTime = (isSame ? before.lastTransitionTime : undefined) ?? formatTime(now)
  conditions.splice(at === -1 ? conditions.length : at, 1, { ...condition, lastTransitionTime })
  pod.status = { ...pod.status, conditions }
}
