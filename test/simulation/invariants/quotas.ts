/**
 * ResourceQuotas: no Pod is made beyond any limit there was since the last rest. Where events come late the quota controller may
 * count what is no longer so, as upstream's.
 */
import { PODS, RESOURCE_QUOTAS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, ResourceQuota } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Change, Cluster, Invariant } from './interface.ts'

export class QuotasHold implements Invariant {
  readonly resources = [PODS, RESOURCE_QUOTAS]
  /** By the UID of the quota. */
  readonly #limits = new Map<string, number>()

  onChange({ before, after }: Change<KubeObject>, cluster: Cluster): void {
    if (after?.kind === RESOURCE_QUOTAS.kind) this.#allow(after as ResourceQuota)
    else if (after !== undefined && before === undefined && !cluster.areEventsLate) this.#check(after as Pod, cluster)
  }

  #allow({ metadata, spec, status }: ResourceQuota): void {
    // Until it has been counted nothing is allowed.
    if (status?.used?.['pods'] === undefined) return
    const uid = metadata.uid ?? ''
    this.#limits.set(uid, Math.max(this.#limits.get(uid) ?? 0, Number(spec?.hard?.['pods'] ?? 0)))
  }

  #check({ metadata: { name, namespace } }: Pod, cluster: Cluster): void {
    const quotas = cluster.objects<ResourceQuota>(RESOURCE_QUOTAS)
    for (const quota of quotas.filter(({ metadata }) => metadata.namespace === namespace)) {
      const limit = this.#limits.get(quota.metadata.uid ?? '')
      const pods = cluster.objects<Pod>(PODS).filter((pod) => pod.metadata.namespace === namespace && isCounted(pod))
      if (limit !== undefined && pods.length > limit)
        cluster.violated(`${name} is one of ${pods.length} Pods, ${quota.metadata.name} allows ${limit}`)
    }
  }
}

const isCounted = ({ status }: Pod): boolean => status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
