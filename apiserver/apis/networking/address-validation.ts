/** IPAddress and ServiceCIDR. Upstream: pkg/apis/networking/validation/validation.go. */
import type { IPAddress, ServiceCIDR } from '#machinery/api/networking/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { parseCidr } from '#machinery/meta/ip-address.ts'
import { isDns1123Subdomain, isPathSegmentName } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkStrictCidr } from '../ip-validation.ts'
import { addInvalid, checkImmutable, checkName } from '../validation.ts'

const IMMUTABLE = 'field is immutable'
const CIDRS = 'spec.cidrs'

export function validateIpAddress({ spec }: DeepReadonly<IPAddress>): FieldError[] {
  const parent = spec?.parentRef
  const at = 'spec.parentRef'
  if (parent === undefined) return [fieldRequired(at, '')]
  const errors: FieldError[] = []
  const { group = '', resource, namespace = '', name } = parent
  if (group !== '') addInvalid(errors, `${at}.group`, group, isDns1123Subdomain(group))
  checkName(errors, `${at}.resource`, resource, isPathSegmentName)
  checkName(errors, `${at}.name`, name, isPathSegmentName)
  if (namespace !== '') addInvalid(errors, `${at}.namespace`, namespace, isPathSegmentName(namespace))
  return errors
}

export function validateIpAddressUpdate(next: DeepReadonly<IPAddress>, old: DeepReadonly<IPAddress>): FieldError[] {
  const errors = validateIpAddress(next)
  checkImmutable(errors, 'spec.parentRef', next.spec?.parentRef, old.spec?.parentRef)
  return errors
}

export function validateServiceCidr({ spec }: DeepReadonly<ServiceCIDR>): FieldError[] {
  const cidrs = spec?.cidrs ?? []
  if (cidrs.length === 0) return [fieldRequired(CIDRS, 'at least one CIDR required')]
  if (cidrs.length > 2) return [fieldInvalid(CIDRS, { CIDRs: cidrs }, 'may only hold up to 2 values')]
  const errors: FieldError[] = []
  cidrs.forEach((cidr, i) => {
    checkStrictCidr(errors, `${CIDRS}[${i}]`, cidr)
  })
  const [first, second] = cidrs.map((cidr) => parseCidr(cidr)?.family)
  if (cidrs.length === 2 && first !== undefined && first === second) {
    const detail = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
    errors.push(fieldInvalid(CIDRS, cidrs, detail))
  }
  return errors
}

/** The one change there is: a second family. */
export function validateServiceCidrUpdate(
  next: DeepReadonly<ServiceCIDR>,
  old: DeepReadonly<ServiceCIDR>,
): FieldError[] {
  const cidrs = next.spec?.cidrs ?? []
  const before = old.spec?.cidrs ?? []
  const isExtended = before.length === 1 && cidrs.length === 2
  if (cidrs.length !== before.length && !isExtended) return [fieldInvalid(CIDRS, next.spec?.cidrs ?? null, IMMUTABLE)]
  const errors: FieldError[] = []
  before.forEach((cidr, i) => {
    if (cidr !== cidrs[i]) errors.push(fieldInvalid(`${CIDRS}[${i}]`, cidrs[i], IMMUTABLE))
  })
  if (isExtended) errors.push(...validateServiceCidr(next))
  return errors
}
