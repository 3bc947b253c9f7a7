/** What the scheduler never does: Pods that keep away from each other on one node, Pods less spread than required. */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Change, Cluster, Invariant } from './interface.ts'
import { invariantOf } from './interface.ts'
import { isActive } from './pods.ts'

/** A binding whose answer was lost, or that a dead scheduler had under way, is not known to the next decision. */
export const antiAffinityHolds = invariantOf<Pod>(PODS, ({ before, after }, cluster) => {
  const node = after?.spec.nodeName
  const app = after?.metadata.labels?.['app']
  if (node === undefined || before === undefined || before.spec.nodeName !== undefined || after === undefined) return
  if (cluster.answersAreLost || cluster.hasCrashed || after.spec.affinity?.podAntiAffinity === undefined) return
  const rivals = cluster
    .objects<Pod>(PODS)
    .filter(({ metadata, spec, status }) => {
      const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed'
      return spec.nodeName === node && metadata.labels?.['app'] === app && !isOver
    })
    .map(({ metadata }) => metadata.name)
  if (rivals.length > 1) cluster.violated(`${node} has ${rivals.join(' and ')}, which keep away from each other`)
})

/**
 * Required topology spread, by node and with a skew of one: at rest, as bindings do not arrive in the order of decisions; and of
 * workloads of which no Pod has gone, as one that goes leaves a skew behind that nothing mends, and as does a node that comes.
 */
export class SpreadHolds implements Invariant {
  readonly resources = [PODS, NODES]
  readonly #shrunk = new Set<string>()
  #hasNodeCome = false

  onChange({ before, after }: Change<KubeObject>, cluster: Cluster): void {
    if ((after ?? before)?.kind === NODES.kind) {
      this.#hasNodeCome ||= before === undefined
      return
    }
    const app = appOf((after ?? before) as Pod)
    if (after !== undefined && isActive(after as Pod)) return
    const isEmpty = cluster.objects<Pod>(PODS).every((pod) => appOf(pod) !== app)
    if (isEmpty) this.#shrunk.delete(app)
    else this.#shrunk.add(app)
  }

  atRest(cluster: Cluster): void {
    const pods = cluster.objects<Pod>(PODS)
    const spread = new Set(pods.filter(({ spec }) => spec.topologySpreadConstraints !== undefined).map(appOf))
    for (const app of spread) {
      if (cluster.answersAreLost || cluster.hasCrashed || this.#hasNodeCome) this.#shrunk.add(app)
      if (this.#shrunk.has(app)) continue
      const nodes = pods.filter((pod) => appOf(pod) === app).map(({ spec }) => spec.nodeName)
      const counts = cluster.objects(NODES).map(({ metadata }) => nodes.filter((name) => name === metadata.name).length)
      if (Math.max(...counts) - Math.min(...counts) > 1) cluster.violated(`${app} is spread over nodes as ${counts}`)
    }
    this.#hasNodeCome = false
  }
}

const appOf = ({ metadata }: Pod): string => metadata.labels?.['app'] ?? ''
