/** The status of Jobs, which only their controller writes. Upstream: pkg/apis/batch/validation ValidateJobStatusUpdate. */
import type { Job, JobStatus } from '#machinery/api/batch/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldInvalid, fieldRequired, OMITTED_VALUE } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkNonNegative } from '../validation.ts'
import { overlappingIndex, parseIndexes } from './indexes.ts'

type FrozenJob = DeepReadonly<Job>
type FrozenStatus = DeepReadonly<JobStatus>

export function validateJobStatusUpdate(job: FrozenJob, old: FrozenJob): FieldError[] {
  const errors: FieldError[] = []
  const status = job.status ?? {}
  const before = old.status ?? {}
  for (const counter of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
    checkNonNegative(errors, `status.${counter}`, status[counter])
  }
  checkUncounted(errors, status)
  // What has not changed has been judged before; upstream's options do the same, check by check.
  if (deepEqual(status, before)) return errors
  checkConditions(errors, job)
  checkFinished(errors, status)
  checkIndexes(errors, job, before)
  checkAgainstBefore(errors, job, old)
  return errors
}

const isTrue = (status: FrozenStatus, type: string): boolean =>
  status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

const isFinished = (status: FrozenStatus): boolean => isTrue(status, 'Complete') || isTrue(status, 'Failed')

function checkUncounted(errors: FieldError[], { uncountedTerminatedPods }: FrozenStatus): void {
  const seen = new Set<string>()
  for (const list of ['succeeded', 'failed'] as const) {
    uncountedTerminatedPods?.[list]?.forEach((uid, i) => {
      const at = `status.uncountedTerminatedPods.${list}[${i}]`
      if (uid === '') errors.push(fieldInvalid(at, uid, 'must not be empty'))
      else if (seen.has(uid)) errors.push(fieldDuplicate(at, uid))
      seen.add(uid)
    })
  }
}

function checkConditions(errors: FieldError[], { status = {}, spec }: FrozenJob): void {
  const refuse = (detail: string): void => {
    errors.push(fieldInvalid('status.conditions', OMITTED_VALUE, detail))
  }
  const isComplete = isTrue(status, 'Complete')
  const isFailed = isTrue(status, 'Failed')
  const isFailing = isTrue(status, 'FailureTarget')
  const hasSucceeded = isTrue(status, 'SuccessCriteriaMet')
  if (isComplete && isFailed) refuse('cannot set Complete=True and Failed=true conditions')
  if (isComplete && isFailing) refuse('cannot set Complete=True and FailureTarget=true conditions')
  if (isFailed && !isFailing) refuse('cannot set Failed=True condition without the FailureTarget=true condition')
  if (isComplete && !hasSucceeded) {
    refuse('cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  }
  if (hasSucceeded && isFailed) refuse('cannot set SuccessCriteriaMet=True and Failed=true conditions')
  if (hasSucceeded && isFailing) refuse('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
  if (spec.successPolicy !== undefined && !hasSucceeded && isComplete) {
    refuse('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True')
  }
}

function checkFinished(errors: FieldError[], status: FrozenStatus): void {
  const { completionTime, startTime, active = 0, ready = 0, terminating = 0, uncountedTerminatedPods: pods } = status
  const isComplete = isTrue(status, 'Complete')
  if (completionTime !== undefined && !isComplete) {
    const detail = 'cannot set completionTime when there is no Complete=True condition'
    errors.push(fieldInvalid('status.completionTime', completionTime, detail))
  }
  if (completionTime === undefined && isComplete) {
    errors.push(fieldRequired('status.completionTime', 'completionTime is required for Complete jobs'))
  }
  if (startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)) {
    const detail = 'completionTime cannot be set before startTime'
    errors.push(fieldInvalid('status.completionTime', completionTime, detail))
  }
  if (ready > active) errors.push(fieldInvalid('status.ready', ready, 'cannot set more ready pods than active'))
  if (!isFinished(status)) return
  if (active > 0) errors.push(fieldInvalid('status.active', active, 'active>0 is invalid for finished job'))
  if (startTime === undefined) {
    errors.push(fieldRequired('status.startTime', 'startTime is required for finished job'))
  }
  if ((pods?.succeeded ?? []).length + (pods?.failed ?? []).length > 0) {
    const shown = { Succeeded: pods?.succeeded ?? null, Failed: pods?.failed ?? null }
    const detail = 'uncountedTerminatedPods needs to be empty for finished job'
    errors.push(fieldInvalid('status.uncountedTerminatedPods', shown, detail))
  }
  if (terminating > 0) {
    errors.push(fieldInvalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'))
  }
}

/** Only what has changed: lists that go beyond a number of completions which was lowered since are put right by the controller. */
function checkIndexes(errors: FieldError[], { status = {}, spec }: FrozenJob, before: FrozenStatus): void {
  const { completedIndexes = '', failedIndexes } = status
  const { completions, backoffLimitPerIndex } = spec
  const isCompletedNew = completedIndexes !== (before.completedIndexes ?? '')
  const isFailedNew = failedIndexes !== before.failedIndexes
  if (isCompletedNew && completedIndexes !== '' && spec.completionMode !== 'Indexed') {
    const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode'
    errors.push(fieldInvalid('status.completedIndexes', completedIndexes, detail))
  }
  if (isFailedNew && failedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    const detail = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'
    errors.push(fieldInvalid('status.failedIndexes', failedIndexes, detail))
  }
  if (completions === undefined || !(isCompletedNew || isFailedNew)) return
  const lists = {
    ...(isCompletedNew ? { completedIndexes } : {}),
    ...(isFailedNew && backoffLimitPerIndex !== undefined ? { failedIndexes } : {}),
  }
  for (const [member, text] of Object.entries(lists)) {
    const parsed = parseIndexes(text ?? '', completions)
    if (typeof parsed === 'number') continue
    errors.push(fieldInvalid(`status.${member}`, text, `error parsing ${member}: ${parsed.error}`))
  }
  const index = overlappingIndex(completedIndexes, failedIndexes ?? '', completions)
  if (index === undefined) return
  const detail = `failedIndexes and completedIndexes overlap at index: ${index}`
  errors.push(fieldInvalid('status.failedIndexes', failedIndexes, detail))
}

/** It may be made smaller, and counts the indexes it has left then. */
function isElastic({ spec }: FrozenJob): boolean {
  return spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
}

function checkAgainstBefore(errors: FieldError[], job: FrozenJob, old: FrozenJob): void {
  const status = job.status ?? {}
  const before = old.status ?? {}
  const refuse = (detail: string): void => {
    errors.push(fieldInvalid('status.conditions', OMITTED_VALUE, detail))
  }
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (isTrue(before, type) && !isTrue(status, type)) refuse(`cannot disable the terminal ${type}=True condition`)
  }
  for (const counter of ['failed', 'succeeded'] as const) {
    if ((status[counter] ?? 0) >= (before[counter] ?? 0)) continue
    if (counter === 'succeeded' && isElastic(job)) continue
    errors.push(fieldInvalid(`status.${counter}`, status[counter] ?? 0, `cannot decrease the ${counter} counter`))
  }
  const { completionTime } = status
  if (completionTime !== undefined && (before.completionTime ?? completionTime) !== completionTime) {
    errors.push(fieldInvalid('status.completionTime', completionTime, 'completionTime cannot be mutated'))
  }
  const isResumed = isTrue(before, 'Suspended') && !isTrue(status, 'Suspended')
  const hasOtherStart = before.startTime !== undefined && before.startTime !== status.startTime
  if (hasOtherStart && job.spec.suspend !== true && !(isResumed && status.startTime !== undefined)) {
    errors.push(fieldRequired('status.startTime', 'startTime cannot be removed for unsuspended job'))
  }
  const hadSucceeded = isTrue(before, 'SuccessCriteriaMet')
  if (hadSucceeded && !isTrue(status, 'SuccessCriteriaMet')) {
    refuse('cannot disable the SuccessCriteriaMet=True condition')
  }
  if (isTrue(before, 'Complete') && !hadSucceeded && isTrue(status, 'SuccessCriteriaMet')) {
    refuse('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions')
  }
}
