/** Upstream: pkg/apis/core/validation ValidateEndpoints; pkg/api/endpoints warnings. */
import type { EndpointAddress, EndpointPort, Endpoints } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName, isValidPortNumber } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkEndpointIp, checkLegacyIp, ipWarnings } from '../ip-validation.ts'
import { addInvalid, checkOneOf } from '../validation.ts'

type FrozenEndpoints = DeepReadonly<Endpoints>

/** `old`: subsets that have not changed are not looked at again. */
export function validateEndpoints({ subsets }: FrozenEndpoints, old?: FrozenEndpoints): FieldError[] {
  const errors: FieldError[] = []
  if (old !== undefined && deepEqual(old.subsets, subsets)) return errors
  subsets?.forEach(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => {
    const field = `subsets[${i}]`
    if (addresses.length + notReadyAddresses.length === 0) {
      errors.push(fieldRequired(field, 'must specify `addresses` or `notReadyAddresses`'))
    }
    addresses.forEach((address, j) => {
      validateAddress(errors, `${field}.addresses[${j}]`, address)
    })
    notReadyAddresses.forEach((address, j) => {
      validateAddress(errors, `${field}.notReadyAddresses[${j}]`, address)
    })
    ports.forEach((port, j) => {
      validatePort(errors, `${field}.ports[${j}]`, port, ports.length > 1)
    })
  })
  return errors
}

function validateAddress(
  errors: FieldError[],
  field: string,
  { ip = '', hostname = '', nodeName }: DeepReadonly<EndpointAddress>,
): void {
  checkLegacyIp(errors, `${field}.ip`, ip)
  if (hostname !== '') addInvalid(errors, `${field}.hostname`, hostname, isDns1123Label(hostname))
  if (nodeName !== undefined) addInvalid(errors, `${field}.nodeName`, nodeName, isDns1123Subdomain(nodeName))
  // Upstream reports an address that is none twice.
  checkEndpointIp(errors, `${field}.ip`, ip)
}

function validatePort(
  errors: FieldError[],
  field: string,
  { name = '', port, protocol, appProtocol }: DeepReadonly<EndpointPort>,
  isNameRequired: boolean,
): void {
  if (name !== '') addInvalid(errors, `${field}.name`, name, isDns1123Label(name))
  else if (isNameRequired) errors.push(fieldRequired(`${field}.name`, ''))
  addInvalid(errors, `${field}.port`, port ?? 0, isValidPortNumber(port ?? 0))
  checkOneOf(errors, `${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])
  if (appProtocol !== undefined) {
    addInvalid(errors, `${field}.appProtocol`, appProtocol, isQualifiedName(appProtocol))
  }
}

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'

/** Upstream: pkg/registry/core/endpoint/strategy.go. What its controller writes is canonical. */
export function endpointsWarnings({ metadata, subsets }: DeepReadonly<Endpoints>): string[] {
  if (metadata.labels?.[MANAGED_BY] === 'endpoint-controller') return []
  const warnings: string[] = []
  subsets?.forEach((subset, i) => {
    for (const list of ['addresses', 'notReadyAddresses'] as const) {
      subset[list]?.forEach(({ ip }, j) => {
        const found = ipWarnings(`subsets[${i}].${list}[${j}].ip`, ip)
        if (found.length > 0) warnings.push(...found)
      })
    }
  })
  return warnings
}
