/** Upstream: pkg/apis/discovery/validation/validation.go. */
import { isIPv4 } from 'node:net'
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkEndpointIp, checkLegacyIp, strictIpProblems } from '../ip-validation.ts'
import { addInvalid, checkImmutable, checkLabels } from '../validation.ts'

type FrozenSlice = DeepReadonly<EndpointSlice>

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6']
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const ENDPOINTS_MAX = 1000
const ADDRESSES_MAX = 100
const PORTS_MAX = 20_000
const TOPOLOGY_MAX = 16
const HINTS_MAX = 8

/** `old`: endpoints that have not changed are not looked at again. */
export function validateEndpointSlice(slice: FrozenSlice, old?: FrozenSlice): FieldError[] {
  const errors: FieldError[] = []
  const { addressType = '', endpoints = [], ports = [] } = slice
  if (addressType === '') errors.push(fieldRequired('addressType', ''))
  else if (!ADDRESS_TYPES.includes(addressType)) {
    errors.push(fieldNotSupported('addressType', addressType, ADDRESS_TYPES))
  }
  if (ports.length > PORTS_MAX) errors.push(fieldTooMany('ports', ports.length, PORTS_MAX))
  else validatePorts(errors, ports)
  if (old !== undefined && deepEqual(old.endpoints, slice.endpoints)) return errors
  if ((endpoints ?? []).length > ENDPOINTS_MAX) {
    errors.push(fieldTooMany('endpoints', endpoints.length, ENDPOINTS_MAX))
    return errors
  }
  endpoints?.forEach((endpoint, i) => {
    validateEndpoint(errors, i, endpoint, addressType)
  })
  return errors
}

function validateEndpoint(errors: FieldError[], i: number, endpoint: DeepReadonly<Endpoint>, type: string): void {
  const { addresses, hostname, nodeName, deprecatedTopology, hints } = endpoint
  const count = addresses?.length ?? 0
  if (count === 0) errors.push(fieldRequired(`endpoints[${i}].addresses`, 'must contain at least 1 address'))
  else if (count > ADDRESSES_MAX) errors.push(fieldTooMany(`endpoints[${i}].addresses`, count, ADDRESSES_MAX))
  addresses?.forEach((address, j) => {
    if (isIPv4(address) && type === 'IPv4' && !MAY_BE_SPECIAL.test(address)) return
    validateAddress(errors, `endpoints[${i}].addresses`, j, address, type)
  })
  if (nodeName !== undefined) {
    addInvalid(errors, `endpoints[${i}].nodeName`, nodeName, isDns1123Subdomain(nodeName))
  }
  if (deprecatedTopology !== undefined) {
    const at = `endpoints[${i}].deprecatedTopology`
    const labels = Object.keys(deprecatedTopology).length
    if (labels > TOPOLOGY_MAX) errors.push(fieldTooMany(at, labels, TOPOLOGY_MAX))
    checkLabels(errors, at, deprecatedTopology)
  }
  if (hostname !== undefined) addInvalid(errors, `endpoints[${i}].hostname`, hostname, isDns1123Label(hostname))
  if (hints !== undefined) validateHints(errors, `endpoints[${i}].hints`, hints)
}

/** First octets of the ranges no endpoint may be in: everything else needs no second look. */
const MAY_BE_SPECIAL = /^(?:0|127|169|224)\./

function validateAddress(errors: FieldError[], field: string, i: number, address: string, type: string): void {
  const at = `${field}[${i}]`
  if (type === 'FQDN') checkFullyQualifiedName(errors, at, address)
  if (type !== 'IPv4' && type !== 'IPv6') return
  const before = errors.length
  if (type === 'IPv4') checkLegacyIp(errors, at, address)
  else for (const problem of strictIpProblems(address)) errors.push(fieldInvalid(at, address, problem))
  if (errors.length > before) return
  if (address.includes(':') !== (type === 'IPv6'))
    errors.push(fieldInvalid(field, address, `must be an ${type} address`))
  checkEndpointIp(errors, at, address)
}

function checkFullyQualifiedName(errors: FieldError[], field: string, text: string): void {
  if (text === '') {
    errors.push(fieldRequired(field, ''))
    return
  }
  const name = text.replace(/\.$/, '')
  const problems = isDns1123Subdomain(name)
  if (problems.length > 0) errors.push(fieldInvalid(field, name, problems.join(',')))
  else if (!name.includes('.')) {
    errors.push(fieldInvalid(field, name, 'should be a domain with at least two segments separated by dots'))
  } else {
    const label = name.split('.').find((part) => isDns1123Label(part).length > 0)
    if (label !== undefined) errors.push(fieldInvalid(field, label, isDns1123Label(label).join(',')))
  }
}

function validateHints(errors: FieldError[], field: string, hints: DeepReadonly<EndpointHints>): void {
  const check = (name: 'forZones' | 'forNodes', problems: (value: string) => readonly string[]): boolean => {
    const list = hints[name] ?? []
    if (list.length > HINTS_MAX) {
      errors.push(fieldTooMany(`${field}.${name}`, list.length, HINTS_MAX))
      return false
    }
    const seen = new Set<string>()
    list.forEach((hint, i) => {
      const at = `${field}.${name}[${i}].name`
      if (seen.has(hint.name)) errors.push(fieldDuplicate(at, hint.name))
      seen.add(hint.name)
      addInvalid(errors, at, hint.name, problems(hint.name))
    })
    return true
  }
  if (check('forZones', isLabelValue)) check('forNodes', isDns1123Subdomain)
}

function validatePorts(errors: FieldError[], ports: readonly DeepReadonly<EndpointPort>[] | null): void {
  const names = new Set<string>()
  ports?.forEach(({ name = '', protocol, appProtocol }, i) => {
    if (name !== '') addInvalid(errors, `ports[${i}].name`, name, isDns1123Label(name))
    if (names.has(name)) errors.push(fieldDuplicate(`ports[${i}].name`, name))
    names.add(name)
    if (protocol === undefined) errors.push(fieldRequired(`ports[${i}].protocol`, ''))
    else if (!PROTOCOLS.includes(protocol)) {
      errors.push(fieldNotSupported(`ports[${i}].protocol`, protocol, PROTOCOLS))
    }
    if (appProtocol !== undefined) {
      addInvalid(errors, `ports[${i}].appProtocol`, appProtocol, isQualifiedName(appProtocol))
    }
  })
}

export function validateEndpointSliceUpdate(next: FrozenSlice, old: FrozenSlice): FieldError[] {
  const errors = validateEndpointSlice(next, old)
  checkImmutable(errors, 'addressType', next.addressType, old.addressType)
  return errors
}
