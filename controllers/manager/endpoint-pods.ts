/**
 * What a Pod contributes to the endpoints of a Service: whether it is one, under which ports and host name. Pure.
 * Upstream: staging/src/k8s.io/endpointslice/util/controller_utils.go, pkg/api/v1/pod/util.go (FindPort).
 */
import type { Pod, Service, ServicePort } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isPodReady } from './pod-control.ts'

export const LAST_CHANGE_TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time'
export const HEADLESS_LABEL = 'service.kubernetes.io/headless'
export const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader'

/** Finished Pods and Pods without address are no endpoints. */
export function isEndpoint({ status, metadata }: DeepReadonly<Pod>, includesTerminating: boolean): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false
  if (podIpsOf(status).length === 0) return false
  return includesTerminating || metadata.deletionTimestamp === undefined
}

/** status.podIPs, or the single status.podIP of a writer that knows only that. */
export function podIpsOf(status: DeepReadonly<Pod>['status']): readonly string[] {
  const ips = status?.podIPs?.flatMap(({ ip }) => (ip === undefined || ip === '' ? [] : [ip])) ?? []
  if (ips.length > 0) return ips
  return status?.podIP === undefined || status.podIP === '' ? [] : [status.podIP]
}

/** A Service without a cluster IP. */
export function isHeadless({ spec }: DeepReadonly<Service>): boolean {
  const { clusterIP = '' } = spec ?? {}
  return clusterIP === 'None' || clusterIP === ''
}

/** The Pods of these Services are found by their selector; others have endpoints somebody else writes, or none. */
export function hasManagedEndpoints({ spec }: DeepReadonly<Service>): boolean {
  return spec?.type !== 'ExternalName' && hasSelector({ spec })
}

/** An empty selector is none: upstream's storage drops empty maps. */
export function hasSelector({ spec }: Pick<DeepReadonly<Service>, 'spec'>): boolean {
  return Object.keys(spec?.selector ?? {}).length > 0
}

/** The name under which DNS knows the Pod in this Service. */
export function hostnameIn(service: DeepReadonly<Service>, { spec }: DeepReadonly<Pod>): string | undefined {
  const { hostname = '', subdomain = '' } = spec ?? {}
  return hostname !== '' && subdomain === service.metadata.name ? hostname : undefined
}

/** A number is taken as it is; a name is looked up in the containers, sidecars included. Undefined: the Pod lacks it. */
export function targetPortOf({ spec }: DeepReadonly<Pod>, servicePort: DeepReadonly<ServicePort>): number | undefined {
  const { targetPort = servicePort.port, protocol = 'TCP' } = servicePort
  if (typeof targetPort === 'number') return targetPort
  const sidecars = spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? []
  for (const { ports = [] } of [...(spec?.containers ?? []), ...sidecars]) {
    const port = ports.find((port) => port.name === targetPort && (port.protocol ?? 'TCP') === protocol)
    if (port !== undefined) return port.containerPort
  }
  return undefined
}

/** Whether the change matters to the endpoints of the Services that select the Pod before and after. */
export function hasEndpointChanged(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): boolean {
  return (
    a.metadata.uid !== b.metadata.uid ||
    a.metadata.deletionTimestamp !== b.metadata.deletionTimestamp ||
    isPodReady(a) !== isPodReady(b) ||
    isEndpoint(a, true) !== isEndpoint(b, true) ||
    podIpsOf(a.status).join() !== podIpsOf(b.status).join() ||
    a.spec?.nodeName !== b.spec?.nodeName ||
    a.spec?.hostname !== b.spec?.hostname ||
    a.spec?.subdomain !== b.spec?.subdomain
  )
}
