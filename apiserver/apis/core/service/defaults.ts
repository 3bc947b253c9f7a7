/** Upstream: pkg/apis/core/v1/defaults.go SetDefaults_Service. */
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { isExternallyAccessible, needsNodePorts } from './facts.ts'

const CLIENT_IP_AFFINITY_SECONDS = 10800

export function setServiceDefaults(service: Service): void {
  service.spec ??= {}
  const spec = service.spec
  spec.type ||= 'ClusterIP'
  setAffinityDefaults(spec)
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= 'Cluster'
  if (spec.type === 'ClusterIP' || needsNodePorts(spec)) spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) {
      if (ingress.ip !== undefined && ingress.ip !== '') ingress.ipMode ??= 'VIP'
    }
  }
}

function setAffinityDefaults(spec: ServiceSpec): void {
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: CLIENT_IP_AFFINITY_SECONDS } }
  }
}
