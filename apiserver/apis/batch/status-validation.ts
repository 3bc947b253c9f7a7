/**
 * The status of Jobs, which only their controller writes. Most checks look at what has changed only: what was wrong before, or became
 * wrong by a change of the spec, stops no other report, and the controller puts it right.
 * Upstream: pkg/apis/batch/validation ValidateJobStatusUpdate, pkg/registry/batch/job/strategy.go getStatusValidationOptions.
 */
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
  const change: StatusChange = { spec: job.spec, status: job.status ?? {}, before: old.status ?? {} }
  for (const counter of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
    checkNonNegative(errors, `status.${counter}`, change.status[counter])
  }
  checkUncounted(errors, change.status)
  checkCompletion(errors, change)
  checkFinished(errors, change)
  checkIndexes(errors, change)
  checkCounters(errors, change)
  checkSuccess(errors, change)
  checkKept(errors, change)
  return errors
}

interface StatusChange {
  readonly spec: FrozenJob['spec']
  readonly status: FrozenStatus
  readonly before: FrozenStatus
}

const isTrue = (status: FrozenStatus, type: string): boolean =>
  status.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false

const isFinished = (status: FrozenStatus): boolean => isTrue(status, 'Complete') || isTrue(status, 'Failed')

const hasTurned = ({ status, before }: StatusChange, type: string): boolean =>
  isTrue(status, type) !== isTrue(before, type)

const hasNew = ({ status, before }: StatusChange, ...members: readonly (keyof JobStatus)[]): boolean =>
  members.some((member) => !deepEqual(status[member], before[member]))

function refuse(errors: FieldError[], detail: string): void {
  errors.push(fieldInvalid('status.conditions', OMITTED_VALUE, detail))
}

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

/** The conditions that end a Job, and when it completed. */
function checkCompletion(errors: FieldError[], change: StatusChange): void {
  const { status } = change
  const { startTime, completionTime } = status
  const isComplete = isTrue(status, 'Complete')
  const isFailed = isTrue(status, 'Failed')
  const hasCompleted = hasTurned(change, 'Complete')
  const hasFailed = hasTurned(change, 'Failed')
  if (isComplete && isFailed && (hasCompleted || hasFailed)) {
    refuse(errors, 'cannot set Complete=True and Failed=true conditions')
  }
  if (isComplete && isTrue(status, 'FailureTarget') && (hasCompleted || hasTurned(change, 'FailureTarget'))) {
    refuse(errors, 'cannot set Complete=True and FailureTarget=true conditions')
  }
  if (hasCompleted || hasNew(change, 'completionTime')) {
    if (completionTime !== undefined && !isComplete) {
      const detail = 'cannot set completionTime when there is no Complete=True condition'
      errors.push(fieldInvalid('status.completionTime', completionTime, detail))
    }
    if (completionTime === undefined && isComplete) {
      errors.push(fieldRequired('status.completionTime', 'completionTime is required for Complete jobs'))
    }
  }
  if (hasNew(change, 'startTime', 'completionTime') && isBefore(completionTime, startTime)) {
    errors.push(fieldInvalid('status.completionTime', completionTime, 'must be equal to or after `startTime`'))
  }
  if (isFailed && !isTrue(status, 'FailureTarget') && (hasFailed || hasNew(change, 'failedIndexes'))) {
    refuse(errors, 'cannot set Failed=True condition without the FailureTarget=true condition')
  }
  if (
    isComplete &&
    !isTrue(status, 'SuccessCriteriaMet') &&
    (hasCompleted || hasTurned(change, 'SuccessCriteriaMet'))
  ) {
    refuse(errors, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  }
}

const isBefore = (time: string | undefined, other: string | undefined): boolean =>
  time !== undefined && other !== undefined && Date.parse(time) < Date.parse(other)

/** Nothing of a finished Job is still under way. */
function checkFinished(errors: FieldError[], change: StatusChange): void {
  const { status, before, spec } = change
  if (!isFinished(status)) return
  const { active = 0, startTime, terminating = 0, uncountedTerminatedPods: pods } = status
  const hasFinished = !isFinished(before)
  if (active > 0 && (hasFinished || hasNew(change, 'active'))) {
    errors.push(fieldInvalid('status.active', active, 'active>0 is invalid for finished job'))
  }
  // It is complete without having started.
  const hadNothingToDo = spec.suspend === true && spec.completions === 0
  if (startTime === undefined && (hasFinished || hasNew(change, 'startTime')) && !hadNothingToDo) {
    errors.push(fieldRequired('status.startTime', 'startTime is required for finished job'))
  }
  const uncounted = (pods?.succeeded ?? []).length + (pods?.failed ?? []).length
  if (uncounted > 0 && (hasFinished || hasNew(change, 'uncountedTerminatedPods'))) {
    const shown = { Succeeded: pods?.succeeded ?? null, Failed: pods?.failed ?? null }
    errors.push(fieldInvalid('status.uncountedTerminatedPods', shown, 'must be empty for finished job'))
  }
  if (terminating > 0 && (hasFinished || hasNew(change, 'terminating'))) {
    errors.push(fieldInvalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'))
  }
}

function checkIndexes(errors: FieldError[], { status, spec, before }: StatusChange): void {
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

function checkCounters(errors: FieldError[], change: StatusChange): void {
  const { spec, status, before } = change
  const { ready = 0, active = 0 } = status
  if (ready > active && hasNew(change, 'ready', 'active')) {
    errors.push(fieldInvalid('status.ready', ready, 'cannot set more ready pods than active'))
  }
  // It may be made smaller, and counts the indexes it has left then.
  const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
  for (const counter of isElastic ? (['failed'] as const) : (['failed', 'succeeded'] as const)) {
    const count = status[counter] ?? 0
    if (count >= (before[counter] ?? 0)) continue
    errors.push(fieldInvalid(`status.${counter}`, count, `cannot decrease the ${counter} counter`))
  }
}

function checkSuccess(errors: FieldError[], { spec, status, before }: StatusChange): void {
  const hasSucceeded = isTrue(status, 'SuccessCriteriaMet')
  const hadSucceeded = isTrue(before, 'SuccessCriteriaMet')
  if (hasSucceeded && isTrue(status, 'Failed')) {
    refuse(errors, 'cannot set SuccessCriteriaMet=True and Failed=true conditions')
  }
  if (hasSucceeded && isTrue(status, 'FailureTarget')) {
    refuse(errors, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
  }
  if (spec.successPolicy !== undefined && !hasSucceeded && isTrue(status, 'Complete')) {
    refuse(errors, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True')
  }
  if (hadSucceeded && !hasSucceeded) refuse(errors, 'cannot disable the SuccessCriteriaMet=True condition')
  if (isTrue(before, 'Complete') && !hadSucceeded && hasSucceeded) {
    refuse(errors, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions')
  }
}

function checkKept(errors: FieldError[], { spec, status, before }: StatusChange): void {
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (isTrue(before, type) && !isTrue(status, type)) {
      refuse(errors, `cannot disable the terminal ${type}=True condition`)
    }
  }
  const { startTime, completionTime } = status
  if (completionTime !== undefined && (before.completionTime ?? completionTime) !== completionTime) {
    errors.push(fieldInvalid('status.completionTime', completionTime, 'field is immutable'))
  }
  const isResumed =
    isTrue(before, 'Suspended') &&
    (status.conditions?.some(({ type, status: value }) => type === 'Suspended' && value === 'False') ?? false)
  const hasOtherStart = before.startTime !== undefined && before.startTime !== startTime
  if (hasOtherStart && spec.suspend !== true && !isResumed) {
    const detail = 'field is immutable for unsuspended job once set'
    errors.push(fieldInvalid('status.startTime', startTime ?? null, detail))
  }
}
