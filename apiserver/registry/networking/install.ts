/** networking.k8s.io/v1. Upstream: pkg/registry/networking. */
import type { Ingress, IngressClass, NetworkPolicy } from '#machinery/api/networking/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { setIngressClassDefaults, setNetworkPolicyDefaults } from '#apiserver/apis/networking/defaults.ts'
import {
  validateIngress,
  validateIngressClass,
  validateIngressClassUpdate,
  validateNetworkPolicy,
} from '#apiserver/apis/networking/validation.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { ingressClassTable, ingressTable, ipAddressTable, networkPolicyTable, serviceCidrTable } from './tables.ts'

export const NETWORKING_GROUP: ResourceGroup = {
  group: 'networking.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'ingressclasses',
      kind: 'IngressClass',
      namespaced: false,
      generation: true,
      defaults: setIngressClassDefaults,
      strategy: {
        validate: (object) => validateIngressClass(object as DeepReadonly<IngressClass>),
        validateUpdate: (object, old) =>
          validateIngressClassUpdate(object as DeepReadonly<IngressClass>, old as DeepReadonly<IngressClass>),
      },
      table: ingressClassTable,
    },
    {
      resource: 'ingresses',
      kind: 'Ingress',
      namespaced: true,
      shortNames: ['ing'],
      status: true,
      emptyStatus: { loadBalancer: {} },
      generation: true,
      strategy: {
        validate: (object) => validateIngress(object as DeepReadonly<Ingress>),
        validateUpdate: (object) => validateIngress(object as DeepReadonly<Ingress>),
      },
      table: ingressTable,
    },
    {
      resource: 'ipaddresses',
      kind: 'IPAddress',
      namespaced: false,
      shortNames: ['ip'],
      table: ipAddressTable,
    },
    {
      resource: 'networkpolicies',
      kind: 'NetworkPolicy',
      namespaced: true,
      shortNames: ['netpol'],
      generation: true,
      defaults: setNetworkPolicyDefaults,
      strategy: {
        validate: (object) => validateNetworkPolicy(object as DeepReadonly<NetworkPolicy>),
        validateUpdate: (object) => validateNetworkPolicy(object as DeepReadonly<NetworkPolicy>),
      },
      table: networkPolicyTable,
    },
    {
      resource: 'servicecidrs',
      kind: 'ServiceCIDR',
      namespaced: false,
      status: true,
      table: serviceCidrTable,
    },
  ],
}
