/** Jobs and CronJobs. Upstream: pkg/registry/batch/{job,cronjob}/strategy.go. */

import { validateCronJob, validateCronJobUpdate } from '#apiserver/apis/batch/cron-job-validation.ts'
import { validateJobStatusUpdate } from '#apiserver/apis/batch/status-validation.ts'
import { validateJob, validateJobUpdate } from '#apiserver/apis/batch/validation.ts'
import { jobSpecWarnings } from '#apiserver/apis/batch/warnings.ts'
import { labelNameWarnings } from '#apiserver/apis/core/pod/warnings.ts'
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import type { CronJob, Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from '../generic/interfaces.ts'
import { templatedStrategy } from '../pod-templates.ts'

const JOB: Strategy = {
  // batch/v1 clients of old expect a deleted job's pods to stay unless they ask otherwise.
  defaultGarbageCollection: 'Orphan',
  prepareForCreate(draft) {
    generateSelector(draft as Job)
  },
  warnings(object, old) {
    const { metadata, spec } = object as DeepReadonly<Job>
    if (old === undefined) return [...labelNameWarnings(metadata), ...jobSpecWarnings('spec', spec)]
    return old.metadata.generation === metadata.generation ? [] : jobSpecWarnings('spec', spec)
  },
  deletionWarnings: ({ propagationPolicy, orphanDependents }) =>
    propagationPolicy === undefined && orphanDependents === undefined ? [KEPT_PODS] : [],
}

const KEPT_PODS =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning'

export const jobStrategy = (isGateEnabled: IsGateEnabled): Strategy => {
  const gates = {
    scheduling: isGateEnabled('MutableSchedulingDirectivesForSuspendedJobs'),
    resources: isGateEnabled('MutablePodResourcesForSuspendedJobs'),
  }
  return templatedStrategy<Job>(isGateEnabled, {
    specOf: ({ spec }) => spec.template?.spec,
    validate: validateJob,
    validateUpdate: (job, old, rules) => validateJobUpdate(job, old, rules, gates),
    others: JOB,
  })
}

export const jobStatusStrategy: Strategy = {
  validateUpdate: (object, old) => validateJobStatusUpdate(object as DeepReadonly<Job>, old as DeepReadonly<Job>),
}

/** The job's own pods are found by its UID, whatever labels the user chose. */
function generateSelector(job: Job): void {
  if (job.spec.manualSelector === true) return
  const uid = job.metadata.uid ?? ''
  const name = job.metadata.name ?? ''
  job.spec.template.metadata ??= {}
  const { metadata } = job.spec.template
  metadata.labels = {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    ...metadata.labels,
  }
  const matchLabels = { 'batch.kubernetes.io/controller-uid': uid, ...job.spec.selector?.matchLabels }
  job.spec.selector = { ...job.spec.selector, matchLabels }
}

const CRON_JOB: Strategy = {
  warnings(object, old) {
    const { metadata, spec } = object as DeepReadonly<CronJob>
    const jobWarnings = () => jobSpecWarnings('spec.jobTemplate.spec', spec.jobTemplate?.spec)
    if (old === undefined) return [...labelNameWarnings(metadata), ...jobWarnings()]
    const warnings = old.metadata.generation === metadata.generation ? [] : jobWarnings()
    return spec.schedule.includes('TZ') ? [...warnings, ZONE_IN_SCHEDULE] : warnings
  },
}

/** The path is upstream's. */
const ZONE_IN_SCHEDULE =
  'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details'

export const cronJobStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<CronJob>(isGateEnabled, {
    specOf: ({ spec }) => spec.jobTemplate?.spec?.template?.spec,
    validate: validateCronJob,
    validateUpdate: validateCronJobUpdate,
    others: CRON_JOB,
  })

export const jobSelectableFields = {
  'status.successful': (object: DeepReadonly<Job>) => String(object.status?.succeeded ?? 0),
}
