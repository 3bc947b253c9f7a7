/** `kubectl get jobs,cronjobs`. Upstream: pkg/printers/internalversion/printers.go printJob, printCronJob. */
import type { CronJob, Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, ageOf, CONTAINERS, defineTable, humanDuration, IMAGES, NAME, SELECTOR } from '../table.ts'

type FrozenJob = DeepReadonly<Job>
type FrozenCronJob = DeepReadonly<CronJob>

export const jobTable = defineTable([
  NAME,
  { name: 'Status', value: (job: FrozenJob) => jobStatus(job) },
  { name: 'Completions', value: (job: FrozenJob) => completions(job) },
  { name: 'Duration', value: (job: FrozenJob, now) => duration(job, now) },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
])

function jobStatus({ metadata, status }: FrozenJob): string {
  const has = (type: string): boolean =>
    status?.conditions?.some((c) => c.type === type && c.status === 'True') === true
  if (has('Complete')) return 'Complete'
  if (has('Failed')) return 'Failed'
  if (metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (has('Suspended')) return 'Suspended'
  if (has('FailureTarget')) return 'FailureTarget'
  if (has('SuccessCriteriaMet')) return 'SuccessCriteriaMet'
  return 'Running'
}

function completions({ spec, status }: FrozenJob): string {
  const succeeded = status?.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  const parallelism = spec.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function duration({ status }: FrozenJob, now: Date): string {
  if (status?.startTime === undefined) return ''
  const end = status.completionTime === undefined ? now.getTime() : Date.parse(status.completionTime)
  return humanDuration(end - Date.parse(status.startTime))
}

const suspendText = (suspend: boolean | undefined): string =>
  suspend === undefined ? '<unset>' : suspend ? 'True' : 'False'

const template = (cronJob: FrozenCronJob) => ({ spec: cronJob.spec.jobTemplate?.spec ?? {} })

export const cronJobTable = defineTable([
  NAME,
  { name: 'Schedule', value: ({ spec }: FrozenCronJob) => spec.schedule },
  { name: 'Timezone', value: ({ spec }: FrozenCronJob) => spec.timeZone ?? '<none>' },
  { name: 'Suspend', type: 'boolean', value: ({ spec }: FrozenCronJob) => suspendText(spec.suspend) },
  { name: 'Active', type: 'integer', value: ({ status }: FrozenCronJob) => status?.active?.length ?? 0 },
  {
    name: 'Last Schedule',
    value: ({ status }: FrozenCronJob, now) =>
      status?.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, now),
  },
  AGE,
  { ...CONTAINERS, value: (cronJob: FrozenCronJob, now) => CONTAINERS.value(template(cronJob), now) },
  { ...IMAGES, value: (cronJob: FrozenCronJob, now) => IMAGES.value(template(cronJob), now) },
  { ...SELECTOR, value: (cronJob: FrozenCronJob, now) => SELECTOR.value(template(cronJob), now) },
])
