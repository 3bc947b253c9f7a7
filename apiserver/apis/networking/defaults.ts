/** Upstream: pkg/apis/networking/v1/defaults.go. */
import type { IngressClass, NetworkPolicy } from '#machinery/api/networking/v1/types.gen.ts'

export function setNetworkPolicyDefaults(policy: NetworkPolicy): void {
  policy.spec ??= {}
  const { spec } = policy
  spec.podSelector ??= {}
  for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of rule.ports ?? []) port.protocol ??= 'TCP'
  }
  if ((spec.policyTypes ?? []).length === 0) {
    spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress']
  }
}

export function setIngressClassDefaults(ingressClass: IngressClass): void {
  const parameters = ingressClass.spec?.parameters
  if (parameters !== undefined) parameters.scope ??= 'Cluster'
}
