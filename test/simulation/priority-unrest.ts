/** What is not at rest among large Pods, which do not all fit: one that would, or one less important that keeps another waiting. */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import { LARGE_PODS_PER_NODE } from './activities/priorities.ts'
import { isActive } from './invariants/pods.ts'
import type { Observer } from './observer.ts'

export const isLarge = (pod: Pod | PodTemplateSpec | undefined): boolean => pod?.spec?.priorityClassName !== undefined

/** Every node takes them when the cluster is at rest, and all are of one size. */
export function priorityUnrest(observer: Observer): string[] {
  const large = observer.objects<Pod>(PODS).filter((pod) => isLarge(pod) && isActive(pod))
  const waiting = large.filter(({ spec }) => spec.nodeName === undefined)
  const placed = large.filter(({ spec }) => spec.nodeName !== undefined)
  const room = observer.objects(NODES).length * LARGE_PODS_PER_NODE - placed.length
  const priorityOf = ({ spec }: Pod): number => spec.priority ?? 0
  const least = Math.min(...placed.map(priorityOf))
  return waiting
    .filter((pod) => room > 0 || priorityOf(pod) > least)
    .map((pod) => `${pod.metadata.name} of priority ${priorityOf(pod)} waits: room for ${room}, least is ${least}`)
}
