/**
 * Scores of how full a node would be, 0..100. Upstream: scheduler plugins/noderesources least_allocated.go,
 * most_allocated.go, requested_to_capacity_ratio.go, balanced_allocation.go. Whole numbers, rounded down, as there.
 */
import { SCORE_MAX } from '../../framework/normalize.ts'

export interface ShapePoint {
  readonly utilization: number
  /** 0..10. */
  readonly score: number
}

/**
 * `requested` (with the Pod), `allocatable` and `used` (without it) by resource, in the order of `weights`; allocatable 0
 * means: not counted.
 */
export type Scorer = (
  requested: readonly number[],
  allocatable: readonly number[],
  weights: readonly number[],
  used: readonly number[],
) => number

export const leastAllocated: Scorer = (requested, allocatable, weights) =>
  weighted(requested, allocatable, weights, (used, all) =>
    used > all ? 0 : Math.trunc(((all - used) * SCORE_MAX) / all),
  )

export const mostAllocated: Scorer = (requested, allocatable, weights) =>
  weighted(requested, allocatable, weights, (used, all) => Math.trunc((Math.min(used, all) * SCORE_MAX) / all))

export function requestedToCapacityRatio(shape: readonly ShapePoint[]): Scorer {
  const points = shape.map(({ utilization, score }) => ({ utilization, score: score * 10 }))
  const scoreOf = (used: number, all: number): number =>
    brokenLine(points, used > all ? 100 : Math.trunc((used * 100) / all))
  return (requested, allocatable, weights) => {
    let sum = 0
    let weightSum = 0
    weights.forEach((weight, i) => {
      const all = allocatable[i] ?? 0
      if (all === 0) return
      const score = scoreOf(requested[i] ?? 0, all)
      // What scores nothing does not count against the others.
      if (score <= 0) return
      sum += score * weight
      weightSum += weight
    })
    return weightSum === 0 ? 0 : Math.round(sum / weightSum)
  }
}

/** Above 75 when the Pod makes the node's use more even, below when it makes it less so. Weights do not matter. */
export const balanced: Scorer = (requested, allocatable, _weights, used) => {
  const change = evenness(requested, allocatable) - evenness(used, allocatable)
  return SCORE_MAX / 2 + Math.trunc((SCORE_MAX / 2 + change) / 2)
}

/** 100 when all resources are used in the same proportion. */
function evenness(requested: readonly number[], allocatable: readonly number[]): number {
  let count = 0
  let sum = 0
  let first = 0
  let second = 0
  for (let i = 0; i < requested.length; i++) {
    const all = allocatable[i] ?? 0
    if (all === 0) continue
    const fraction = Math.min((requested[i] ?? 0) / all, 1)
    if (count === 0) first = fraction
    else second = fraction
    sum += fraction
    count++
  }
  if (count < 2) return SCORE_MAX
  const deviation = count === 2 ? Math.abs((first - second) / 2) : spread(requested, allocatable, sum / count, count)
  return Math.trunc((1 - deviation) * SCORE_MAX)
}

function spread(requested: readonly number[], allocatable: readonly number[], mean: number, count: number): number {
  let squares = 0
  for (let i = 0; i < requested.length; i++) {
    const all = allocatable[i] ?? 0
    if (all !== 0) squares += (Math.min((requested[i] ?? 0) / all, 1) - mean) ** 2
  }
  return Math.sqrt(squares / count)
}

function weighted(
  requested: readonly number[],
  allocatable: readonly number[],
  weights: readonly number[],
  scoreOf: (used: number, all: number) => number,
): number {
  let sum = 0
  let weightSum = 0
  for (let i = 0; i < weights.length; i++) {
    const all = allocatable[i] ?? 0
    if (all === 0) continue
    const weight = weights[i] ?? 0
    sum += scoreOf(requested[i] ?? 0, all) * weight
    weightSum += weight
  }
  return weightSum === 0 ? 0 : Math.trunc(sum / weightSum)
}

function brokenLine(points: readonly ShapePoint[], utilization: number): number {
  for (let i = 0; i < points.length; i++) {
    const point = points[i] as ShapePoint
    if (utilization > point.utilization) continue
    const before = points[i - 1]
    if (before === undefined) return point.score
    const rise = (point.score - before.score) * (utilization - before.utilization)
    return before.score + Math.trunc(rise / (point.utilization - before.utilization))
  }
  return points.at(-1)?.score ?? 0
}
