/**
 * IP and CIDR fields. "Legacy" fields predate strict rules: values that were stored already stay valid (`kept`).
 * Upstream: apimachinery pkg/util/validation/ip.go with StrictIPCIDRValidation; ValidateEndpointIP of pkg/apis/core.
 */
import { isIPv4 } from 'node:net'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { IpAddress, IpPrefix } from '#machinery/meta/ip-address.ts'
import { bitsOf, formatCidr, formatIp, parseCidr, parseIp } from '#machinery/meta/ip-address.ts'

const NOT_AN_IP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const NOT_A_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

export function checkLegacyIp(errors: FieldError[], field: string, value: string, kept: readonly string[] = []): void {
  if (isIPv4(value) || kept.includes(value)) return
  const problem = ipProblem(value, parseIp(value))
  if (problem !== undefined) errors.push(fieldInvalid(field, value, problem))
}

/** New fields take the canonical form only. */
export function strictIpProblems(value: string): string[] {
  const ip = parseIp(value)
  const problem = ipProblem(value, ip)
  if (problem !== undefined || ip === undefined) return [problem ?? NOT_AN_IP]
  const canonical = formatIp(ip)
  return value === canonical ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

function ipProblem(value: string, ip: IpAddress | undefined): string | undefined {
  if (ip === undefined) return NOT_AN_IP
  if (ip.family === 'IPv6') return undefined
  if (value.includes(':')) return 'must not be an IPv4-mapped IPv6 address'
  return isIPv4(value) ? undefined : 'must not have leading 0s'
}

export function checkLegacyCidr(
  errors: FieldError[],
  field: string,
  value: string,
  kept: readonly string[] = [],
): void {
  if (kept.includes(value)) return
  const problem = cidrProblem(value, parseCidr(value))
  if (problem !== undefined) errors.push(fieldInvalid(field, value, problem))
}

export function checkStrictCidr(errors: FieldError[], field: string, value: string): void {
  const prefix = parseCidr(value)
  const problem = cidrProblem(value, prefix)
  if (problem !== undefined || prefix === undefined) {
    errors.push(fieldInvalid(field, value, problem ?? NOT_A_CIDR))
    return
  }
  const canonical = formatCidr(prefix)
  if (value !== canonical) {
    errors.push(fieldInvalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`))
  }
}

/** An address with the length of its network's prefix. Upstream: IsValidInterfaceAddress. */
export function checkInterfaceAddress(errors: FieldError[], field: string, value: string): void {
  const prefix = parseCidr(value)
  if (prefix === undefined) {
    const detail = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'
    errors.push(fieldInvalid(field, value, detail))
    return
  }
  const mapped = isMappedCidr(prefix)
  const family = mapped ? 'IPv4' : prefix.family
  const address = formatIp({ family, value: mapped ? prefix.address & 0xffffffffn : prefix.address })
  const canonical = `${address}/${mapped && prefix.bits > 32 ? prefix.bits - 96 : prefix.bits}`
  if (value !== canonical) {
    errors.push(fieldInvalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`))
  }
}

function cidrProblem(value: string, prefix: IpPrefix | undefined): string | undefined {
  if (prefix === undefined) return NOT_A_CIDR
  if (hasLeadingZeros(value, prefix)) return 'must not have leading 0s in IP or prefix length'
  if (isMappedCidr(prefix)) return 'must not have an IPv4-mapped IPv6 address'
  return prefix.address === prefix.base ? undefined : 'must not have bits set beyond the prefix length'
}

function hasLeadingZeros(value: string, { family, bits }: IpPrefix): boolean {
  const slash = value.indexOf('/')
  return value.slice(slash + 1) !== String(bits) || (family === 'IPv4' && !isIPv4(value.slice(0, slash)))
}

const isMappedCidr = ({ family, address }: IpPrefix): boolean => family === 'IPv6' && address >> 32n === 0xffffn

/** Warnings about values the legacy checks let pass. */
export function ipWarnings(field: string, value: string): string[] {
  if (isIPv4(value)) return []
  const ip = parseIp(value)
  if (ip === undefined) return []
  const canonical = JSON.stringify(formatIp(ip))
  const quoted = JSON.stringify(value)
  if (ip.family === 'IPv4') return [`${field}: non-standard IP address ${quoted} is invalid: use ${canonical}`]
  if (canonical === quoted) return []
  return [`${field}: IPv6 address ${quoted} should be in RFC 5952 canonical format (${canonical})`]
}

interface Balanced {
  readonly ingress?: readonly { readonly ip?: string }[]
}

/** Of the status of Services and Ingresses. Upstream's path ends at the list's item. */
export const loadBalancerWarnings = (status: Balanced | undefined): string[] =>
  (status?.ingress ?? []).flatMap(({ ip = '' }, i) => ipWarnings(`status.loadBalancer.ingress[${i}]`, ip))

export function cidrWarnings(field: string, value: string): string[] {
  const prefix = parseCidr(value)
  if (prefix === undefined) return []
  const warnings: string[] = []
  const network = JSON.stringify(formatCidr(prefix))
  const quoted = JSON.stringify(value)
  if (prefix.address !== prefix.base) {
    const host = formatIp({ family: prefix.family, value: prefix.address })
    const single = JSON.stringify(`${host}/${bitsOf(prefix.family)}`)
    warnings.push(`${field}: CIDR value ${quoted} is ambiguous in this context (should be ${network} or ${single}?)`)
  }
  if (hasLeadingZeros(value, prefix) || isMappedCidr(prefix)) {
    warnings.push(`${field}: non-standard CIDR value ${quoted} is invalid: use ${network}`)
  }
  if (warnings.length === 0 && prefix.family === 'IPv6' && network !== quoted) {
    warnings.push(`${field}: IPv6 CIDR value ${quoted} should be in RFC 5952 canonical format (${network})`)
  }
  return warnings
}

/** Addresses traffic cannot be sent to, or that are too node-bound to be safe. Upstream: ValidateEndpointIP. */
export function checkEndpointIp(errors: FieldError[], field: string, value: string): void {
  const ip = parseIp(value)
  if (ip === undefined) {
    errors.push(fieldInvalid(field, value, 'must be a valid IP address'))
    return
  }
  const problem = ip.family === 'IPv4' ? specialIpv4(ip.value, value) : specialIpv6(ip.value, value)
  if (problem !== undefined) errors.push(fieldInvalid(field, value, problem))
}

const LOOPBACK = 'may not be in the loopback range (127.0.0.0/8, ::1/128)'
const LINK_LOCAL = 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'
const LINK_LOCAL_MULTICAST = 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'

function specialIpv4(value: bigint, text: string): string | undefined {
  if (value === 0n) return `may not be unspecified (${text})`
  if (value >> 24n === 127n) return LOOPBACK
  if (value >> 16n === 0xa9fen) return LINK_LOCAL
  return value >> 8n === 0xe00000n ? LINK_LOCAL_MULTICAST : undefined
}

function specialIpv6(value: bigint, text: string): string | undefined {
  if (value === 0n) return `may not be unspecified (${text})`
  if (value === 1n) return LOOPBACK
  if (value >> 118n === 0x3fan) return LINK_LOCAL
  return ((value >> 112n) & 0xff0fn) === 0xff02n ? LINK_LOCAL_MULTICAST : undefined
}
