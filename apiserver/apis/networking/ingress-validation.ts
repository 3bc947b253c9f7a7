/** Ingress and IngressClass. Upstream: pkg/apis/networking/validation/validation.go. */
import type { TypedLocalObjectReference } from '#machinery/api/core/v1/types.gen.ts'
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressClassParametersReference,
  IngressRule,
} from '#machinery/api/networking/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import { parseIp } from '#machinery/meta/ip-address.ts'
import {
  isDns1123Label,
  isDns1123Subdomain,
  isPathSegmentName,
  isValidPortName,
  isValidPortNumber,
  isWildcardDns1123Subdomain,
} from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkBalancerHostname } from '../core/service/validation.ts'
import { checkLegacyIp } from '../ip-validation.ts'
import { addInvalid, checkImmutable, checkName } from '../validation.ts'

type FrozenIngress = DeepReadonly<Ingress>

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
const INVALID_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const INVALID_SUFFIXES = ['/..', '/.']
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const CONTROLLER_MAX_BYTES = 250
const HTTP_PATH_FORMAT = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const HTTP_PATH = new RegExp(`^${HTTP_PATH_FORMAT}$`)

export function validateIngress(ingress: FrozenIngress): FieldError[] {
  const errors = validateIngressSpec(ingress, undefined)
  const annotation = ingress.metadata.annotations?.[CLASS_ANNOTATION]
  const { ingressClassName } = ingress.spec ?? {}
  if (annotation !== undefined && ingressClassName !== undefined && annotation !== ingressClassName) {
    const detail = 'must match `ingressClassName` when both are specified'
    errors.push(fieldInvalid(`annotations.${CLASS_ANNOTATION}`, annotation, detail))
  }
  return errors
}

export const validateIngressUpdate = (ingress: FrozenIngress, old: FrozenIngress): FieldError[] =>
  validateIngressSpec(ingress, old)

function validateIngressSpec({ spec }: FrozenIngress, old: FrozenIngress | undefined): FieldError[] {
  const errors: FieldError[] = []
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec ?? {}
  if (rules.length === 0 && defaultBackend === undefined) {
    const detail = 'either `defaultBackend` or `rules` must be specified'
    errors.push(fieldInvalid('spec', spec?.rules ?? null, detail))
  }
  if (defaultBackend !== undefined) validateBackend(errors, 'spec.defaultBackend', defaultBackend)
  const allowsOddWildcardRules = old !== undefined && (old.spec?.rules ?? []).some(isOddWildcardRule)
  rules.forEach((rule, i) => {
    validateRule(errors, `spec.rules[${i}]`, rule, allowsOddWildcardRules)
  })
  const allowsOddSecrets = (old?.spec?.tls ?? []).some(({ secretName = '' }) => secretProblems(secretName).length > 0)
  tls.forEach(({ hosts = [], secretName = '' }, i) => {
    hosts.forEach((host, j) => {
      checkHost(errors, `spec.tls[${i}].hosts[${j}]`, host)
    })
    if (!allowsOddSecrets) addInvalid(errors, `spec.tls[${i}].secretName`, secretName, secretProblems(secretName))
  })
  if (ingressClassName !== undefined) {
    addInvalid(errors, 'spec.ingressClassName', ingressClassName, isDns1123Subdomain(ingressClassName))
  }
  return errors
}

const secretProblems = (name: string): readonly string[] => (name === '' ? [] : isDns1123Subdomain(name))

function isOddWildcardRule({ host = '', http }: DeepReadonly<IngressRule>): boolean {
  if (!host.includes('*') || http === undefined) return false
  const errors: FieldError[] = []
  validatePaths(errors, '', http.paths)
  return errors.length > 0
}

function validateRule(
  errors: FieldError[],
  field: string,
  { host = '', http }: DeepReadonly<IngressRule>,
  allowsOddWildcardRules: boolean,
): void {
  if (host !== '') {
    if (parseIp(host) !== undefined) {
      errors.push(fieldInvalid(`${field}.host`, host, 'must be a DNS name, not an IP address'))
    }
    checkHost(errors, `${field}.host`, host)
  }
  if (http !== undefined && !(allowsOddWildcardRules && host.includes('*'))) {
    validatePaths(errors, `${field}.http.paths`, http.paths)
  }
}

function checkHost(errors: FieldError[], field: string, host: string): void {
  addInvalid(errors, field, host, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host))
}

function validatePaths(
  errors: FieldError[],
  field: string,
  paths: readonly DeepReadonly<HTTPIngressPath>[] | undefined,
): void {
  if (paths === undefined || paths.length === 0) errors.push(fieldRequired(field, ''))
  paths?.forEach(({ path = '', pathType, backend }, i) => {
    const at = `${field}[${i}]`
    if (pathType === undefined) {
      errors.push(fieldRequired(`${at}.pathType`, 'pathType must be specified'))
      return
    }
    validatePath(errors, at, path, pathType)
    validateBackend(errors, `${at}.backend`, backend)
  })
}

function validatePath(errors: FieldError[], field: string, path: string, pathType: string): void {
  const at = `${field}.path`
  const isAbsolute = path.startsWith('/')
  if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !isAbsolute) errors.push(fieldInvalid(at, path, 'must be an absolute path'))
  } else if (PATH_TYPES.includes(pathType)) {
    if (!isAbsolute) errors.push(fieldInvalid(at, path, 'must be an absolute path'))
    for (const sequence of INVALID_SEQUENCES) {
      if (path.includes(sequence)) errors.push(fieldInvalid(at, path, `must not contain '${sequence}'`))
    }
    for (const suffix of INVALID_SUFFIXES) {
      if (path.endsWith(suffix)) errors.push(fieldInvalid(at, path, `cannot end with '${suffix}'`))
    }
  } else errors.push(fieldNotSupported(`${field}.pathType`, pathType, PATH_TYPES))
}

function validateBackend(errors: FieldError[], field: string, backend: DeepReadonly<IngressBackend> | undefined): void {
  const { service, resource } = backend ?? {}
  if (service !== undefined && resource !== undefined) {
    errors.push(fieldInvalid(field, '', 'cannot set both resource and service backends'))
  } else if (resource !== undefined) checkReference(errors, `${field}.resource`, resource)
  else if (service === undefined) {
    errors.push(fieldInvalid(field, '', 'resource or service backend is required'))
  } else {
    checkName(errors, `${field}.service.name`, service.name, isDns1123Label)
    const { name = '', number = 0 } = service.port ?? {}
    if (name !== '' && number !== 0) errors.push(fieldInvalid(field, '', 'cannot set both port name & port number'))
    else if (name !== '') addInvalid(errors, `${field}.service.port.name`, name, isValidPortName(name))
    else if (number !== 0) addInvalid(errors, `${field}.service.port.number`, number, isValidPortNumber(number))
    else errors.push(fieldRequired(field, 'port name or number is required'))
  }
}

function checkReference(errors: FieldError[], field: string, reference: DeepReadonly<TypedLocalObjectReference>): void {
  const { apiGroup, kind, name } = reference
  if (apiGroup !== undefined) addInvalid(errors, `${field}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup))
  checkName(errors, `${field}.kind`, kind, isPathSegmentName)
  checkName(errors, `${field}.name`, name, isPathSegmentName)
}

export function validateIngressStatusUpdate(next: FrozenIngress, old: FrozenIngress): FieldError[] {
  const errors: FieldError[] = []
  const kept = old.status?.loadBalancer?.ingress?.map(({ ip = '' }) => ip)
  next.status?.loadBalancer?.ingress?.forEach(({ ip = '', hostname = '' }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`
    if (ip !== '') checkLegacyIp(errors, `${at}.ip`, ip, kept)
    checkBalancerHostname(errors, `${at}.hostname`, hostname)
  })
  return errors
}

export function validateIngressClass({ spec }: DeepReadonly<IngressClass>): FieldError[] {
  const errors: FieldError[] = []
  const controller = spec?.controller ?? ''
  if (controller === '') errors.push(fieldRequired('spec.controller', ''))
  else {
    if (Buffer.byteLength(controller) > CONTROLLER_MAX_BYTES) {
      errors.push(fieldTooLong('spec.controller', CONTROLLER_MAX_BYTES))
    }
    checkDomainPrefixedPath(errors, 'spec.controller', controller)
  }
  if (spec?.parameters !== undefined) validateParameters(errors, 'spec.parameters', spec.parameters)
  return errors
}

function checkDomainPrefixedPath(errors: FieldError[], field: string, value: string): void {
  const slash = value.indexOf('/')
  const host = value.slice(0, Math.max(0, slash))
  const path = value.slice(slash + 1)
  if (slash <= 0 || path === '') {
    errors.push(fieldInvalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")'))
    return
  }
  addInvalid(errors, field, host, isDns1123Subdomain(host))
  if (!HTTP_PATH.test(path)) {
    errors.push(fieldInvalid(field, path, `Invalid path (regex used for validation is '${HTTP_PATH_FORMAT}')`))
  }
}

function validateParameters(
  errors: FieldError[],
  field: string,
  parameters: DeepReadonly<IngressClassParametersReference>,
): void {
  checkReference(errors, field, parameters)
  const { scope, namespace } = parameters
  if (scope === undefined) errors.push(fieldRequired(`${field}.scope`, ''))
  else if (scope === 'Namespace') {
    if (namespace !== undefined) addInvalid(errors, `${field}.namespace`, namespace, isDns1123Label(namespace))
    else errors.push(fieldRequired(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'"))
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) {
      errors.push(fieldForbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'"))
    }
  } else errors.push(fieldNotSupported(`${field}.scope`, scope, ['Cluster', 'Namespace']))
}

export function validateIngressClassUpdate(
  next: DeepReadonly<IngressClass>,
  old: DeepReadonly<IngressClass>,
): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'spec.controller', next.spec?.controller ?? '', old.spec?.controller ?? '')
  errors.push(...validateIngressClass(next))
  return errors
}
