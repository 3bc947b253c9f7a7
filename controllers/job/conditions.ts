/** Job conditions: making, finding, setting. Pure. Upstream: pkg/controller/job/job_controller.go. */
import type { Job, JobCondition } from '#machinery/api/batch/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type JobConditionType = 'Suspended' | 'Complete' | 'Failed' | 'FailureTarget' | 'SuccessCriteriaMet'

export interface NewCondition {
  readonly type: JobConditionType
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

export function newCondition({ type, status, reason, message }: NewCondition, now: Date): JobCondition {
  const time = formatTime(now)
  return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message }
}

export function trueCondition(job: DeepReadonly<Job>, type: JobConditionType): DeepReadonly<JobCondition> | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True')
}

/** Adds or changes a condition; a False one is only ever a change. Returns whether anything changed. */
export function setCondition(conditions: JobCondition[], wanted: NewCondition, now: Date): boolean {
  const index = conditions.findIndex(({ type }) => type === wanted.type)
  const current = conditions[index]
  if (current === undefined) {
    if (wanted.status === 'False') return false
    conditions.push(newCondition(wanted, now))
    return true
  }
  if (current.status === wanted.status && current.reason === wanted.reason && current.message === wanted.message)
    return false
  conditions[index] = newCondition(wanted, now)
  return true
}
