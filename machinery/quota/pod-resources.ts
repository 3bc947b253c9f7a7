/**
 * What a Pod asks for as a whole: containers, sidecars, init containers, pod-level resources, overhead; during a resize
 * the larger of what is wanted, promised and in force. Upstream: component-helpers resource/helpers.go PodRequests, PodLimits.
 */
import type { Container, ContainerStatus, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type Amounts = ReadonlyMap<string, Quantity>
type FrozenPod = DeepReadonly<Pod>
type List = Readonly<Record<string, string>> | undefined
type ContainerAmounts = (container: DeepReadonly<Container>, status: DeepReadonly<ContainerStatus> | undefined) => List

/** `missing`: what a container that asks for nothing is counted with. */
export function podRequests(pod: FrozenPod, missing?: Readonly<Record<string, string>>): Amounts {
  const isInfeasible = isResizeInfeasible(pod)
  const wanted: ContainerAmounts = ({ resources }) =>
    missing === undefined ? resources?.requests : { ...missing, ...resources?.requests }
  const fallback: ContainerAmounts = isInfeasible ? () => undefined : wanted
  const allocated: ContainerAmounts = (container, status) => status?.allocatedResources ?? fallback(container, status)
  const inForce: ContainerAmounts = (container, status) => status?.resources?.requests ?? allocated(container, status)
  const total = sumContainers(pod, isInfeasible ? inForce : wanted)
  if (hasStatuses(pod)) {
    raise(total, sumContainers(pod, inForce))
    raise(total, sumContainers(pod, allocated))
  }
  usePodLevel(total, pod.spec.resources?.requests)
  addList(total, pod.spec.overhead)
  return total
}

export function podLimits(pod: FrozenPod): Amounts {
  const isInfeasible = isResizeInfeasible(pod)
  const wanted: ContainerAmounts = ({ resources }) => resources?.limits
  const fallback: ContainerAmounts = isInfeasible ? () => undefined : wanted
  const inForce: ContainerAmounts = (container, status) => status?.resources?.limits ?? fallback(container, status)
  const total = sumContainers(pod, isInfeasible ? inForce : wanted)
  if (hasStatuses(pod)) raise(total, sumContainers(pod, inForce))
  usePodLevel(total, pod.spec.resources?.limits)
  // A container without a limit stays without one.
  for (const [name, text] of Object.entries(pod.spec.overhead ?? {})) {
    const limit = total.get(name)
    if (limit !== undefined && !limit.isZero) total.set(name, limit.add(parse(text)))
  }
  return total
}

/** What the containers ask for together, without the pod's own resources and overhead. */
export const containersTotal = (pod: FrozenPod, list: 'requests' | 'limits'): Amounts =>
  sumContainers(pod, ({ resources }) => resources?.[list])

export function hasPodLevelResources({ spec }: FrozenPod): boolean {
  const { requests = {}, limits = {} } = spec.resources ?? {}
  return [...Object.keys(requests), ...Object.keys(limits)].some(isPodLevel)
}

/** Resources a pod can have of its own. */
export const isPodLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

const hasStatuses = ({ status }: FrozenPod): boolean =>
  (status?.containerStatuses ?? []).length + (status?.initContainerStatuses ?? []).length > 0

function isResizeInfeasible({ status }: FrozenPod): boolean {
  const pending = status?.conditions?.find(({ type }) => type === 'PodResizePending')
  return pending?.reason === 'Infeasible'
}

function sumContainers(pod: FrozenPod, amountsOf: ContainerAmounts): Map<string, Quantity> {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const total = new Map<string, Quantity>()
  for (const container of pod.spec.containers)
    addList(
      total,
      amountsOf(
        container,
        containerStatuses.find(({ name }) => name === container.name),
      ),
    )
  const sidecars = new Map<string, Quantity>()
  const peak = new Map<string, Quantity>()
  for (const container of pod.spec.initContainers ?? []) {
    const own = amountsOf(
      container,
      initContainerStatuses.find(({ name }) => name === container.name),
    )
    if (container.restartPolicy === 'Always') {
      addList(total, own)
      addList(sidecars, own)
      raise(peak, sidecars)
    } else {
      const together = new Map(sidecars)
      addList(together, own)
      raise(peak, together)
    }
  }
  raise(total, peak)
  return total
}

function usePodLevel(total: Map<string, Quantity>, list: List): void {
  for (const [name, text] of Object.entries(list ?? {})) if (isPodLevel(name)) total.set(name, parse(text))
}

function addList(total: Map<string, Quantity>, list: List): void {
  for (const [name, text] of Object.entries(list ?? {})) {
    const current = total.get(name)
    total.set(name, current === undefined ? parse(text) : current.add(parse(text)))
  }
}

function raise(total: Map<string, Quantity>, other: Amounts): void {
  for (const [name, amount] of other) {
    const current = total.get(name)
    if (current === undefined || amount.compare(current) > 0) total.set(name, amount)
  }
}

const parse = (text: string): Quantity => tryParseQuantity(String(text)) ?? ZERO_QUANTITY
