/**
 * What a Pod's extended resources are as requests for devices, and which container uses which. Pure. Init containers that end
 * share what runs after them: one more request covers what the hungriest of them needs beyond that.
 * Upstream: plugins/dynamicresources/extendeddynamicresources.go createRequestsAndMappings.
 */
import type { Container, ContainerExtendedResourceRequest } from '#machinery/api/core/v1/types.gen.ts'
import type { DeviceRequest } from '#machinery/api/resource/v1/types.gen.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenPod } from '../../framework/interfaces.ts'

export interface ExtendedRequests {
  /** By name. */
  readonly requests: readonly DeviceRequest[]
  readonly mappings: readonly ContainerExtendedResourceRequest[]
}

interface Need {
  readonly request: DeviceRequest | undefined
  readonly mappings: readonly ContainerExtendedResourceRequest[]
}

/** `classOf` knows a class for each of `resources`. */
export function extendedRequests(
  pod: FrozenPod,
  resources: readonly string[],
  classOf: (resource: string) => string | undefined,
): ExtendedRequests {
  const parts = [...resources].sort().map((resource) => requestsFor(pod, resource, classOf(resource) ?? ''))
  const requests = parts.flatMap((part) => part.requests)
  return {
    requests: requests.sort((a, b) => (a.name < b.name ? -1 : 1)),
    mappings: parts.flatMap(({ mappings }) => mappings),
  }
}

function requestsFor({ spec }: FrozenPod, resource: string, className: string): ExtendedRequests {
  const { initContainers = [] } = spec
  const containers = [...initContainers, ...spec.containers]
  const endsFirst = (i: number): boolean => i < initContainers.length && containers[i]?.restartPolicy !== 'Always'
  const place = { resource, className }
  const lasting = containers.map((container, i) => (endsFirst(i) ? NO_NEED : needOf({ ...place, container, i }, [])))
  const passing = containers.map((container, i) =>
    endsFirst(i) ? needOf({ ...place, container, i }, lasting.slice(i)) : NO_NEED,
  )
  const largest = largestOf(passing)
  const extra = new Set(passing.flatMap(({ request }) => request?.name ?? []))
  const shared = passing.flatMap(({ mappings }) =>
    mappings.map((mapping) =>
      extra.has(mapping.requestName) ? { ...mapping, requestName: largest?.name ?? '' } : mapping,
    ),
  )
  return {
    requests: [...(largest === undefined ? [] : [largest]), ...lasting.flatMap(({ request }) => request ?? [])],
    mappings: [...lasting.flatMap(({ mappings }) => mappings), ...shared],
  }
}

const NO_NEED: Need = { request: undefined, mappings: [] }

interface Place {
  readonly container: DeepReadonly<Container>
  /** Among init containers and containers. */
  readonly i: number
  readonly resource: string
  readonly className: string
}

/** First what `reusable` has, then devices of its own. */
function needOf({ container, i, resource, className }: Place, reusable: readonly Need[]): Need {
  const asked = container.resources?.requests ?? {}
  const amount = tryParseQuantity(asked[resource] ?? '0')?.value() ?? 0
  if (amount === 0) return NO_NEED
  const mappingTo = (requestName: string) => ({ containerName: container.name, resourceName: resource, requestName })
  const mappings: ContainerExtendedResourceRequest[] = []
  let covered = 0
  for (const { request } of reusable) {
    if (request === undefined) continue
    covered += countOf(request)
    mappings.push(mappingTo(request.name))
    if (covered >= amount) return { request: undefined, mappings }
  }
  const name = `container-${i}-request-${Object.keys(asked).sort().indexOf(resource)}`
  const exactly = { deviceClassName: className, allocationMode: 'ExactCount', count: amount - covered }
  return { request: { name, exactly }, mappings: [...mappings, mappingTo(name)] }
}

/** The first of those that ask for most. */
function largestOf(needs: readonly Need[]): DeviceRequest | undefined {
  let largest: DeviceRequest | undefined
  for (const { request } of needs)
    if (request !== undefined && (largest === undefined || countOf(request) > countOf(largest))) largest = request
  return largest
}

const countOf = ({ exactly }: DeviceRequest): number => exactly?.count ?? 0
