/** Upstream: pkg/apis/networking/validation/validation.go. */
import type {
  Ingress,
  IngressBackend,
  IngressClass,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '#machinery/api/networking/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import {
  isDns1035Label,
  isDns1123Subdomain,
  isValidCidr,
  isValidIp,
  isValidPortName,
  isValidPortNumber,
  isWildcardDns1123Subdomain,
} from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import {
  addInvalid,
  checkImmutable,
  checkLabelSelector,
  checkName,
  checkOneOf,
  checkPortNumberOrName,
} from '../validation.ts'

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
const INVALID_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const INVALID_SUFFIXES = ['/..', '/.']

export function validateIngress({ spec }: DeepReadonly<Ingress>): FieldError[] {
  const errors: FieldError[] = []
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec ?? {}
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.push(fieldInvalid('spec', rules, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (defaultBackend !== undefined) validateBackend(errors, 'spec.defaultBackend', defaultBackend)
  rules.forEach(({ host = '', http }, i) => {
    const field = `spec.rules[${i}]`
    if (host !== '') validateHost(errors, `${field}.host`, host)
    if (http === undefined) return
    if ((http.paths ?? []).length === 0) errors.push(fieldRequired(`${field}.http.paths`, ''))
    ;(http.paths ?? []).forEach(({ path = '', pathType, backend }, j) => {
      const at = `${field}.http.paths[${j}]`
      if (pathType === undefined) errors.push(fieldRequired(`${at}.pathType`, 'pathType must be specified'))
      else validatePath(errors, at, path, pathType)
      validateBackend(errors, `${at}.backend`, backend)
    })
  })
  tls.forEach(({ hosts = [], secretName = '' }, i) => {
    hosts.forEach((host, j) => {
      validateHostname(errors, `spec.tls[${i}].hosts[${j}]`, host)
    })
    if (secretName !== '') addInvalid(errors, `spec.tls[${i}].secretName`, secretName, isDns1123Subdomain(secretName))
  })
  if (ingressClassName !== undefined) {
    addInvalid(errors, 'spec.ingressClassName', ingressClassName, isDns1123Subdomain(ingressClassName))
  }
  return errors
}

function validateHost(errors: FieldError[], field: string, host: string): void {
  if (isValidIp(host).length === 0) {
    errors.push(fieldInvalid(field, host, 'must be a DNS name, not an IP address'))
  }
  validateHostname(errors, field, host)
}

function validateHostname(errors: FieldError[], field: string, host: string): void {
  addInvalid(errors, field, host, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host))
}

function validatePath(errors: FieldError[], field: string, path: string, pathType: string): void {
  if (!PATH_TYPES.includes(pathType)) {
    errors.push(fieldNotSupported(`${field}.pathType`, pathType, PATH_TYPES))
    return
  }
  const at = `${field}.path`
  if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) errors.push(fieldInvalid(at, path, 'must be an absolute path'))
    return
  }
  if (!path.startsWith('/')) errors.push(fieldInvalid(at, path, 'must be an absolute path'))
  for (const sequence of INVALID_SEQUENCES) {
    if (path.includes(sequence)) errors.push(fieldInvalid(at, path, `must not contain '${sequence}'`))
  }
  for (const suffix of INVALID_SUFFIXES) {
    if (path.endsWith(suffix)) errors.push(fieldInvalid(at, path, `cannot end with '${suffix}'`))
  }
}

function validateBackend(errors: FieldError[], field: string, backend: DeepReadonly<IngressBackend> | undefined): void {
  const { service, resource } = backend ?? {}
  if (service !== undefined && resource !== undefined) {
    errors.push(fieldInvalid(field, '', 'cannot set both resource and service backends'))
  } else if (resource !== undefined) {
    if ((resource.kind ?? '') === '') errors.push(fieldRequired(`${field}.resource.kind`, ''))
    if ((resource.name ?? '') === '') errors.push(fieldRequired(`${field}.resource.name`, ''))
  } else if (service === undefined) {
    errors.push(fieldRequired(field, 'resource or service backend is required'))
  } else {
    checkName(errors, `${field}.service.name`, service.name, isDns1035Label)
    const { name = '', number = 0 } = service.port ?? {}
    if (name !== '' && number !== 0) errors.push(fieldInvalid(field, '', 'cannot set both port name & port number'))
    else if (name !== '') addInvalid(errors, `${field}.service.port.name`, name, isValidPortName(name))
    else if (number !== 0) addInvalid(errors, `${field}.service.port.number`, number, isValidPortNumber(number))
    else errors.push(fieldRequired(field, 'port name or number is required'))
  }
}

export function validateIngressClassUpdate(
  next: DeepReadonly<IngressClass>,
  old: DeepReadonly<IngressClass>,
): FieldError[] {
  const errors = validateIngressClass(next)
  checkImmutable(errors, 'spec.controller', next.spec?.controller, old.spec?.controller)
  return errors
}

export function validateIngressClass({ spec }: DeepReadonly<IngressClass>): FieldError[] {
  const errors: FieldError[] = []
  const controller = spec?.controller ?? ''
  if (controller.length > 250) {
    errors.push({ type: 'FieldValueTooLong', field: 'spec.controller', detail: 'may not be more than 250 bytes' })
  }
  if (controller === '') errors.push(fieldRequired('spec.controller', ''))
  else if (!/^[^/]+\/.+$/.test(controller)) {
    errors.push(fieldInvalid('spec.controller', controller, 'must be a domain-prefixed path (such as "acme.io/foo")'))
  }
  return errors
}

export function validateNetworkPolicy({ spec }: DeepReadonly<NetworkPolicy>): FieldError[] {
  const errors: FieldError[] = []
  checkLabelSelector(errors, 'spec.podSelector', spec?.podSelector)
  ;(spec?.ingress ?? []).forEach((rule, i) => {
    validatePolicyPorts(errors, `spec.ingress[${i}].ports`, rule.ports)
    ;(rule.from ?? []).forEach((peer, j) => {
      validatePeer(errors, `spec.ingress[${i}].from[${j}]`, peer)
    })
  })
  ;(spec?.egress ?? []).forEach((rule, i) => {
    validatePolicyPorts(errors, `spec.egress[${i}].ports`, rule.ports)
    ;(rule.to ?? []).forEach((peer, j) => {
      validatePeer(errors, `spec.egress[${i}].to[${j}]`, peer)
    })
  })
  const types = spec?.policyTypes ?? []
  if (types.length > 2)
    errors.push(fieldInvalid('spec.policyTypes', types, 'may not specify more than two policyTypes'))
  else
    types.forEach((type, i) => {
      checkOneOf(errors, `spec.policyTypes[${i}]`, type, ['Egress', 'Ingress'], 'unsupported')
    })
  return errors
}

function validatePolicyPorts(
  errors: FieldError[],
  field: string,
  ports: readonly DeepReadonly<NetworkPolicyPort>[] | undefined,
): void {
  ports?.forEach(({ protocol, port, endPort }, i) => {
    const at = `${field}[${i}]`
    if (protocol !== undefined) checkOneOf(errors, `${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'], 'unsupported')
    if (port !== undefined) checkPortNumberOrName(errors, `${at}.port`, port)
    if (endPort === undefined) return
    if (port === undefined)
      errors.push(fieldInvalid(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified'))
    else if (typeof port === 'string') {
      errors.push(fieldInvalid(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
    } else if (endPort < port)
      errors.push(fieldInvalid(`${at}.endPort`, endPort, 'must be greater than or equal to `port`'))
    else addInvalid(errors, `${at}.endPort`, endPort, isValidPortNumber(endPort))
  })
}

function validatePeer(errors: FieldError[], field: string, peer: DeepReadonly<NetworkPolicyPeer>): void {
  const { podSelector, namespaceSelector, ipBlock } = peer
  checkLabelSelector(errors, `${field}.podSelector`, podSelector)
  checkLabelSelector(errors, `${field}.namespaceSelector`, namespaceSelector)
  const hasSelector = podSelector !== undefined || namespaceSelector !== undefined
  if (!hasSelector && ipBlock === undefined) errors.push(fieldRequired(field, 'must specify a peer'))
  else if (hasSelector && ipBlock !== undefined) {
    errors.push(fieldForbidden(field, 'may not specify both ipBlock and another peer'))
  }
  if (ipBlock === undefined) return
  if ((ipBlock.cidr ?? '') === '') errors.push(fieldRequired(`${field}.ipBlock.cidr`, ''))
  else addInvalid(errors, `${field}.ipBlock.cidr`, ipBlock.cidr, isValidCidr(ipBlock.cidr))
  ;(ipBlock.except ?? []).forEach((range, i) => {
    addInvalid(errors, `${field}.ipBlock.except[${i}]`, range, isValidCidr(range))
  })
}
