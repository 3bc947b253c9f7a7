/** Required anti-affinity: no node gets two Pods that keep away from each other. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { invariantOf } from './interface.ts'

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
