/** When a Pod counts as available: ready for minReadySeconds. Pure. Upstream: pkg/api/v1/pod/util.go IsPodAvailable. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodReady } from './pod-control.ts'

/** Of a ready Pod; 0 or less: it is available. */
export function availableInMs({ status }: DeepReadonly<Pod>, minReadySeconds = 0, nowMs: number): number {
  if (minReadySeconds === 0) return 0
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const sinceMs = Date.parse(ready?.lastTransitionTime ?? '')
  return Number.isNaN(sinceMs) ? minReadySeconds * 1_000 : sinceMs + minReadySeconds * 1_000 - nowMs
}

export function isPodAvailable(pod: DeepReadonly<Pod>, minReadySeconds: number | undefined, nowMs: number): boolean {
  return isPodReady(pod) && availableInMs(pod, minReadySeconds, nowMs) <= 0
}

/** When the next of these ready Pods becomes available; undefined when none is waiting for it. */
export function nextAvailableInMs(
  pods: readonly DeepReadonly<Pod>[],
  minReadySeconds: number | undefined,
  nowMs: number,
): number | undefined {
  const waits = pods.filter(isPodReady).map((pod) => availableInMs(pod, minReadySeconds, nowMs))
  const pending = waits.filter((ms) => ms > 0)
  return pending.length === 0 ? undefined : Math.min(...pending)
}
