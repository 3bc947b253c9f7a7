/** Conditions of a HorizontalPodAutoscaler. Changes the list it is given. Upstream: horizontal.go setConditionInList. */
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'

/** An autoscaler whose status may be changed. */
export type AutoscalerDraft = HorizontalPodAutoscaler & {
  status: HorizontalPodAutoscalerStatus & { conditions: HorizontalPodAutoscalerCondition[] }
}

export interface NewCondition {
  readonly type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited'
  readonly isTrue: boolean
  readonly reason: string
  readonly message: string
}

/** The transition time changes with the status only. */
export function setCondition(
  conditions: HorizontalPodAutoscalerCondition[],
  { type, isTrue, reason, message }: NewCondition,
  now: Date,
): void {
  const status = isTrue ? 'True' : 'False'
  const index = conditions.findIndex((condition) => condition.type === type)
  const before = conditions[index]
  const lastTransitionTime = (before?.status === status && before.lastTransitionTime) || formatTime(now)
  const condition = { type, status, lastTransitionTime, reason, message }
  if (before === undefined) conditions.push(condition)
  else conditions[index] = condition
}
