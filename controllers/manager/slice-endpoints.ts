/**
 * When two slices have the same ports, and two endpoints are the same one: what decides where an endpoint may stay.
 * Upstream: staging/src/k8s.io/endpointslice/util/endpointset.go, controller_utils.go.
 */
import type { Endpoint, EndpointPort } from '#machinery/api/discovery/v1/types.gen.ts'
import type { ObjectReference } from '#machinery/api/core/v1/types.gen.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export const ENDPOINTS_PER_SLICE_MAX = 100

/** Equal for equal sets of ports, whatever their order. */
export function portsKey(ports: readonly DeepReadonly<EndpointPort>[] = []): string {
  return ports
    .map(({ name = '', protocol = '', port = 0, appProtocol = '' }) => `${name}|${protocol}|${port}|${appProtocol}`)
    .sort()
    .join()
}

/** An endpoint keeps its identity while its conditions, zone and node change. */
export function endpointKey({ addresses, hostname = '', targetRef }: DeepReadonly<Endpoint>): string {
  return [[...addresses].sort().join(), hostname, targetRef?.namespace ?? '', targetRef?.name ?? ''].join('|')
}

/** Of two endpoints with the same key; hints are decided elsewhere. */
export function hasSameState(a: DeepReadonly<Endpoint>, b: DeepReadonly<Endpoint>): boolean {
  return (
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    deepEqual(a.conditions, b.conditions) &&
    deepEqual(withoutVersion(a.targetRef), withoutVersion(b.targetRef))
  )
}

function withoutVersion(reference: DeepReadonly<ObjectReference> | undefined): object | undefined {
  if (reference === undefined) return undefined
  const { resourceVersion: _, ...rest } = reference
  return rest
}
