/** Upstream: pkg/apis/batch/validation/validation.go. */
import type { CronJob, Job, JobSpec, PodFailurePolicyRule } from '#machinery/api/batch/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotSupported, fieldRequired, fieldTooMany } from '#machinery/meta/field-error.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validatePodTemplate } from '../core/pod/validation.ts'
import { checkImmutable, checkLabelSelector, checkNonNegative, checkOneOf } from '../validation.ts'
import { cronScheduleError } from './cron.ts'

type FrozenSpec = DeepReadonly<JobSpec>

const COMPLETIONS_SOFT_LIMIT = 100_000
const PARALLELISM_LIMIT_FOR_MANY = 10_000
const FAILURE_RULES_MAX = 20
const EXIT_CODES_MAX = 255
const CRON_JOB_NAME_MAX = 52

export function validateJob(job: DeepReadonly<Job>): FieldError[] {
  const errors: FieldError[] = []
  const { spec } = job
  validateJobSpec(errors, 'spec', spec)
  validateGeneratedSelector(errors, job)
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
    const host = `${job.metadata.name ?? ''}-${(spec.completions ?? 1) - 1}`
    if (host.length > 63) {
      const detail = `will not able to create pod with invalid DNS name: ${host}`
      errors.push(fieldInvalid('metadata.name', job.metadata.name, detail))
    }
  }
  // A malformed selector has been reported above and matches nothing.
  const isWellFormed = !errors.some(({ field }) => field.startsWith('spec.selector'))
  const labels = spec.template.metadata?.labels ?? {}
  if (spec.selector !== undefined && isWellFormed && !labelSelectorAsMatcher(spec.selector).matches(labels)) {
    errors.push(fieldInvalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  }
  return errors
}

/** Unless manualSelector is set, the selector must be the generated one. */
function validateGeneratedSelector(errors: FieldError[], job: DeepReadonly<Job>): void {
  const { spec, metadata } = job
  if (spec.manualSelector === true) {
    if (spec.selector === undefined) errors.push(fieldRequired('spec.selector', ''))
    return
  }
  if (spec.selector === undefined) return
  const uid = metadata.uid ?? ''
  const labels = spec.template.metadata?.labels ?? {}
  const expected = { 'batch.kubernetes.io/controller-uid': uid, 'batch.kubernetes.io/job-name': metadata.name ?? '' }
  for (const [label, value] of Object.entries(expected)) {
    if (labels[label] === undefined) {
      errors.push(fieldRequired('spec.template.metadata.labels', `must be '${value}'`))
    } else if (labels[label] !== value) {
      errors.push(fieldInvalid('spec.template.metadata.labels', labels, `must be '${value}'`))
    }
  }
  const { matchLabels = {} } = spec.selector
  if (matchLabels['batch.kubernetes.io/controller-uid'] === uid || matchLabels['controller-uid'] === uid) return
  errors.push(fieldInvalid('spec.selector', spec.selector, '`selector` not auto-generated'))
}

function validateJobSpec(errors: FieldError[], field: string, spec: FrozenSpec): void {
  checkNonNegative(errors, `${field}.parallelism`, spec.parallelism)
  checkNonNegative(errors, `${field}.completions`, spec.completions)
  checkNonNegative(errors, `${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds)
  checkNonNegative(errors, `${field}.backoffLimit`, spec.backoffLimit)
  checkNonNegative(errors, `${field}.backoffLimitPerIndex`, spec.backoffLimitPerIndex)
  checkNonNegative(errors, `${field}.maxFailedIndexes`, spec.maxFailedIndexes)
  checkNonNegative(errors, `${field}.ttlSecondsAfterFinished`, spec.ttlSecondsAfterFinished)
  checkLabelSelector(errors, `${field}.selector`, spec.selector)
  validateCompletionMode(errors, field, spec)
  if (spec.podFailurePolicy !== undefined) validateFailurePolicy(errors, `${field}.podFailurePolicy`, spec)
  if (spec.successPolicy !== undefined) validateSuccessPolicy(errors, `${field}.successPolicy`, spec)
  validateReplacementPolicy(errors, field, spec)
  validatePodTemplate(errors, `${field}.template`, spec.template)
  const { restartPolicy = '' } = spec.template.spec ?? {}
  const at = `${field}.template.spec.restartPolicy`
  if (restartPolicy !== 'OnFailure' && restartPolicy !== 'Never') {
    errors.push(
      restartPolicy === 'Always' || restartPolicy === ''
        ? fieldRequired(at, 'valid values: "OnFailure", "Never"')
        : fieldNotSupported(at, restartPolicy, ['OnFailure', 'Never']),
    )
  } else if (spec.podFailurePolicy !== undefined && restartPolicy !== 'Never') {
    errors.push(fieldInvalid(at, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified'))
  }
}

function validateCompletionMode(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const isIndexed = spec.completionMode === 'Indexed'
  if (spec.completionMode !== undefined) {
    checkOneOf(errors, `${field}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed'], 'unsupported')
  }
  const { completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec
  if (isIndexed) {
    if (completions === undefined) {
      errors.push(fieldRequired(`${field}.completions`, 'when completion mode is Indexed'))
    }
    if (parallelism > COMPLETIONS_SOFT_LIMIT) {
      const detail = `must be less than or equal to ${COMPLETIONS_SOFT_LIMIT} when completion mode is Indexed`
      errors.push(fieldInvalid(`${field}.parallelism`, parallelism, detail))
    }
    if (backoffLimitPerIndex !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > (completions ?? 0)) {
      const detail = 'must be less than or equal to completions'
      errors.push(fieldInvalid(`${field}.maxFailedIndexes`, maxFailedIndexes, detail))
    }
    if (backoffLimitPerIndex !== undefined && (completions ?? 0) > COMPLETIONS_SOFT_LIMIT) {
      if (maxFailedIndexes === undefined) {
        const detail = `must be specified when completions is above ${COMPLETIONS_SOFT_LIMIT}`
        errors.push(fieldRequired(`${field}.maxFailedIndexes`, detail))
      }
      if (parallelism > PARALLELISM_LIMIT_FOR_MANY) {
        const detail = `must be less than or equal to ${PARALLELISM_LIMIT_FOR_MANY} when completions are above ${COMPLETIONS_SOFT_LIMIT} and used with backoff limit per index`
        errors.push(fieldInvalid(`${field}.parallelism`, parallelism, detail))
      }
    }
  } else if (backoffLimitPerIndex !== undefined) {
    errors.push(fieldInvalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, 'requires indexed completion mode'))
  }
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined) {
    errors.push(fieldRequired(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  }
}

function validateReplacementPolicy(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const { podReplacementPolicy: policy } = spec
  if (policy === undefined) return
  const supported = spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed']
  checkOneOf(errors, `${field}.podReplacementPolicy`, policy, supported, 'unsupported')
}

function validateFailurePolicy(errors: FieldError[], field: string, spec: FrozenSpec): void {
  const rules = spec.podFailurePolicy?.rules ?? []
  if (rules.length > FAILURE_RULES_MAX) errors.push(fieldTooMany(`${field}.rules`, rules.length, FAILURE_RULES_MAX))
  const templates = [...(spec.template.spec?.containers ?? []), ...(spec.template.spec?.initContainers ?? [])]
  const containers = new Set(templates.map(({ name }) => name))
  rules.forEach((rule, i) => {
    validateFailureRule(errors, `${field}.rules[${i}]`, rule, containers)
  })
}

function validateFailureRule(
  errors: FieldError[],
  field: string,
  rule: DeepReadonly<PodFailurePolicyRule>,
  containers: ReadonlySet<string>,
): void {
  checkOneOf(errors, `${field}.action`, rule.action, ['Count', 'FailIndex', 'FailJob', 'Ignore'])
  const { onExitCodes, onPodConditions } = rule
  if (onExitCodes !== undefined) {
    const { operator, values = [], containerName } = onExitCodes
    checkOneOf(errors, `${field}.onExitCodes.operator`, operator, ['In', 'NotIn'])
    if (containerName !== undefined && !containers.has(containerName)) {
      const detail = 'must be one of the container or initContainer names in the pod template'
      errors.push(fieldInvalid(`${field}.onExitCodes.containerName`, containerName, detail))
    }
    const at = `${field}.onExitCodes.values`
    if (values.length === 0) errors.push(fieldInvalid(at, values, 'at least one value is required'))
    else if (values.length > EXIT_CODES_MAX) errors.push(fieldTooMany(at, values.length, EXIT_CODES_MAX))
    values.forEach((value, i) => {
      if (operator === 'In' && value === 0)
        errors.push(fieldInvalid(`${at}[${i}]`, value, 'must not be 0 for the In operator'))
      if (i > 0 && value <= (values[i - 1] ?? 0)) errors.push(fieldInvalid(at, values, 'must be ordered'))
    })
  }
  ;(onPodConditions ?? []).forEach(({ type = '', status = '' }, i) => {
    if (type === '') errors.push(fieldRequired(`${field}.onPodConditions[${i}].type`, ''))
    checkOneOf(errors, `${field}.onPodConditions[${i}].status`, status, ['False', 'True', 'Unknown'])
  })
  if (onExitCodes !== undefined && (onPodConditions ?? []).length > 0) {
    const detail = 'specifying both OnExitCodes and OnPodConditions is not supported'
    errors.push(fieldInvalid(field, '', detail))
  } else if (onExitCodes === undefined && (onPodConditions ?? []).length === 0) {
    errors.push(fieldInvalid(field, '', 'specifying one of OnExitCodes and OnPodConditions is required'))
  }
}

function validateSuccessPolicy(errors: FieldError[], field: string, spec: FrozenSpec): void {
  if (spec.completionMode !== 'Indexed') {
    errors.push(fieldInvalid(field, spec.successPolicy, 'requires indexed completion mode'))
    return
  }
  const rules = spec.successPolicy?.rules ?? []
  if (rules.length === 0)
    errors.push(
      fieldRequired(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified'),
    )
  rules.forEach(({ succeededCount, succeededIndexes }, i) => {
    if (succeededCount === undefined && succeededIndexes === undefined) {
      errors.push(
        fieldRequired(`${field}.rules[${i}]`, 'at least one of succeededCount or succeededIndexes must be specified'),
      )
    }
    checkNonNegative(errors, `${field}.rules[${i}].succeededCount`, succeededCount)
  })
}

/** A job that has never started and is suspended may still get new scheduling directives. */
export function validateJobUpdate(job: DeepReadonly<Job>, old: DeepReadonly<Job>): FieldError[] {
  const errors: FieldError[] = []
  validateJobSpec(errors, 'spec', job.spec)
  checkImmutable(errors, 'spec.selector', job.spec.selector, old.spec.selector)
  checkImmutable(errors, 'spec.completionMode', job.spec.completionMode, old.spec.completionMode)
  checkImmutable(errors, 'spec.podFailurePolicy', job.spec.podFailurePolicy, old.spec.podFailurePolicy)
  checkImmutable(errors, 'spec.backoffLimitPerIndex', job.spec.backoffLimitPerIndex, old.spec.backoffLimitPerIndex)
  checkImmutable(errors, 'spec.managedBy', job.spec.managedBy, old.spec.managedBy)
  checkImmutable(errors, 'spec.successPolicy', job.spec.successPolicy, old.spec.successPolicy)
  checkCompletionsUpdate(errors, job.spec, old.spec)
  const isMutable = old.spec.suspend === true && old.status?.startTime === undefined
  const template = isMutable ? withSchedulingOf(job, old) : job.spec.template
  checkImmutable(errors, 'spec.template', template, old.spec.template)
  return errors
}

/** Elastic indexed jobs: completions may change together with parallelism, to the same value. */
function checkCompletionsUpdate(errors: FieldError[], next: FrozenSpec, old: FrozenSpec): void {
  if (next.completions === old.completions) return
  if (next.completionMode !== 'Indexed') {
    errors.push(fieldInvalid('spec.completions', next.completions ?? null, 'field is immutable'))
  } else if (next.parallelism !== next.completions) {
    errors.push(
      fieldInvalid(
        'spec.completions',
        next.completions ?? null,
        'can only be modified in tandem with spec.parallelism',
      ),
    )
  }
}

function withSchedulingOf(job: DeepReadonly<Job>, old: DeepReadonly<Job>): unknown {
  const template = deepCopy<{ metadata?: Record<string, unknown>; spec?: Record<string, unknown> }>(
    job.spec.template as unknown as { metadata?: Record<string, unknown>; spec?: Record<string, unknown> },
  )
  const restore = (
    target: Record<string, unknown> | undefined,
    source: object | undefined,
    members: readonly string[],
  ): void => {
    for (const member of members) {
      const value = (source as Record<string, unknown> | undefined)?.[member]
      if (target === undefined) continue
      if (value === undefined) delete target[member]
      else target[member] = value
    }
  }
  restore(template.metadata, old.spec.template.metadata, ['labels', 'annotations'])
  restore(template.spec, old.spec.template.spec, ['nodeSelector', 'affinity', 'tolerations', 'schedulingGates'])
  return template
}

export function validateCronJob(cronJob: DeepReadonly<CronJob>): FieldError[] {
  const errors: FieldError[] = []
  const { spec, metadata } = cronJob
  if ((metadata.name ?? '').length > CRON_JOB_NAME_MAX) {
    errors.push(fieldInvalid('metadata.name', metadata.name, `must be no more than ${CRON_JOB_NAME_MAX} characters`))
  }
  validateSchedule(errors, spec.schedule ?? '', spec.timeZone)
  checkNonNegative(errors, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds)
  checkOneOf(errors, 'spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'])
  const template = spec.jobTemplate?.spec
  if (template !== undefined) {
    validateJobSpec(errors, 'spec.jobTemplate.spec', template)
    if (template.manualSelector === true) {
      errors.push(
        fieldNotSupported('spec.jobTemplate.spec.manualSelector', true as unknown as string, ['nil', 'false']),
      )
    }
  }
  checkNonNegative(errors, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit)
  checkNonNegative(errors, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit)
  return errors
}

function validateSchedule(errors: FieldError[], schedule: string, timeZone: string | undefined): void {
  const hasZone = /^(?:TZ|CRON_TZ)=/.test(schedule) || schedule.includes('TZ=')
  if (schedule === '') errors.push(fieldRequired('spec.schedule', ''))
  else {
    const problem = cronScheduleError(schedule)
    if (problem !== undefined) errors.push(fieldInvalid('spec.schedule', schedule, problem))
    if (hasZone) {
      const detail =
        timeZone === undefined
          ? 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
          : 'cannot use both timeZone field and TZ or CRON_TZ in schedule'
      errors.push(fieldInvalid('spec.schedule', schedule, detail))
    }
  }
  if (timeZone === undefined) return
  if (timeZone === '') errors.push(fieldInvalid('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string'))
  else if (timeZone.toLowerCase() === 'local') {
    errors.push(
      fieldInvalid(
        'spec.timeZone',
        timeZone,
        'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ),
    )
  } else if (!isTimeZone(timeZone)) {
    errors.push(fieldInvalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`))
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
