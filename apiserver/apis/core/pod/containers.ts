/** The containers of a pod in upstream's order. Upstream: pkg/apis/core/pods VisitContainersWithPath. */
import type { Container, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type ContainerList = 'initContainers' | 'containers' | 'ephemeralContainers'

export function visitContainers(
  spec: DeepReadonly<PodSpec>,
  visit: (container: DeepReadonly<Container>, list: ContainerList, index: number) => void,
): void {
  spec.initContainers?.forEach((container, i) => {
    visit(container, 'initContainers', i)
  })
  spec.containers.forEach((container, i) => {
    visit(container, 'containers', i)
  })
  spec.ephemeralContainers?.forEach((container, i) => {
    visit(container as DeepReadonly<Container>, 'ephemeralContainers', i)
  })
}
