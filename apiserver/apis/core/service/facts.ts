/** What kind of service this is. Upstream: pkg/api/service/util.go, pkg/registry/core/service/strategy.go. */
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type FrozenService = DeepReadonly<Service>
export type FrozenServiceSpec = DeepReadonly<ServiceSpec>

export const HEADLESS = 'None'

export function isHeadless({ clusterIPs }: FrozenServiceSpec): boolean {
  return clusterIPs?.length === 1 && clusterIPs[0] === HEADLESS
}

export const needsClusterIp = ({ type }: FrozenServiceSpec): boolean => type !== 'ExternalName'

export const needsNodePorts = ({ type }: FrozenServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer'

export function needsHealthCheckPort({ type, externalTrafficPolicy }: FrozenServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
}

export function isExternallyAccessible(spec: FrozenServiceSpec): boolean {
  return needsNodePorts(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
}
