/** A service's endpoints, from its EndpointSlices or, where it has none, from its Endpoints. */
import type { Endpoints } from '#machinery/api/core/v1/types.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { StoredObjects } from '../../deps.ts'

export interface ReadyEndpoint {
  readonly host: string
  readonly port: number
  readonly nodeName: string
  /** '' when it is no pod. */
  readonly podName: string
}

/** Of this port of the service; undefined: nobody keeps endpoints for it. */
export function readyEndpoints(
  objects: StoredObjects,
  namespace: string,
  name: string,
  port: string,
): ReadyEndpoint[] | undefined {
  const slices = objects.list('discovery.k8s.io', 'endpointslices', namespace) as readonly DeepReadonly<EndpointSlice>[]
  const own = slices.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
  if (own.length > 0) return own.flatMap((slice) => readyInSlice(slice, port))
  const endpoints = objects.peek('', 'endpoints', namespace, name) as DeepReadonly<Endpoints> | undefined
  return endpoints === undefined ? undefined : readyInEndpoints(endpoints, namespace, port)
}

function readyInSlice({ ports, endpoints }: DeepReadonly<EndpointSlice>, wanted: string): ReadyEndpoint[] {
  const port = ports?.find(({ name }) => (name ?? '') === wanted)?.port
  if (port === undefined) return []
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .map(({ addresses, nodeName = '', targetRef }) => ({
      host: addresses[0] ?? '',
      port,
      nodeName,
      podName: targetRef?.kind === 'Pod' ? (targetRef.name ?? '') : '',
    }))
}

function readyInEndpoints({ subsets }: DeepReadonly<Endpoints>, namespace: string, wanted: string): ReadyEndpoint[] {
  return (subsets ?? []).flatMap(({ addresses, ports }) => {
    const port = ports?.find((candidate) => (candidate.name ?? '') === wanted)?.port
    if (port === undefined) return []
    return (addresses ?? []).map(({ ip, nodeName = '', targetRef }) => ({
      host: ip,
      port,
      nodeName,
      podName: targetRef?.namespace === namespace ? (targetRef.name ?? '') : '',
    }))
  })
}
