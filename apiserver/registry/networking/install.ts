/** networking.k8s.io/v1. Upstream: pkg/registry/networking. */

import { loadBalancerWarnings, strictIpProblems } from '#apiserver/apis/ip-validation.ts'
import {
  validateIpAddress,
  validateIpAddressUpdate,
  validateServiceCidr,
  validateServiceCidrUpdate,
} from '#apiserver/apis/networking/address-validation.ts'
import { setIngressClassDefaults, setNetworkPolicyDefaults } from '#apiserver/apis/networking/defaults.ts'
import {
  validateIngress,
  validateIngressClass,
  validateIngressClassUpdate,
  validateIngressStatusUpdate,
  validateIngressUpdate,
} from '#apiserver/apis/networking/ingress-validation.ts'
import { validateNetworkPolicy } from '#apiserver/apis/networking/policy-validation.ts'
import { ingressWarnings, networkPolicyWarnings } from '#apiserver/apis/networking/warnings.ts'
import type {
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  ServiceCIDR,
} from '#machinery/api/networking/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { withStoredMetadata } from '../strategy.ts'
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
      status: {
        validateUpdate: (object, old) =>
          validateIngressStatusUpdate(object as DeepReadonly<Ingress>, old as DeepReadonly<Ingress>),
        warnings: (object) => loadBalancerWarnings((object as DeepReadonly<Ingress>).status?.loadBalancer),
      },
      emptyStatus: { loadBalancer: {} },
      generation: true,
      strategy: {
        validate: (object) => validateIngress(object as DeepReadonly<Ingress>),
        validateUpdate: (object, old) =>
          validateIngressUpdate(object as DeepReadonly<Ingress>, old as DeepReadonly<Ingress>),
        warnings: (object, old) => (old === undefined ? ingressWarnings(object as DeepReadonly<Ingress>) : []),
      },
      table: ingressTable,
    },
    {
      resource: 'ipaddresses',
      kind: 'IPAddress',
      namespaced: false,
      shortNames: ['ip'],
      strategy: {
        validateName: strictIpProblems,
        hasPlainGeneratedNames: true,
        validate: (object) => validateIpAddress(object as DeepReadonly<IPAddress>),
        validateUpdate: (object, old) =>
          validateIpAddressUpdate(object as DeepReadonly<IPAddress>, old as DeepReadonly<IPAddress>),
      },
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
        validateUpdate: (object, old) =>
          validateNetworkPolicy(object as DeepReadonly<NetworkPolicy>, old as DeepReadonly<NetworkPolicy>),
        warnings: (object) => networkPolicyWarnings(object as DeepReadonly<NetworkPolicy>),
      },
      table: networkPolicyTable,
    },
    {
      resource: 'servicecidrs',
      kind: 'ServiceCIDR',
      namespaced: false,
      status: withStoredMetadata(),
      strategy: {
        validate: (object) => validateServiceCidr(object as DeepReadonly<ServiceCIDR>),
        validateUpdate: (object, old) =>
          validateServiceCidrUpdate(object as DeepReadonly<ServiceCIDR>, old as DeepReadonly<ServiceCIDR>),
      },
      table: serviceCidrTable,
    },
  ],
}
