/** Upstream: pkg/apis/batch/v1/defaults.go. */
import type { CronJob, Job, JobSpec } from '#machinery/api/batch/v1/types.gen.ts'
import { setPodTemplateDefaults } from '../core/pod/defaults.ts'

const MAX_INT_32 = 2 ** 31 - 1
const BACKOFF_LIMIT = 6

export function setJobDefaults(job: Job): void {
  job.spec ??= { template: {} }
  const { spec } = job
  spec.template ??= {}
  const labels = spec.template.metadata?.labels
  setJobTemplateSpecDefaults(spec)
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1
    spec.parallelism = 1
  }
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : MAX_INT_32
  if (labels !== undefined && Object.keys(job.metadata.labels ?? {}).length === 0) job.metadata.labels = { ...labels }
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed'
}

export function setCronJobDefaults(cronJob: CronJob): void {
  cronJob.spec ??= { schedule: '', jobTemplate: {} }
  const { spec } = cronJob
  spec.concurrencyPolicy ||= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
  spec.jobTemplate ??= {}
  spec.jobTemplate.metadata ??= {}
  spec.jobTemplate.spec ??= { template: {} }
  spec.jobTemplate.spec.template ??= {}
  setJobTemplateSpecDefaults(spec.jobTemplate.spec)
}

/** What a CronJob's template gets too: the template's own defaults, not the Job's. */
function setJobTemplateSpecDefaults(spec: JobSpec): void {
  setPodTemplateDefaults(spec.template)
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  }
}
