/**
 * From the number the metrics ask for to the one that is set: stabilized by what was asked for recently, limited in speed by
 * spec.behavior and by min and max. Remembers per autoscaler, in memory as upstream.
 * Upstream: pkg/controller/podautoscaler/horizontal.go normalizeDesiredReplicas and what it uses.
 */
import type {
  HorizontalPodAutoscalerBehavior,
  HPAScalingPolicy,
  HPAScalingRules,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** --horizontal-pod-autoscaler-downscale-stabilization */
const DOWNSCALE_STABILIZATION_MS = 300_000
/** Without a behavior: twice as many, at least four. */
const SCALE_UP_FACTOR = 2
const SCALE_UP_MINIMUM = 4

export interface Bounds {
  readonly minReplicas: number
  readonly maxReplicas: number
  readonly behavior: DeepReadonly<HorizontalPodAutoscalerBehavior> | undefined
}

export interface Reason {
  readonly reason: string
  readonly message: string
}

export interface Limited {
  readonly replicas: number
  /** For AbleToScale. */
  readonly stabilized: Reason
  /** For ScalingLimited. */
  readonly limit: Reason & { readonly isLimited: boolean }
}

interface Timed {
  readonly replicas: number
  readonly atMs: number
}

const READY: Reason = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const STABILIZED_UP: Reason = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
}
const STABILIZED_DOWN: Reason = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
}
const WITHIN: Reason = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
const TOO_FEW: Reason = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
}
const TOO_MANY: Reason = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
}
const UP_LIMIT: Reason = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
}
const DOWN_LIMIT: Reason = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
}

/** What one autoscaler remembers. */
export class ScalingHistory {
  #recommendations: Timed[] = []
  #ups: Timed[] = []
  #downs: Timed[] = []

  /** The first size seen counts as recommended: a restart does not scale down at once. */
  constructor(currentReplicas: number, nowMs: number) {
    this.#recommendations.push({ replicas: currentReplicas, atMs: nowMs })
  }

  /** Notes what was asked for, answers what may be set. */
  limit(bounds: Bounds, current: number, desired: number, nowMs: number): Limited {
    const { behavior } = bounds
    const stabilized = this.#stabilize(behavior, current, desired, nowMs)
    const direction = desired >= current && behavior !== undefined ? STABILIZED_UP : STABILIZED_DOWN
    const [replicas, reason] =
      behavior === undefined
        ? withinRange(bounds, current, stabilized)
        : this.#withinRates(bounds, behavior, current, stabilized, nowMs)
    return {
      replicas,
      stabilized: stabilized === desired ? READY : direction,
      limit: { ...reason, isLimited: replicas !== stabilized },
    }
  }

  scaled(behavior: Bounds['behavior'], from: number, to: number, nowMs: number): void {
    if (behavior === undefined) return
    const note = (events: readonly Timed[], rules: HPAScalingRules | undefined): Timed[] => {
      const longestMs = Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds * 1_000))
      return [...events.filter(({ atMs }) => atMs >= nowMs - longestMs), { replicas: Math.abs(to - from), atMs: nowMs }]
    }
    // Both directions count in each other's periods, so each keeps what the longer of the two needs.
    const longest = { policies: [...(behavior.scaleUp?.policies ?? []), ...(behavior.scaleDown?.policies ?? [])] }
    if (to > from) this.#ups = note(this.#ups, longest as HPAScalingRules)
    else this.#downs = note(this.#downs, longest as HPAScalingRules)
  }

  #stabilize(behavior: Bounds['behavior'], current: number, desired: number, nowMs: number): number {
    const upMs = (behavior?.scaleUp?.stabilizationWindowSeconds ?? 0) * 1_000
    const downSeconds = behavior?.scaleDown?.stabilizationWindowSeconds
    const downMs = downSeconds === undefined ? DOWNSCALE_STABILIZATION_MS : downSeconds * 1_000
    const since = (windowMs: number): number[] =>
      this.#recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ replicas }) => replicas)
    const lowest = Math.min(desired, ...since(upMs))
    const highest = Math.max(desired, ...since(downMs))
    this.#recommendations = [
      ...this.#recommendations.filter(({ atMs }) => atMs >= nowMs - Math.max(upMs, downMs)),
      { replicas: desired, atMs: nowMs },
    ]
    if (behavior === undefined) return highest
    return Math.min(Math.max(current, lowest), highest)
  }

  #withinRates(
    { minReplicas, maxReplicas }: Bounds,
    behavior: DeepReadonly<HorizontalPodAutoscalerBehavior>,
    current: number,
    desired: number,
    nowMs: number,
  ): readonly [number, Reason] {
    if (desired > current) {
      const limit = Math.max(current, this.#upLimit(behavior.scaleUp, current, nowMs))
      const most = Math.min(maxReplicas, limit)
      if (desired > most) return [most, maxReplicas > limit ? UP_LIMIT : TOO_MANY]
    } else if (desired < current) {
      const limit = Math.min(current, this.#downLimit(behavior.scaleDown, current, nowMs))
      const least = Math.max(minReplicas, limit)
      if (desired < least) return [least, minReplicas < limit ? DOWN_LIMIT : TOO_FEW]
    }
    return [desired, WITHIN]
  }

  #upLimit(rules: DeepReadonly<HPAScalingRules> | undefined, current: number, nowMs: number): number {
    if (rules?.selectPolicy === 'Disabled') return current
    const proposals = (rules?.policies ?? []).map((policy) => {
      const start = this.#atPeriodStart(policy, current, nowMs)
      // Rounded up: a small percentage of few must not mean never.
      return policy.type === 'Pods' ? start + policy.value : Math.ceil(start * (1 + policy.value / 100))
    })
    return rules?.selectPolicy === 'Min' ? Math.min(...proposals) : Math.max(...proposals)
  }

  #downLimit(rules: DeepReadonly<HPAScalingRules> | undefined, current: number, nowMs: number): number {
    if (rules?.selectPolicy === 'Disabled') return current
    const proposals = (rules?.policies ?? []).map((policy) => {
      const start = this.#atPeriodStart(policy, current, nowMs)
      return policy.type === 'Pods' ? start - policy.value : Math.trunc(start * (1 - policy.value / 100))
    })
    return rules?.selectPolicy === 'Min' ? Math.max(...proposals) : Math.min(...proposals)
  }

  #atPeriodStart({ periodSeconds }: DeepReadonly<HPAScalingPolicy>, current: number, nowMs: number): number {
    const sum = (events: readonly Timed[]): number =>
      events.filter(({ atMs }) => atMs > nowMs - periodSeconds * 1_000).reduce((all, { replicas }) => all + replicas, 0)
    return current - sum(this.#ups) + sum(this.#downs)
  }
}

function withinRange(
  { minReplicas, maxReplicas }: Bounds,
  current: number,
  desired: number,
): readonly [number, Reason] {
  const limit = Math.max(SCALE_UP_FACTOR * current, SCALE_UP_MINIMUM)
  const most = Math.min(maxReplicas, limit)
  if (desired < minReplicas) return [minReplicas, TOO_FEW]
  if (desired > most) return [most, maxReplicas > limit ? UP_LIMIT : TOO_MANY]
  return [desired, WITHIN]
}
