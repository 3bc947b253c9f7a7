/** Upstream: pkg/apis/core/validation ValidateService, ValidateServiceUpdate, ValidateServiceStatusUpdate. */
import type { LoadBalancerStatus, ServicePort } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  keyField,
} from '#machinery/meta/field-error.ts'
import { parseIp } from '#machinery/meta/ip-address.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkEndpointIp, checkLegacyCidr, checkLegacyIp } from '../../ip-validation.ts'
import { addInvalid, checkLabels, checkOneOf, checkPortNumberOrName } from '../../validation.ts'
import { validateClusterIps, validateClusterIpsUpdate } from './cluster-ip-validation.ts'
import type { FrozenService, FrozenServiceSpec } from './facts.ts'
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './facts.ts'

const AFFINITY_SECONDS_MAX = 86400
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const POLICIES = ['Cluster', 'Local']
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
const IP_MODES = ['Proxy', 'VIP']
const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints'
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode'
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"

/**
 * Called before IPs and node ports are allocated: `healthCheckNodePort` may still be missing.
 * `old`: its IPs and CIDRs stay valid in the form they have.
 */
export function validateService(service: FrozenService, old?: FrozenService): FieldError[] {
  const errors: FieldError[] = []
  const { spec } = service
  checkTopologyAnnotations(errors, service)
  const isWithoutIp = isHeadless(spec)
  if ((spec.ports ?? []).length === 0 && !isWithoutIp && spec.type !== 'ExternalName') {
    errors.push(fieldRequired('spec.ports', ''))
  }
  validateByType(errors, spec, isWithoutIp)
  const names = new Set<string>()
  spec.ports?.forEach((port, i, ports) => {
    validatePort(errors, `spec.ports[${i}]`, port, ports.length > 1, names)
  })
  checkLabels(errors, 'spec.selector', spec.selector)
  validateAffinity(errors, spec)
  validateClusterIps(errors, spec, old?.spec.clusterIPs)
  spec.externalIPs?.forEach((ip, i) => {
    const before = errors.length
    checkLegacyIp(errors, `spec.externalIPs[${i}]`, ip, old?.spec.externalIPs)
    if (errors.length === before) checkEndpointIp(errors, `spec.externalIPs[${i}]`, ip)
  })
  checkOneOf(errors, 'spec.type', spec.type, TYPES)
  checkPortsAreDistinct(errors, spec)
  validateSourceRanges(errors, service, old)
  validateLoadBalancerFields(errors, spec)
  validateTrafficPolicies(errors, spec)
  return errors
}

function checkTopologyAnnotations(errors: FieldError[], { metadata: { annotations } }: FrozenService): void {
  if (annotations === undefined) return
  const { [TOPOLOGY_HINTS]: hints, [TOPOLOGY_MODE]: mode } = annotations
  if (hints === undefined || mode === undefined || hints === mode) return
  const detail = `must match annotations[${TOPOLOGY_HINTS}] when both are specified`
  errors.push(fieldInvalid(keyField('metadata.annotations', TOPOLOGY_MODE), mode, detail))
}

function validateByType(errors: FieldError[], spec: FrozenServiceSpec, isWithoutIp: boolean): void {
  if (isWithoutIp && (spec.type === 'LoadBalancer' || spec.type === 'NodePort')) {
    const detail = `may not be set to 'None' for ${spec.type} services`
    errors.push(fieldInvalid('spec.clusterIPs[0]', spec.clusterIPs?.[0], detail))
  }
  if (spec.type !== 'ExternalName') return
  const forbidden = 'may not be set for ExternalName services'
  if ((spec.clusterIPs ?? []).length > 0) errors.push(fieldForbidden('spec.clusterIPs', forbidden))
  if ((spec.ipFamilies ?? []).length > 0) errors.push(fieldForbidden('spec.ipFamilies', forbidden))
  if (spec.ipFamilyPolicy !== undefined) errors.push(fieldForbidden('spec.ipFamilyPolicy', forbidden))
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name === '') errors.push(fieldRequired('spec.externalName', ''))
  else addInvalid(errors, 'spec.externalName', name, isDns1123Subdomain(name))
}

function validatePort(
  errors: FieldError[],
  field: string,
  port: DeepReadonly<ServicePort>,
  isNameRequired: boolean,
  names: Set<string>,
): void {
  const { name = '' } = port
  if (name !== '') {
    addInvalid(errors, `${field}.name`, name, isDns1123Label(name))
    if (names.has(name)) errors.push(fieldDuplicate(`${field}.name`, name))
    names.add(name)
  } else if (isNameRequired) errors.push(fieldRequired(`${field}.name`, ''))
  addInvalid(errors, `${field}.port`, port.port ?? 0, isValidPortNumber(port.port ?? 0))
  checkOneOf(errors, `${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
  checkPortNumberOrName(errors, `${field}.targetPort`, port.targetPort)
  if (port.appProtocol !== undefined) {
    addInvalid(errors, `${field}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol))
  }
}

function validateAffinity(errors: FieldError[], spec: FrozenServiceSpec): void {
  checkOneOf(errors, 'spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  const at = 'spec.sessionAffinityConfig'
  const config = spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'None') {
    if (config !== undefined) errors.push(fieldForbidden(at, 'must not be set when session affinity is None'))
    return
  }
  if (spec.sessionAffinity !== 'ClientIP') return
  const required = 'when session affinity type is ClientIP'
  const seconds = config?.clientIP?.timeoutSeconds
  if (config === undefined) errors.push(fieldRequired(at, required))
  else if (config.clientIP === undefined) errors.push(fieldRequired(`${at}.clientIP`, required))
  else if (seconds === undefined) errors.push(fieldRequired(`${at}.clientIP.timeoutSeconds`, required))
  else if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX) {
    const detail = `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`
    errors.push(fieldInvalid(`${at}.clientIP.timeoutSeconds`, seconds, detail))
  }
}

function checkPortsAreDistinct(errors: FieldError[], { type, ports = [] }: FrozenServiceSpec): void {
  if (type === 'ClusterIP') {
    ports.forEach(({ nodePort = 0 }, i) => {
      const detail = "may not be used when `type` is 'ClusterIP'"
      if (nodePort !== 0) errors.push(fieldForbidden(`spec.ports[${i}].nodePort`, detail))
    })
  }
  if (ports.length < 2) return
  const nodePorts = new Set<string>()
  ports.forEach(({ protocol = '', nodePort = 0 }, i) => {
    if (nodePort === 0) return
    const key = `${protocol}/${nodePort}`
    if (nodePorts.has(key)) errors.push(fieldDuplicate(`spec.ports[${i}].nodePort`, nodePort))
    nodePorts.add(key)
  })
  const seen = new Set<string>()
  ports.forEach(({ protocol = '', port }, i) => {
    const key = `${protocol}/${port}`
    if (seen.has(key)) errors.push(fieldDuplicate(`spec.ports[${i}]`, portKeyAsGo(protocol, port)))
    seen.add(key)
  })
}

/** Upstream prints the comparison key, an internal ServicePort with two members filled in. */
const portKeyAsGo = (protocol: string, port: number): object => ({
  Name: '',
  Protocol: protocol,
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
})

function validateSourceRanges(errors: FieldError[], service: FrozenService, old: FrozenService | undefined): void {
  const { spec, metadata } = service
  const ranges = spec.loadBalancerSourceRanges ?? []
  const annotation = ranges.length > 0 ? undefined : metadata.annotations?.[SOURCE_RANGES]
  if (ranges.length === 0 && annotation === undefined) return
  const at =
    annotation === undefined ? 'spec.LoadBalancerSourceRanges' : keyField('metadata.annotations', SOURCE_RANGES)
  if (spec.type !== 'LoadBalancer') errors.push(fieldForbidden(at, ONLY_LOAD_BALANCER))
  if (annotation === undefined) {
    const kept = old?.spec.loadBalancerSourceRanges?.map((range) => range.trim())
    ranges.forEach((range, i) => {
      checkLegacyCidr(errors, `${at}[${i}]`, range.trim(), kept)
    })
  } else if (annotation.trim() !== '' && old?.metadata.annotations?.[SOURCE_RANGES] !== annotation) {
    for (const range of annotation.split(',')) checkLegacyCidr(errors, at, range.trim())
  }
}

function validateLoadBalancerFields(errors: FieldError[], spec: FrozenServiceSpec): void {
  const isBalanced = spec.type === 'LoadBalancer'
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalanced) {
    errors.push(fieldForbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER))
  }
  if (isBalanced && spec.allocateLoadBalancerNodePorts === undefined) {
    errors.push(fieldRequired('allocateLoadBalancerNodePorts', ''))
  }
  validateLoadBalancerClass(errors, spec)
}

function validateLoadBalancerClass(errors: FieldError[], spec: FrozenServiceSpec): void {
  const { loadBalancerClass } = spec
  if (loadBalancerClass === undefined) return
  const at = 'spec.loadBalancerClass'
  if (spec.type === 'LoadBalancer') addInvalid(errors, at, loadBalancerClass, isQualifiedName(loadBalancerClass))
  else errors.push(fieldForbidden(at, ONLY_LOAD_BALANCER))
}

function validateTrafficPolicies(errors: FieldError[], spec: FrozenServiceSpec): void {
  const { externalTrafficPolicy = '', internalTrafficPolicy, healthCheckNodePort = 0, trafficDistribution } = spec
  if (isExternallyAccessible(spec)) {
    checkOneOf(errors, 'spec.externalTrafficPolicy', externalTrafficPolicy, POLICIES)
  } else if (externalTrafficPolicy !== '') {
    const detail = 'may only be set for externally-accessible services'
    errors.push(fieldInvalid('spec.externalTrafficPolicy', externalTrafficPolicy, detail))
  }
  if (healthCheckNodePort !== 0) {
    const at = 'spec.healthCheckNodePort'
    if (needsHealthCheckPort(spec)) {
      addInvalid(errors, at, healthCheckNodePort, isValidPortNumber(healthCheckNodePort))
    } else {
      const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
      errors.push(fieldInvalid(at, healthCheckNodePort, detail))
    }
  }
  if (internalTrafficPolicy !== undefined) {
    checkOneOf(errors, 'spec.internalTrafficPolicy', internalTrafficPolicy, POLICIES, 'unsupported')
  } else if (spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
    errors.push(fieldRequired('spec.internalTrafficPolicy', ''))
  }
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution)) {
    errors.push(fieldNotSupported('spec.trafficDistribution', trafficDistribution, DISTRIBUTIONS))
  }
}

export function validateServiceUpdate(service: FrozenService, old: FrozenService): FieldError[] {
  const errors: FieldError[] = []
  const { spec } = service
  validateClusterIpsUpdate(errors, spec, old.spec)
  const isStillBalanced = old.spec.type === 'LoadBalancer' && spec.type === 'LoadBalancer'
  if (isStillBalanced && spec.loadBalancerClass !== old.spec.loadBalancerClass) {
    errors.push(fieldInvalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'))
  }
  // Upstream checks the class here and again with the rest: a bad one is reported twice.
  validateLoadBalancerClass(errors, spec)
  const isStillChecked = needsHealthCheckPort(old.spec) && needsHealthCheckPort(spec)
  if (isStillChecked && (spec.healthCheckNodePort ?? 0) !== (old.spec.healthCheckNodePort ?? 0)) {
    errors.push(fieldForbidden('spec.healthCheckNodePort', 'field is immutable'))
  }
  errors.push(...validateService(service, old))
  return errors
}

export function validateServiceStatusUpdate(service: FrozenService, old: FrozenService): FieldError[] {
  const errors: FieldError[] = []
  const { ingress = [] } = service.status?.loadBalancer ?? {}
  if (service.spec.type !== 'LoadBalancer' && ingress.length > 0) {
    const detail = "may only be used when `spec.type` is 'LoadBalancer'"
    errors.push(fieldForbidden('status.loadBalancer.ingress', detail))
    return errors
  }
  validateIngressPoints(errors, service.status?.loadBalancer, old.status?.loadBalancer)
  return errors
}

function validateIngressPoints(
  errors: FieldError[],
  status: DeepReadonly<LoadBalancerStatus> | undefined,
  old: DeepReadonly<LoadBalancerStatus> | undefined,
): void {
  const kept = old?.ingress?.map(({ ip }) => ip ?? '')
  status?.ingress?.forEach(({ ip = '', hostname = '', ipMode }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`
    if (ip !== '') checkLegacyIp(errors, `${at}.ip`, ip, kept)
    if (ipMode === undefined) {
      if (ip !== '') errors.push(fieldRequired(`${at}.ipMode`, 'must be specified when `ip` is set'))
    } else if (ip === '') errors.push(fieldForbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'))
    else if (!IP_MODES.includes(ipMode)) errors.push(fieldNotSupported(`${at}.ipMode`, ipMode, IP_MODES))
    checkBalancerHostname(errors, `${at}.hostname`, hostname)
  })
}

/** Also of an Ingress's status. */
export function checkBalancerHostname(errors: FieldError[], field: string, hostname: string): void {
  if (hostname === '') return
  addInvalid(errors, field, hostname, isDns1123Subdomain(hostname))
  if (parseIp(hostname) !== undefined) {
    errors.push(fieldInvalid(field, hostname, 'must be a DNS name, not an IP address'))
  }
}
