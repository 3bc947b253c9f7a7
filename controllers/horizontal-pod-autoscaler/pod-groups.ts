/**
 * Which Pods' metrics count: those that are ready; not yet ready ones and ones without a metric are filled in
 * conservatively, leaving ones are left out. Also what Pods ask for. Pure.
 * Upstream: pkg/controller/podautoscaler/replica_calculator.go groupPods, calculateRequests.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { parseQuantity } from '#machinery/quantity/quantity.ts'
import { podRequests } from '#machinery/quota/pod-resources.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { PodMetric, PodMetrics } from './metrics-client.ts'

/** --horizontal-pod-autoscaler-cpu-initialization-period */
const CPU_INITIALIZATION_MS = 5 * 60_000
/** --horizontal-pod-autoscaler-initial-readiness-delay */
const INITIAL_READINESS_DELAY_MS = 30_000

export interface PodGroups {
  readonly readyCount: number
  readonly unready: ReadonlySet<string>
  readonly missing: ReadonlySet<string>
  readonly ignored: ReadonlySet<string>
}

/** `resource`: undefined for metrics that are none. */
export function groupPods(
  pods: readonly DeepReadonly<Pod>[],
  metrics: PodMetrics,
  resource: string | undefined,
  nowMs: number,
): PodGroups {
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()]
  let readyCount = 0
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata
    const metric = metrics.get(name)
    if (deletionTimestamp !== undefined || pod.status?.phase === 'Failed') ignored.add(name)
    else if (pod.status?.phase === 'Pending') unready.add(name)
    else if (metric === undefined) missing.add(name)
    else if (resource === 'cpu' && !isCpuUsable(pod, metric, nowMs)) unready.add(name)
    else readyCount++
  }
  return { readyCount, unready, missing, ignored }
}

/** Starting costs CPU that says nothing about load. */
function isCpuUsable({ status }: DeepReadonly<Pod>, metric: PodMetric, nowMs: number): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready === undefined || status?.startTime === undefined) return false
  const startMs = Date.parse(status.startTime)
  const changedMs = Date.parse(ready.lastTransitionTime ?? '')
  if (startMs + CPU_INITIALIZATION_MS > nowMs)
    return ready.status !== 'False' && !(metric.timestampMs < changedMs + metric.windowMs)
  // Not ready now; if it was before, its metric counts.
  return ready.status !== 'False' || !(startMs + INITIAL_READINESS_DELAY_MS > changedMs)
}

/** Thousandths by Pod name. Throws an Error when a container, or the Pod it is asked of as a whole, asks for nothing. */
export function requestsOf(
  pods: readonly DeepReadonly<Pod>[],
  resource: string,
  container: string | undefined,
): ReadonlyMap<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name ?? '', requestOf(pod, resource, container)]))
}

function requestOf(pod: DeepReadonly<Pod>, resource: string, container: string | undefined): number {
  const { metadata, spec } = pod
  if (container === undefined && hasPodLevelRequests(pod)) return podLevelRequest(pod, resource)
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const all = [...spec.containers, ...sidecars]
  const counted = container === undefined ? all : all.filter(({ name }) => name === container)
  if (counted.length === 0) throw new Error(`container ${container ?? ''} not found in Pod ${metadata.name ?? ''}`)
  let sum = 0
  for (const { name, resources } of counted) {
    const request = resources?.requests?.[resource]
    if (request === undefined)
      throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name ?? ''}`)
    sum += parseQuantity(request).milliValue()
  }
  return sum
}

function hasPodLevelRequests({ spec }: DeepReadonly<Pod>): boolean {
  return Object.keys(spec.resources?.requests ?? {}).length > 0
}

/** With requests of the Pod as a whole what its containers ask for adds up, and none of them has to ask. */
function podLevelRequest(pod: DeepReadonly<Pod>, resource: string): number {
  const request = podRequests(pod).get(resource)
  if (request === undefined)
    throw new Error(`missing pod-level request for ${resource} in Pod ${pod.metadata.name ?? ''}`)
  return request.milliValue()
}
