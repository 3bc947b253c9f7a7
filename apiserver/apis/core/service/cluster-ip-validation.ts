/**
 * clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy: how they fit one another, and how they may change.
 * Upstream: pkg/apis/core/validation ValidateServiceClusterIPsRelatedFields, validateUpgradeDowngrade{ClusterIPs,IPFamilies}.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { familyOf, parseIp } from '#machinery/meta/ip-address.ts'
import { checkLegacyIp } from '../../ip-validation.ts'
import type { FrozenServiceSpec } from './facts.ts'
import { HEADLESS, isHeadless } from './facts.ts'

const FAMILIES = ['IPv4', 'IPv6']
const POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const CHANGED = 'may not change once set'

/** `kept`: cluster IPs the stored service has, valid whatever their form. */
export function validateClusterIps(
  errors: FieldError[],
  spec: FrozenServiceSpec,
  kept: readonly string[] | undefined,
): void {
  if (spec.type === 'ExternalName') return
  checkSingularMatchesPlural(errors, spec)
  const seen = new Set<string>()
  spec.ipFamilies?.forEach((family, i) => {
    if (!FAMILIES.includes(family)) errors.push(fieldNotSupported(`spec.ipFamilies[${i}]`, family, FAMILIES))
    if (seen.has(family)) errors.push(fieldDuplicate(`spec.ipFamilies[${i}]`, family))
    seen.add(family)
  })
  const { ipFamilyPolicy } = spec
  if (ipFamilyPolicy !== undefined && !POLICIES.includes(ipFamilyPolicy)) {
    errors.push(fieldNotSupported('spec.ipFamilyPolicy', ipFamilyPolicy, POLICIES))
  }
  const areWellFormed = checkClusterIpForms(errors, spec, kept)
  if ((spec.clusterIPs ?? []).length > 2) {
    errors.push(fieldInvalid('spec.clusterIPs', spec.clusterIPs, 'may only hold up to 2 values'))
  }
  if (areWellFormed) checkFamiliesOfClusterIps(errors, spec)
}

function checkSingularMatchesPlural(
  errors: FieldError[],
  { clusterIP = '', clusterIPs = [] }: FrozenServiceSpec,
): void {
  const at = 'spec.clusterIPs'
  if (clusterIP === '') {
    if (clusterIPs.length > 0) {
      errors.push(fieldInvalid(at, clusterIPs, 'must be empty when `clusterIP` is not specified'))
    }
  } else if (clusterIPs.length === 0) errors.push(fieldRequired(at, ''))
  else if (clusterIPs[0] !== clusterIP) {
    errors.push(fieldInvalid(at, clusterIPs, 'first value must match `clusterIP`'))
  }
}

function checkClusterIpForms(
  errors: FieldError[],
  { clusterIPs = [] }: FrozenServiceSpec,
  kept: readonly string[] | undefined,
): boolean {
  const before = errors.length
  clusterIPs.forEach((ip, i) => {
    if (i > 0 || ip !== HEADLESS) checkLegacyIp(errors, `spec.clusterIPs[${i}]`, ip, kept)
    else if (clusterIPs.length > 1) {
      errors.push(fieldInvalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value"))
    }
  })
  return errors.length === before
}

function checkFamiliesOfClusterIps(errors: FieldError[], spec: FrozenServiceSpec): void {
  const { clusterIPs = [], ipFamilies = [] } = spec
  if (clusterIPs.length > 1 && new Set(clusterIPs.map((ip) => parseIp(ip)?.family)).size < 2) {
    errors.push(fieldInvalid('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family'))
  }
  if (isHeadless(spec)) return
  clusterIPs.slice(0, ipFamilies.length).forEach((ip, i) => {
    const family = ipFamilies[i]
    if (family === undefined || !FAMILIES.includes(family) || family === familyOf(ip)) return
    const detail = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``
    errors.push(fieldInvalid(`spec.clusterIPs[${i}]`, ip, detail))
  })
}

export function validateClusterIpsUpdate(errors: FieldError[], next: FrozenServiceSpec, old: FrozenServiceSpec): void {
  if (next.type === 'ExternalName' || old.type === 'ExternalName') return
  const wasHeadless = isHeadless(old)
  const becomesHeadless = isHeadless(next)
  if (!(wasHeadless && becomesHeadless)) checkClusterIpChange(errors, next, old)
  if (!wasHeadless && !becomesHeadless) checkFamilyChange(errors, next, old)
}

function checkClusterIpChange(errors: FieldError[], next: FrozenServiceSpec, old: FrozenServiceSpec): void {
  const ips = next.clusterIPs ?? []
  const before = old.clusterIPs ?? []
  const refuse = (i: number, detail: string): void => {
    errors.push(fieldInvalid(`spec.clusterIPs[${i}]`, next.clusterIPs ?? null, detail))
  }
  if (before.length === ips.length) {
    before.forEach((ip, i) => {
      if (ip !== ips[i]) refuse(i, CHANGED)
    })
    return
  }
  const isReleased = before.length > ips.length
  if (isReleased && ips.length === 0) refuse(0, 'primary clusterIP can not be unset')
  if (before.length > 0 && ips.length > 0 && ips[0] !== before[0]) refuse(0, CHANGED)
  if (isReleased && ips.length === 1) checkSingleStack(errors, next, 'clusterIP')
}

function checkFamilyChange(errors: FieldError[], next: FrozenServiceSpec, old: FrozenServiceSpec): void {
  const families = next.ipFamilies ?? []
  const before = old.ipFamilies ?? []
  const at = 'spec.ipFamilies[0]'
  if (before.length === families.length) {
    before.forEach((family, i) => {
      if (family !== families[i]) errors.push(fieldInvalid(at, families, CHANGED))
    })
    return
  }
  const isReleased = before.length > families.length
  if (isReleased && (next.clusterIPs ?? []).length === 0) {
    errors.push(fieldInvalid(at, next.ipFamilies ?? null, 'primary ipFamily can not be unset'))
  }
  if (before.length > 0 && families.length > 0 && families[0] !== before[0]) {
    // Upstream shows the addresses here.
    errors.push(fieldInvalid(at, next.clusterIPs ?? null, CHANGED))
  }
  if (isReleased && families.length === 1) checkSingleStack(errors, next, 'ipFamily')
}

function checkSingleStack(errors: FieldError[], { ipFamilyPolicy }: FrozenServiceSpec, released: string): void {
  if (ipFamilyPolicy === 'SingleStack') return
  const detail = `must be set to 'SingleStack' when releasing the secondary ${released}`
  errors.push(fieldInvalid('spec.ipFamilyPolicy', ipFamilyPolicy ?? null, detail))
}
