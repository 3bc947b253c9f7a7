/** Jobs and CronJobs that are suspended and resumed, Jobs that are resized while they run. */
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Activity, Tools } from './activity.ts'

const COMPLETIONS_MAX = 6

export function suspension({ hands, manifests }: Tools): Activity {
  const isUnfinished = ({ metadata, status }: DeepReadonly<Job>): boolean =>
    metadata.deletionTimestamp === undefined && status?.completionTime === undefined
  const unfinished = async () => hands.pick((await hands.all(JOBS)).filter(isUnfinished))
  const suspend = async (isSuspended: boolean): Promise<void> => {
    const job = await unfinished()
    if (job !== undefined) await hands.patch(JOBS, job, { spec: { suspend: isSuspended } })
  }
  const resize = async (): Promise<void> => {
    const job = await unfinished()
    if (job === undefined) return
    const { completions, parallelism, completionMode } = job.spec
    // The number of indexes changes only together with the number of Pods at once.
    const isElastic = completionMode === 'Indexed' && completions === parallelism
    const size = 1 + hands.below(COMPLETIONS_MAX)
    if (!isElastic) return hands.patch(JOBS, job, { spec: { parallelism: size } })
    await hands.edit<Job>(JOBS, job, ({ spec, status }) => {
      // What has succeeded is complete, though its Pods may still be ending: then it keeps the size it succeeded with.
      if (status?.conditions?.some(({ type }) => type === 'SuccessCriteriaMet') !== true)
        Object.assign(spec, { completions: size, parallelism: size })
    })
  }
  return {
    name: 'suspension',
    actions: [
      { name: 'create Job', weight: 4, run: () => hands.create(JOBS, manifests.job()) },
      { name: 'create elastic Job', weight: 3, run: () => hands.create(JOBS, elastic(manifests.job())) },
      { name: 'suspend Job', weight: 4, run: () => suspend(true) },
      { name: 'resume Job', weight: 3, run: () => suspend(false) },
      { name: 'resize Job', weight: 4, run: resize },
      {
        name: 'suspend or resume CronJob',
        weight: 2,
        run: () => hands.change(CRON_JOBS, () => ({ spec: { suspend: hands.chance(0.5) } })),
      },
    ],
    // Some stay suspended: that is rest too.
    heal: () => suspend(false),
  }
}

function elastic(job: Job): Job {
  const { parallelism = 1 } = job.spec
  return { ...job, spec: { ...job.spec, completionMode: 'Indexed', completions: parallelism } }
}
