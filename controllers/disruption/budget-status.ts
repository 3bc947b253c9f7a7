/** What a PodDisruptionBudget's Pods mean to its status. Pure. Upstream: pkg/controller/disruption/disruption.go. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '#machinery/api/policy/v1/types.gen.ts'
import { disruptionVerdict, withDisruptionAllowed } from '#machinery/disruption/condition.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodReady } from '../manager/pod-control.ts'

/** An evicted Pod is taken for gone this long; if it still lives then, it will not go. */
const DELETION_TIMEOUT_MS = 2 * 60_000

type Budget = DeepReadonly<PodDisruptionBudget>
type Pods = readonly DeepReadonly<Pod>[]

export interface Expected {
  /** How many Pods the controllers of the selected Pods want. */
  readonly expectedPods: number
  readonly desiredHealthy: number
}

export interface DisruptedPods {
  /** Pod name to time of its eviction. */
  readonly disruptedPods: Readonly<Record<string, string>>
  /** Evicted long ago and still here. */
  readonly notDeleted: Pods
  /** When the first of them is due. */
  readonly recheckMs: number | undefined
}

/** Whether the number of Pods their controllers want is needed, or counting the Pods will do. */
export function needsScale({ spec }: Budget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string'
}

/** `wanted`: what the controllers want; the number of Pods where that is not needed. Throws an Error for a value that is none. */
export function expectedOf({ spec }: Budget, wanted: number): Expected {
  const { maxUnavailable, minAvailable } = spec
  if (maxUnavailable !== undefined)
    return { expectedPods: wanted, desiredHealthy: Math.max(0, wanted - scaled(maxUnavailable, wanted)) }
  if (minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0 }
  return { expectedPods: wanted, desiredHealthy: scaled(minAvailable, wanted) }
}

/** Percentages are rounded up. */
function scaled(value: number | string, total: number): number {
  if (typeof value === 'number') return value
  const match = /^(-?\d+)%$/.exec(value)
  if (match === null) throw new Error('invalid value for IntOrString: invalid type: string is not a percentage')
  return Math.ceil((Number(match[1]) * total) / 100)
}

export function disruptedPodsOf({ status }: Budget, pods: Pods, nowMs: number): DisruptedPods {
  const disruptedPods: Record<string, string> = {}
  const notDeleted: DeepReadonly<Pod>[] = []
  let recheckMs: number | undefined
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata
    const time = status?.disruptedPods?.[name]
    if (time === undefined || deletionTimestamp !== undefined) continue
    const dueMs = Date.parse(time) + DELETION_TIMEOUT_MS
    if (dueMs < nowMs) notDeleted.push(pod)
    else {
      disruptedPods[name] = time
      recheckMs = Math.min(recheckMs ?? dueMs, dueMs)
    }
  }
  return { disruptedPods, notDeleted, recheckMs }
}

export function countHealthy(pods: Pods, { disruptedPods }: DisruptedPods, nowMs: number): number {
  const isGoing = ({ metadata }: DeepReadonly<Pod>): boolean => {
    const time = disruptedPods[metadata.name ?? '']
    return (
      metadata.deletionTimestamp !== undefined || (time !== undefined && Date.parse(time) + DELETION_TIMEOUT_MS > nowMs)
    )
  }
  return pods.filter((pod) => !isGoing(pod) && isPodReady(pod)).length
}

export function budgetStatus(
  { metadata, status = {} }: Budget,
  { expectedPods, desiredHealthy }: Expected,
  currentHealthy: number,
  disruptedPods: Readonly<Record<string, string>>,
  now: Date,
): PodDisruptionBudgetStatus {
  const spare = currentHealthy - desiredHealthy
  const next: PodDisruptionBudgetStatus = {
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods: { ...disruptedPods } }),
    // A budget that selects nothing allows nothing: its first Pods must not be evicted before they were counted.
    disruptionsAllowed: expectedPods <= 0 || spare <= 0 ? 0 : spare,
    currentHealthy,
    desiredHealthy,
    expectedPods,
  }
  const { conditions = [] } = status
  return { ...next, conditions: withDisruptionAllowed({ ...next, conditions }, disruptionVerdict(next), now) }
}
