/** What Jobs never do: too many Pods at once, or two for one index. A lost answer may make a Pod twice; it is removed then. */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { controllerOf } from '#sdk'
import { invariantOf } from './interface.ts'
import { isActive, podsOf } from './pods.ts'

const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index'

export const indexedJobsRunEachIndexOnce = invariantOf<Pod>(PODS, ({ before, after }, cluster) => {
  const index = after?.metadata.annotations?.[COMPLETION_INDEX]
  if (before !== undefined || after === undefined || index === undefined || cluster.answersAreLost) return
  const rivals = podsOf(cluster, controllerOf(after)?.uid).filter(
    (pod) => pod.metadata.annotations?.[COMPLETION_INDEX] === index && isActive(pod),
  )
  if (rivals.length > 1)
    cluster.violated(`index ${index} has ${rivals.map(({ metadata }) => metadata.name).join(' and ')} at once`)
})

export const jobsKeepTheirParallelism = invariantOf<Pod>(PODS, ({ before, after }, cluster) => {
  if (before !== undefined || after === undefined || cluster.answersAreLost || cluster.hasCrashed) return
  const owner = controllerOf(after)?.uid
  const job = cluster.objects<Job>(JOBS).find(({ metadata }) => metadata.uid === owner)
  const active = podsOf(cluster, owner).filter(isActive).length
  const allowed = job?.spec.parallelism ?? active
  if (active > allowed) cluster.violated(`Job ${job?.metadata.name} has ${active} active Pods, ${allowed} allowed`)
})
