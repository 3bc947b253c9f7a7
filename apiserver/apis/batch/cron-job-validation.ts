/** CronJobs. Upstream: pkg/apis/batch/validation ValidateCronJobCreate, ValidateCronJobUpdate. */
import type { CronJob, CronJobSpec } from '#machinery/api/batch/v1/types.gen.ts'
import { parseCronSchedule } from '#machinery/cron/schedule.ts'
import { TimeZone } from '#machinery/cron/time-zone.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { PodRules } from '../core/pod/rules.ts'
import { DEFAULT_POD_RULES } from '../core/pod/rules.ts'
import { checkNonNegative } from '../validation.ts'
import { validateJobSpec } from './validation.ts'

type FrozenSpec = DeepReadonly<CronJobSpec>

const NAME_MAX = 52
const CONCURRENCY_POLICIES = ['Allow', 'Forbid', 'Replace']
const TIME_ZONE_PART = /^[A-Za-z.\-_0-9+]{1,14}$/

export function validateCronJob(
  { metadata, spec }: DeepReadonly<CronJob>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  validateSpec(errors, spec, undefined, rules)
  if ((metadata.name ?? '').length > NAME_MAX) {
    errors.push(fieldInvalid('metadata.name', metadata.name, `must be no more than ${NAME_MAX} bytes`))
  }
  return errors
}

/** Long names and zones in the schedule that were let in before stay. */
export function validateCronJobUpdate(
  next: DeepReadonly<CronJob>,
  old: DeepReadonly<CronJob>,
  rules: PodRules = DEFAULT_POD_RULES,
): FieldError[] {
  const errors: FieldError[] = []
  validateSpec(errors, next.spec, old.spec, rules)
  return errors
}

function validateSpec(errors: FieldError[], spec: FrozenSpec, old: FrozenSpec | undefined, rules: PodRules): void {
  const { schedule = '', timeZone, concurrencyPolicy = '', jobTemplate } = spec
  if (schedule === '') errors.push(fieldRequired('spec.schedule', ''))
  else validateSchedule(errors, schedule, timeZone, old?.schedule?.includes('TZ') ?? false)
  checkNonNegative(errors, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds)
  if (timeZone !== undefined && (old === undefined || old.timeZone !== timeZone)) validateTimeZone(errors, timeZone)
  if (!CONCURRENCY_POLICIES.includes(concurrencyPolicy)) {
    const field = 'spec.concurrencyPolicy'
    const error =
      concurrencyPolicy === ''
        ? fieldRequired(field, '')
        : fieldNotSupported(field, concurrencyPolicy, CONCURRENCY_POLICIES)
    errors.push(error)
  }
  const job = jobTemplate?.spec
  validateJobSpec(errors, 'spec.jobTemplate.spec', job ?? { template: {} }, rules)
  if (job?.selector !== undefined) {
    errors.push(fieldInvalid('spec.jobTemplate.spec.selector', job.selector, '`selector` will be auto-generated'))
  }
  if (job?.manualSelector === true) {
    errors.push(fieldNotSupported('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']))
  }
  checkNonNegative(errors, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit)
  checkNonNegative(errors, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit)
}

function validateSchedule(
  errors: FieldError[],
  schedule: string,
  timeZone: string | undefined,
  mayNameZone: boolean,
): void {
  try {
    parseCronSchedule(schedule)
  } catch (err: unknown) {
    errors.push(fieldInvalid('spec.schedule', schedule, errorMessage(err)))
  }
  if (!schedule.includes('TZ')) return
  if (!mayNameZone) {
    const detail = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'
    errors.push(fieldInvalid('spec.schedule', schedule, detail))
  } else if (timeZone !== undefined) {
    const detail = 'cannot use both timeZone field and TZ or CRON_TZ in schedule'
    errors.push(fieldInvalid('spec.schedule', schedule, detail))
  }
}

function validateTimeZone(errors: FieldError[], timeZone: string): void {
  const field = 'spec.timeZone'
  if (timeZone === '') {
    errors.push(fieldInvalid(field, timeZone, 'timeZone must be nil or non-empty string'))
    return
  }
  const isPart = (part: string): boolean =>
    part !== '.' && part !== '..' && !part.startsWith('-') && TIME_ZONE_PART.test(part)
  if (!timeZone.split('/').every(isPart)) {
    errors.push(fieldInvalid(field, timeZone, `unknown time zone ${timeZone}`))
    return
  }
  if (timeZone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
    errors.push(fieldInvalid(field, timeZone, detail))
  }
  // Go knows `Local`; other spellings of it are files that do not exist.
  if (timeZone !== 'Local' && TimeZone.find(timeZone) === undefined) {
    errors.push(fieldInvalid(field, timeZone, `unknown time zone ${timeZone}`))
  }
}
