/** The Jobs of a CronJob: how one is made for a time of the schedule, when it is over, which finished ones go. Pure. */
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { CronJob, Job, JobTemplateSpec } from '#machinery/api/batch/v1/types.gen.ts'
import { TimeZone } from '#machinery/cron/time-zone.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newControllerReference } from '#sdk'

const SCHEDULED_TIMESTAMP = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
const MINUTE_MS = 60_000

/** One name for one time: a second attempt meets the Job of the first. */
export function jobName({ metadata }: DeepReadonly<CronJob>, scheduledMs: number): string {
  return `${metadata.name ?? ''}-${Math.floor(scheduledMs / MINUTE_MS)}`
}

export function newJob(cronJob: DeepReadonly<CronJob>, scheduledMs: number): Job {
  const { metadata, spec } = deepCopy<JobTemplateSpec>(cronJob.spec.jobTemplate)
  const zone = TimeZone.find(cronJob.spec.timeZone ?? '')
  const { namespace } = cronJob.metadata
  return {
    apiVersion: apiVersionOf(JOBS),
    kind: JOBS.kind,
    metadata: {
      name: jobName(cronJob, scheduledMs),
      ...(namespace === undefined ? {} : { namespace }),
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: {
        ...metadata?.annotations,
        ...(zone === undefined ? {} : { [SCHEDULED_TIMESTAMP]: zone.format(scheduledMs) }),
      },
      ownerReferences: [newControllerReference(cronJob, CRON_JOBS)],
    },
    spec: spec ?? { template: {} },
  }
}

/** How it ended; undefined: it has not. */
export function finishedAs({ status }: DeepReadonly<Job>): 'Complete' | 'Failed' | undefined {
  const ended = status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  )
  return ended?.type as 'Complete' | 'Failed' | undefined
}

/** The finished Jobs beyond the limits of the history, those that started first. */
export function outlivedJobs(
  { spec }: DeepReadonly<CronJob>,
  jobs: readonly DeepReadonly<Job>[],
): readonly DeepReadonly<Job>[] {
  const beyond = (end: 'Complete' | 'Failed', limit: number | undefined): DeepReadonly<Job>[] => {
    const finished = jobs.filter((job) => finishedAs(job) === end)
    if (limit === undefined || finished.length <= limit) return []
    return finished.sort(byStart).slice(0, finished.length - limit)
  }
  return [...beyond('Complete', spec.successfulJobsHistoryLimit), ...beyond('Failed', spec.failedJobsHistoryLimit)]
}

function byStart(a: DeepReadonly<Job>, b: DeepReadonly<Job>): number {
  // One that never started is the latest.
  const [startA, startB] = [startMs(a), startMs(b)]
  if (startA !== startB) return startA < startB ? -1 : 1
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}

function startMs({ status }: DeepReadonly<Job>): number {
  return status?.startTime === undefined ? Number.POSITIVE_INFINITY : Date.parse(status.startTime)
}
