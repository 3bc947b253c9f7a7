/** The QoS class of a pod. Upstream: pkg/apis/core/v1/helper/qos/qos.go. */
import type { Container, Pod, ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const COMPUTE_RESOURCES = ['cpu', 'memory'] as const

export function podQosClass(pod: DeepReadonly<Pod>): QosClass {
  const podLevel = pod.spec.resources
  if (podLevel?.limits !== undefined || podLevel?.requests !== undefined) {
    if (!hasAny(podLevel)) return 'BestEffort'
    return isGuaranteed(podLevel) ? 'Guaranteed' : 'Burstable'
  }
  const containers: readonly DeepReadonly<Container>[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  if (!containers.some((container) => hasAny(container.resources))) return 'BestEffort'
  return containers.every((container) => isGuaranteed(container.resources)) ? 'Guaranteed' : 'Burstable'
}

function hasAny(resources: DeepReadonly<ResourceRequirements> | undefined): boolean {
  return COMPUTE_RESOURCES.some(
    (name) => isPositive(resources?.limits?.[name]) || isPositive(resources?.requests?.[name]),
  )
}

/** Limits for cpu and memory, and requests that are absent or equal to them. */
function isGuaranteed(resources: DeepReadonly<ResourceRequirements> | undefined): boolean {
  return COMPUTE_RESOURCES.every((name) => {
    const limit = resources?.limits?.[name]
    const request = resources?.requests?.[name]
    if (!isPositive(limit)) return false
    return request === undefined || request === limit || isEqualQuantity(request, limit)
  })
}

function isPositive(text: string | undefined): boolean {
  if (text === undefined) return false
  return tryParseQuantity(String(text))?.sign === 1
}

function isEqualQuantity(a: string, b: string | undefined): boolean {
  const left = tryParseQuantity(String(a))
  const right = b === undefined ? undefined : tryParseQuantity(String(b))
  return left !== undefined && right !== undefined && left.equals(right)
}
