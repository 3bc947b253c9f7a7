/**
 * Hints for `spec.trafficDistribution`: a ready endpoint is for its own zone (and, with PreferSameNode, its own node). Pure
 * but for the plan it is given. Upstream: staging/src/k8s.io/endpointslice/trafficdist/trafficdist.go.
 */
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import type { Endpoint, EndpointHints, EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { SlicePlan } from './slice-plan.ts'

export type TrafficDistribution = 'PreferClose' | 'PreferSameZone' | 'PreferSameNode'

/** Undefined: traffic goes anywhere. */
export function trafficDistributionOf({ spec }: DeepReadonly<Service>): TrafficDistribution | undefined {
  const { trafficDistribution } = spec ?? {}
  const isKnown =
    trafficDistribution === 'PreferClose' ||
    trafficDistribution === 'PreferSameZone' ||
    trafficDistribution === 'PreferSameNode'
  return isKnown ? trafficDistribution : undefined
}

export function addTrafficHints(plan: SlicePlan, distribution: TrafficDistribution): void {
  setHints(plan, (endpoint) => trafficHints(endpoint, distribution))
}

export function removeHints(plan: SlicePlan): void {
  setHints(plan, () => undefined)
}

/** Slices that need nothing else are changed only if a hint differs. */
function setHints(plan: SlicePlan, hintsOf: (endpoint: DeepReadonly<Endpoint>) => EndpointHints | undefined): void {
  plan.unchanged = plan.unchanged.filter((slice) => {
    const isRight = (slice.endpoints ?? []).every((endpoint) => deepEqual(endpoint.hints, hintsOf(endpoint)))
    if (!isRight) plan.update.push(deepCopy<EndpointSlice>(slice))
    return isRight
  })
  for (const { endpoints = [] } of [...plan.create, ...plan.update]) {
    for (const endpoint of endpoints) {
      const hints = hintsOf(endpoint)
      if (hints === undefined) delete endpoint.hints
      else endpoint.hints = hints
    }
  }
}

function trafficHints(
  { conditions, zone, nodeName }: DeepReadonly<Endpoint>,
  distribution: TrafficDistribution,
): EndpointHints | undefined {
  if (conditions?.ready !== true) return undefined
  const forNodes = distribution === 'PreferSameNode' && nodeName !== undefined ? [{ name: nodeName }] : undefined
  if (zone === undefined && forNodes === undefined) return undefined
  return {
    ...(zone === undefined ? {} : { forZones: [{ name: zone }] }),
    ...(forNodes === undefined ? {} : { forNodes }),
  }
}
