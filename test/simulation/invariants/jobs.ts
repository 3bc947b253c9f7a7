/** What Jobs never do: too many Pods at once, or two for one index. A lost answer may make a Pod twice; it is removed then. */
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { controllerOf } from '#sdk'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { type Change, type Cluster, type Invariant, invariantOf } from './interface.ts'
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

/** More than any size it had since the cluster was last at rest: its controller may not have seen the newest. */
export class JobsKeepTheirParallelism implements Invariant {
  readonly resources = [JOBS, PODS]
  readonly #allowed = new Map<string, number>()

  onChange({ before, after }: Change<KubeObject>, cluster: Cluster): void {
    if (after?.kind === JOBS.kind) this.#allow(after as Job)
    else if (after !== undefined && before === undefined) this.#check(after as Pod, cluster)
  }

  atRest(cluster: Cluster): void {
    this.#allowed.clear()
    for (const job of cluster.objects<Job>(JOBS)) this.#allow(job)
  }

  #allow({ metadata, spec }: Job): void {
    const uid = metadata.uid ?? ''
    this.#allowed.set(uid, Math.max(this.#allowed.get(uid) ?? 0, spec.parallelism ?? 1))
  }

  #check(pod: Pod, cluster: Cluster): void {
    if (cluster.answersAreLost || cluster.hasCrashed) return
    const owner = controllerOf(pod)
    const allowed = this.#allowed.get(owner?.uid ?? '')
    const active = podsOf(cluster, owner?.uid).filter(isActive).length
    if (allowed !== undefined && active > allowed)
      cluster.violated(`Job ${owner?.name} has ${active} active Pods, ${allowed} allowed`)
  }
}
