/** Upstream: pkg/apis/discovery/validation/validation.go. */
import { isIPv4, isIPv6 } from 'node:net'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain, isValidPortNumber } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkImmutable, checkOneOf } from '../validation.ts'

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6']
const ENDPOINTS_MAX = 1000
const ADDRESSES_MAX = 100
const PORTS_MAX = 20_000

export function validateEndpointSlice(slice: DeepReadonly<EndpointSlice>): FieldError[] {
  const errors: FieldError[] = []
  const { addressType = '', endpoints, ports = [] } = slice
  if (addressType === '') errors.push(fieldRequired('addressType', ''))
  else if (!ADDRESS_TYPES.includes(addressType))
    errors.push(fieldNotSupported('addressType', addressType, ADDRESS_TYPES))
  const list = endpoints ?? []
  if (list.length > ENDPOINTS_MAX) errors.push(fieldTooMany('endpoints', list.length, ENDPOINTS_MAX))
  list.forEach(({ addresses, hostname }, i) => {
    const field = `endpoints[${i}].addresses`
    if ((addresses ?? []).length === 0) errors.push(fieldRequired(field, 'must contain at least 1 address'))
    if ((addresses ?? []).length > ADDRESSES_MAX) errors.push(fieldTooMany(field, addresses.length, ADDRESSES_MAX))
    ;(addresses ?? []).forEach((address, j) => {
      validateAddress(errors, `${field}[${j}]`, address, addressType)
    })
    if (hostname !== undefined) addInvalid(errors, `endpoints[${i}].hostname`, hostname, isDns1123Label(hostname))
  })
  if (ports.length > PORTS_MAX) errors.push(fieldTooMany('ports', ports.length, PORTS_MAX))
  const names = new Set<string>()
  ports.forEach(({ name = '', port, protocol }, i) => {
    const field = `ports[${i}]`
    if (name !== '') addInvalid(errors, `${field}.name`, name, isDns1123Label(name))
    if (names.has(name)) errors.push(fieldDuplicate(`${field}.name`, name))
    names.add(name)
    if (port !== undefined) addInvalid(errors, `${field}.port`, port, isValidPortNumber(port))
    checkOneOf(errors, `${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])
  })
  return errors
}

function validateAddress(errors: FieldError[], field: string, address: string, addressType: string): void {
  if (addressType === 'IPv4' && !isIPv4(address))
    errors.push(fieldInvalid(field, address, 'must be a valid IPv4 address'))
  else if (addressType === 'IPv6' && !isIPv6(address))
    errors.push(fieldInvalid(field, address, 'must be a valid IPv6 address'))
  else if (addressType === 'FQDN') addInvalid(errors, field, address, isDns1123Subdomain(address.replace(/\.$/, '')))
}

export function validateEndpointSliceUpdate(
  next: DeepReadonly<EndpointSlice>,
  old: DeepReadonly<EndpointSlice>,
): FieldError[] {
  const errors = validateEndpointSlice(next)
  checkImmutable(errors, 'addressType', next.addressType, old.addressType)
  return errors
}
