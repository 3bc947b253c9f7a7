// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { TypedLocalObjectReference } from '#machinery/api/core/v1/types.gen.ts'
import type { Condition, KubeList, KubeObject, LabelSelector } from '#machinery/api/meta/v1.ts'

export interface NetworkPolicy extends KubeObject {
  spec: NetworkPolicySpec
}

export interface NetworkPolicySpec {
  podSelector?: LabelSelector
  ingress?: NetworkPolicyIngressRule[]
  egress?: NetworkPolicyEgressRule[]
  policyTypes?: string[]
}

export interface NetworkPolicyIngressRule {
  ports?: NetworkPolicyPort[]
  from?: NetworkPolicyPeer[]
}

export interface NetworkPolicyEgressRule {
  ports?: NetworkPolicyPort[]
  to?: NetworkPolicyPeer[]
}

export interface NetworkPolicyPort {
  protocol?: string
  port?: number | string
  endPort?: number
}

export interface IPBlock {
  cidr: string
  except?: string[]
}

export interface NetworkPolicyPeer {
  podSelector?: LabelSelector
  namespaceSelector?: LabelSelector
  ipBlock?: IPBlock
}

export type NetworkPolicyList = KubeList<NetworkPolicy>

export interface Ingress extends KubeObject {
  spec: IngressSpec
  status?: IngressStatus
}

export type IngressList = KubeList<Ingress>

export interface IngressSpec {
  ingressClassName?: string
  defaultBackend?: IngressBackend
  tls?: IngressTLS[]
  rules?: IngressRule[]
}

export interface IngressTLS {
  hosts?: string[]
  secretName?: string
}

export interface IngressStatus {
  loadBalancer?: IngressLoadBalancerStatus
}

export interface IngressLoadBalancerStatus {
  ingress?: IngressLoadBalancerIngress[]
}

export interface IngressLoadBalancerIngress {
  ip?: string
  hostname?: string
  ports?: IngressPortStatus[]
}

export interface IngressPortStatus {
  port: number
  protocol: string
  error?: string
}

export interface IngressRule extends IngressRuleValue {
  host?: string
}

export interface IngressRuleValue {
  http?: HTTPIngressRuleValue
}

export interface HTTPIngressRuleValue {
  paths: HTTPIngressPath[]
}

export interface HTTPIngressPath {
  path?: string
  pathType?: string
  backend: IngressBackend
}

export interface IngressBackend {
  service?: IngressServiceBackend
  resource?: TypedLocalObjectReference
}

export interface IngressServiceBackend {
  name: string
  port?: ServiceBackendPort
}

export interface ServiceBackendPort {
  name?: string
  number?: number
}

export interface IngressClass extends KubeObject {
  spec: IngressClassSpec
}

export interface IngressClassSpec {
  controller?: string
  parameters?: IngressClassParametersReference
}

export interface IngressClassParametersReference {
  apiGroup?: string
  kind: string
  name: string
  scope?: string
  namespace?: string
}

export type IngressClassList = KubeList<IngressClass>

export interface IPAddress extends KubeObject {
  spec: IPAddressSpec
}

export interface IPAddressSpec {
  parentRef?: ParentReference
}

export interface ParentReference {
  group?: string
  resource?: string
  namespace?: string
  name?: string
}

export type IPAddressList = KubeList<IPAddress>

export interface ServiceCIDR extends KubeObject {
  spec: ServiceCIDRSpec
  status?: ServiceCIDRStatus
}

export interface ServiceCIDRSpec {
  cidrs?: string[]
}

export interface ServiceCIDRStatus {
  conditions?: Condition[]
}

export type ServiceCIDRList = KubeList<ServiceCIDR>
