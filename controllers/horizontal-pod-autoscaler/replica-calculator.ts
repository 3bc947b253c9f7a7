/**
 * How many replicas one metric asks for. Pure: metrics and Pods in, number out. Values are thousandths; divisions round as upstream's.
 * Upstream: pkg/controller/podautoscaler/replica_calculator.go.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodReady } from '../manager/pod-control.ts'
import type { PodMetrics } from './metrics-client.ts'
import type { PodGroups } from './pod-groups.ts'
import { groupPods, requestsOf } from './pod-groups.ts'

type Pods = readonly DeepReadonly<Pod>[]

/** How far a ratio may be from 1 without consequence. */
export interface Tolerances {
  readonly scaleDown: number
  readonly scaleUp: number
}

export interface Situation {
  readonly currentReplicas: number
  readonly pods: Pods
  readonly metrics: PodMetrics
  readonly tolerances: Tolerances
  readonly nowMs: number
}

export interface Proposal {
  readonly replicas: number
  /** Percent of what is requested; for utilization targets. */
  readonly utilization?: number
  /** Of one Pod on average, or of the object; thousandths. */
  readonly usage: number
}

/** Throws an Error where nothing can be said. */
export function utilizationReplicas(
  situation: Situation,
  targetUtilization: number,
  { resource, container }: { readonly resource: string; readonly container?: string },
): Proposal {
  const { pods } = situation
  checkPods(pods)
  const requests = requestsOf(pods, resource, container)
  const measure = (values: ReadonlyMap<string, number>): Measure => {
    let [used, requested, count] = [0, 0, 0]
    for (const [name, value] of values) {
      const request = requests.get(name)
      if (request === undefined) continue
      used += value
      requested += request
      count++
    }
    if (requested === 0) throw new Error('no metrics returned matched known pods')
    const utilization = Math.trunc((used * 100) / requested)
    return { ratio: utilization / targetUtilization, utilization, usage: Math.trunc(used / count) }
  }
  // On the way down a Pod without a metric is taken to use all it asked for, or the target where that is more.
  const fallback = Math.max(100, targetUtilization)
  const whenMissing = (name: string): number => Math.trunc(((requests.get(name) ?? 0) * fallback) / 100)
  return decide(situation, resource, measure, whenMissing)
}

/** Towards an average value of a Pod. `resource`: undefined for metrics that are none. */
export function averageReplicas(situation: Situation, targetUsage: number, resource: string | undefined): Proposal {
  checkPods(situation.pods)
  const measure = (values: ReadonlyMap<string, number>): Measure => {
    const total = [...values.values()].reduce((sum, value) => sum + value, 0)
    const usage = Math.trunc(total / values.size)
    return { ratio: usage / targetUsage, usage }
  }
  return decide(situation, resource, measure, () => targetUsage)
}

interface Measure {
  readonly ratio: number
  readonly usage: number
  readonly utilization?: number
}

function decide(
  { currentReplicas, pods, metrics, tolerances, nowMs }: Situation,
  resource: string | undefined,
  measure: (values: ReadonlyMap<string, number>) => Measure,
  whenMissing: (pod: string) => number,
): Proposal {
  const groups = groupPods(pods, metrics, resource, nowMs)
  const values = countedValues(metrics, groups)
  if (values.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)')
  const { ratio, usage, utilization } = measure(values)
  const propose = (replicas: number): Proposal => ({
    replicas,
    usage,
    ...(utilization === undefined ? {} : { utilization }),
  })
  const isUpWithUnready = groups.unready.size > 0 && ratio > 1
  if (!isUpWithUnready && groups.missing.size === 0)
    return propose(isTolerable(ratio, tolerances) ? currentReplicas : Math.ceil(ratio * groups.readyCount))
  // What is not known is assumed to damp the change.
  if (ratio !== 1) for (const name of groups.missing) values.set(name, ratio < 1 ? whenMissing(name) : 0)
  if (isUpWithUnready) for (const name of groups.unready) values.set(name, 0)
  const damped = measure(values).ratio
  const isTurned = (ratio < 1 && damped > 1) || (ratio > 1 && damped < 1)
  if (isTolerable(damped, tolerances) || isTurned) return propose(currentReplicas)
  const replicas = Math.ceil(damped * values.size)
  const isWrongWay = (damped < 1 && replicas > currentReplicas) || (damped > 1 && replicas < currentReplicas)
  return propose(isWrongWay ? currentReplicas : replicas)
}

function countedValues(metrics: PodMetrics, { ignored, unready }: PodGroups): Map<string, number> {
  const values = new Map<string, number>()
  for (const [name, { milliValue }] of metrics)
    if (!ignored.has(name) && !unready.has(name)) values.set(name, milliValue)
  return values
}

/** Towards a value of one object or outside series, shared by all ready Pods. */
export function sharedValueReplicas(
  { currentReplicas, pods, tolerances }: Omit<Situation, 'metrics'>,
  usage: number,
  targetUsage: number,
): Proposal {
  const ratio = usage / targetUsage
  if (currentReplicas === 0) return { replicas: Math.ceil(ratio), usage }
  if (isTolerable(ratio, tolerances)) return { replicas: currentReplicas, usage }
  if (pods.length === 0)
    throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count')
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod)).length
  return { replicas: Math.ceil(ratio * ready), usage }
}

/** Towards a value for each Pod of one object or outside series. */
export function perPodValueReplicas(
  statusReplicas: number,
  usage: number,
  targetUsage: number,
  tolerances: Tolerances,
): Proposal {
  const ratio = usage / (targetUsage * statusReplicas)
  return {
    replicas: isTolerable(ratio, tolerances) ? statusReplicas : Math.ceil(usage / targetUsage),
    usage: statusReplicas === 0 ? usage : Math.ceil(usage / statusReplicas),
  }
}

function checkPods(pods: Pods): void {
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count')
}

function isTolerable(ratio: number, { scaleDown, scaleUp }: Tolerances): boolean {
  return 1 - scaleDown <= ratio && ratio <= 1 + scaleUp
}
