/** Upstream: pkg/apis/core/validation ValidateService, ValidateServiceUpdate. */
import type { Service, ServicePort, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
} from '#machinery/meta/field-error.ts'
import {
  inclusiveRangeMessage,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  isValidCidr,
  isValidIp,
  isValidPortNumber,
} from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkLabels, checkOneOf, checkPortNumberOrName } from '../../validation.ts'

type FrozenSpec = DeepReadonly<ServiceSpec>

const AFFINITY_SECONDS_MAX = 86400
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']

export function validateService(service: DeepReadonly<Service>): FieldError[] {
  const errors: FieldError[] = []
  const { spec } = service
  const isHeadless = spec.clusterIP === 'None'
  if ((spec.ports ?? []).length === 0 && !isHeadless && spec.type !== 'ExternalName') {
    errors.push(fieldRequired('spec.ports', ''))
  }
  validateByType(errors, spec, isHeadless)
  validatePorts(errors, spec, isHeadless)
  checkLabels(errors, 'spec.selector', spec.selector)
  validateAffinity(errors, spec)
  checkOneOf(errors, 'spec.type', spec.type, TYPES)
  validateClusterIps(errors, spec)
  validateTrafficPolicies(errors, spec)
  ;(spec.externalIPs ?? []).forEach((ip, i) => {
    addInvalid(errors, `spec.externalIPs[${i}]`, ip, isValidIp(ip))
  })
  ;(spec.loadBalancerSourceRanges ?? []).forEach((range, i) => {
    addInvalid(errors, `spec.loadBalancerSourceRanges[${i}]`, range, isValidCidr(range.trim()))
  })
  if (spec.loadBalancerClass !== undefined) {
    if (spec.type !== 'LoadBalancer') {
      errors.push(fieldForbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"))
    }
    addInvalid(errors, 'spec.loadBalancerClass', spec.loadBalancerClass, isQualifiedName(spec.loadBalancerClass))
  }
  return errors
}

function validateByType(errors: FieldError[], spec: FrozenSpec, isHeadless: boolean): void {
  if (spec.type === 'LoadBalancer' && isHeadless) {
    errors.push(
      fieldInvalid('spec.clusterIPs[0]', spec.clusterIP, "may not be set to 'None' for LoadBalancer services"),
    )
  }
  if (spec.type === 'NodePort' && isHeadless) {
    errors.push(fieldInvalid('spec.clusterIPs[0]', spec.clusterIP, "may not be set to 'None' for NodePort services"))
  }
  if (spec.type !== 'ExternalName') return
  if ((spec.clusterIP ?? '') !== '') {
    errors.push(fieldForbidden('spec.clusterIP', 'may not be set for ExternalName services'))
  }
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name === '') errors.push(fieldRequired('spec.externalName', ''))
  else addInvalid(errors, 'spec.externalName', name, isDns1123Subdomain(name))
}

function validatePorts(errors: FieldError[], spec: FrozenSpec, isHeadless: boolean): void {
  const ports = spec.ports ?? []
  const names = new Set<string>()
  const seen = new Set<string>()
  const nodePorts = new Set<string>()
  ports.forEach((port, i) => {
    const at = `spec.ports[${i}]`
    validatePort(errors, at, port, ports.length > 1, names, isHeadless)
    const key = `${port.protocol ?? ''}/${port.port}`
    if (seen.has(key)) errors.push(fieldDuplicate(at, { protocol: port.protocol, port: port.port }))
    seen.add(key)
    const nodePort = port.nodePort ?? 0
    if (nodePort === 0) return
    if (spec.type === 'ClusterIP' || spec.type === 'ExternalName') {
      errors.push(fieldForbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`))
    }
    const nodeKey = `${port.protocol ?? ''}/${nodePort}`
    if (nodePorts.has(nodeKey)) errors.push(fieldDuplicate(`${at}.nodePort`, nodePort))
    nodePorts.add(nodeKey)
  })
}

function validatePort(
  errors: FieldError[],
  field: string,
  port: DeepReadonly<ServicePort>,
  isNameRequired: boolean,
  names: Set<string>,
  isHeadless: boolean,
): void {
  const { name = '' } = port
  if (name === '') {
    if (isNameRequired) errors.push(fieldRequired(`${field}.name`, ''))
  } else {
    addInvalid(errors, `${field}.name`, name, isDns1123Label(name))
    if (names.has(name)) errors.push(fieldDuplicate(`${field}.name`, name))
    names.add(name)
  }
  addInvalid(errors, `${field}.port`, port.port ?? 0, isValidPortNumber(port.port ?? 0))
  checkOneOf(errors, `${field}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'])
  if (!(isHeadless && port.targetPort === undefined)) {
    checkPortNumberOrName(errors, `${field}.targetPort`, port.targetPort)
  }
  if (port.appProtocol !== undefined) {
    addInvalid(errors, `${field}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol))
  }
}

function validateAffinity(errors: FieldError[], spec: FrozenSpec): void {
  checkOneOf(errors, 'spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  const at = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds'
  if (
    spec.sessionAffinity === 'ClientIP' &&
    seconds !== undefined &&
    (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX)
  ) {
    errors.push(fieldInvalid(at, seconds, `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`))
  }
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined) {
    const detail = `must not be set when session affinity is None`
    errors.push(fieldForbidden('spec.sessionAffinityConfig', detail))
  }
}

function validateClusterIps(errors: FieldError[], spec: FrozenSpec): void {
  const { clusterIP = '', clusterIPs = [] } = spec
  clusterIPs.forEach((ip, i) => {
    if (ip === 'None') {
      if (i > 0) errors.push(fieldInvalid(`spec.clusterIPs[${i}]`, ip, 'must be a valid IP address'))
      return
    }
    addInvalid(errors, `spec.clusterIPs[${i}]`, ip, isValidIp(ip))
  })
  if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    errors.push(fieldInvalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`'))
  }
  if (clusterIPs.length > 2) {
    errors.push(fieldInvalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values'))
  }
  ;(spec.ipFamilies ?? []).forEach((family, i) => {
    if (family !== 'IPv4' && family !== 'IPv6') {
      errors.push(fieldNotSupported(`spec.ipFamilies[${i}]`, family, ['IPv4', 'IPv6']))
    }
  })
  if (spec.ipFamilyPolicy !== undefined) {
    const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
    checkOneOf(errors, 'spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies, 'unsupported')
    if (spec.ipFamilyPolicy === 'RequireDualStack') {
      const detail = 'this cluster is not configured for dual-stack services'
      errors.push(fieldInvalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail))
    }
  }
  if (spec.ipFamilies?.includes('IPv6') === true) {
    errors.push(fieldInvalid('spec.ipFamilies[0]', 'IPv6', 'not configured on this cluster'))
  }
}

function validateTrafficPolicies(errors: FieldError[], spec: FrozenSpec): void {
  const { externalTrafficPolicy = '', internalTrafficPolicy, healthCheckNodePort = 0 } = spec
  const isExternal =
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
  if (externalTrafficPolicy !== '') {
    if (isExternal) checkOneOf(errors, 'spec.externalTrafficPolicy', externalTrafficPolicy, ['Cluster', 'Local'])
    else {
      const detail = 'may only be set for externally-accessible services'
      errors.push(fieldInvalid('spec.externalTrafficPolicy', externalTrafficPolicy, detail))
    }
  } else if (isExternal) errors.push(fieldRequired('spec.externalTrafficPolicy', ''))
  if (internalTrafficPolicy !== undefined) {
    checkOneOf(errors, 'spec.internalTrafficPolicy', internalTrafficPolicy, ['Cluster', 'Local'], 'unsupported')
  }
  if (healthCheckNodePort === 0) return
  if (healthCheckNodePort < 0 || healthCheckNodePort > 65535) {
    errors.push(fieldInvalid('spec.healthCheckNodePort', healthCheckNodePort, inclusiveRangeMessage(1, 65535)))
  } else if (spec.type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local') {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    errors.push(fieldInvalid('spec.healthCheckNodePort', healthCheckNodePort, detail))
  }
}

export function validateServiceUpdate(service: DeepReadonly<Service>, old: DeepReadonly<Service>): FieldError[] {
  const errors = validateService(service)
  const { spec } = service
  const isStillInternal = old.spec.type !== 'ExternalName' && spec.type !== 'ExternalName'
  const held = old.spec.clusterIP ?? ''
  if (isStillInternal && held !== '' && spec.clusterIP !== held) {
    const detail = 'may not change once set'
    errors.push(fieldInvalid('spec.clusterIPs[0]', spec.clusterIP ?? '', detail))
  }
  const isStillBalanced = old.spec.type === 'LoadBalancer' && spec.type === 'LoadBalancer'
  if (isStillBalanced && !deepEqual(spec.loadBalancerClass, old.spec.loadBalancerClass)) {
    errors.push(fieldInvalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'))
  }
  return errors
}
