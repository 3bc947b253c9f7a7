/** Which container of a pod is meant. Upstream: pkg/registry/core/pod/strategy.go validateContainer. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export function chooseContainer(pod: DeepReadonly<Pod>, asked: string): string {
  const { name = '' } = pod.metadata
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  const all = [...initContainers, ...containers, ...ephemeralContainers].map((container) => container.name)
  if (asked !== '') {
    if (!all.includes(asked)) throw newBadRequest(`container ${asked} is not valid for pod ${name}`)
    return asked
  }
  const [only, ...others] = containers
  if (only === undefined) throw newBadRequest(`a container name must be specified for pod ${name}`)
  if (others.length === 0) return only.name
  throw newBadRequest(`a container name must be specified for pod ${name}, choose one of: [${all.join(' ')}]`)
}
