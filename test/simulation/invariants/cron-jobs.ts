/**
 * concurrencyPolicy Forbid: no Job starts while another of the same CronJob runs. After a crash between a Job and the status
 * that names it upstream has forgotten that Job (event UnexpectedJob), and promises nothing.
 */
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { CronJob, Job } from '#machinery/api/batch/v1/types.gen.ts'
import { controllerOf } from '#sdk'
import { invariantOf } from './interface.ts'

export const cronJobsForbidOverlaps = invariantOf<Job>(JOBS, ({ before, after }, cluster) => {
  if (before !== undefined || after === undefined || cluster.answersAreLost || cluster.hasCrashed) return
  const uid = controllerOf(after)?.uid
  const cronJob = cluster.objects<CronJob>(CRON_JOBS).find(({ metadata }) => metadata.uid === uid)
  if (cronJob?.spec.concurrencyPolicy !== 'Forbid') return
  const running = cluster.objects<Job>(JOBS).filter((job) => controllerOf(job)?.uid === uid && !isFinished(job))
  if (running.length > 1)
    cluster.violated(
      `CronJob ${cronJob.metadata.name} runs ${running.map(({ metadata }) => metadata.name).join(' and ')}`,
    )
})

const isFinished = ({ status }: Job): boolean =>
  status?.conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ??
  false
