/**
 * Fills in ipFamilies and ipFamilyPolicy from what the client wrote, what the service had and what the cluster has.
 * Upstream: pkg/registry/core/service/storage/alloc.go initIPFamilyFields.
 */

import { validateClusterIps } from '#apiserver/apis/core/service/cluster-ip-validation.ts'
import type { FrozenServiceSpec } from '#apiserver/apis/core/service/facts.ts'
import { HEADLESS, needsClusterIp } from '#apiserver/apis/core/service/facts.ts'
import type { ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { IpFamily } from '#machinery/meta/ip-address.ts'
import { familyOf } from '#machinery/meta/ip-address.ts'
import { deepEqual } from '#machinery/util/json.ts'

const POLICY = 'spec.ipFamilyPolicy'

/** `configured`: the cluster's families, the default one first. Errors: the fields contradict each other. */
export function initIpFamilies(
  spec: ServiceSpec,
  old: FrozenServiceSpec | undefined,
  configured: readonly IpFamily[],
): FieldError[] {
  if (!needsClusterIp(spec) || isUnchangedPreference(spec, old)) return []
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (isSelectorlessHeadless(spec) ? 'RequireDualStack' : 'SingleStack')
  const errors: FieldError[] = []
  validateClusterIps(errors, spec, old?.clusterIPs)
  if (errors.length > 0) return errors
  if (old !== undefined) reduceOrRefuse(errors, spec, old)
  refuseTwoForSingleStack(errors, spec)
  inferFamilies(errors, spec, configured)
  if (errors.length > 0) return errors
  if (isSelectorlessHeadless(spec)) {
    // Endpoints are made by hand there: both families may be used whatever the cluster has.
    setFamilies(spec, configured, true)
    return []
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    const detail = 'this cluster is not configured for dual-stack services'
    errors.push(fieldInvalid(POLICY, spec.ipFamilyPolicy, detail))
  }
  spec.ipFamilies?.forEach((family, i) => {
    if (configured.includes(family as IpFamily)) return
    errors.push(fieldInvalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
  })
  if (errors.length === 0) setFamilies(spec, configured, configured.length === 2)
  return errors
}

const isSelectorlessHeadless = ({ clusterIP, selector }: FrozenServiceSpec): boolean =>
  clusterIP === HEADLESS && Object.keys(selector ?? {}).length === 0

/** PreferDualStack takes what the cluster had when it was set: it neither gains nor loses an IP by itself. */
export function isUnchangedPreference(spec: FrozenServiceSpec, old: FrozenServiceSpec | undefined): boolean {
  if (old === undefined || spec.type !== old.type) return false
  const isPreference = spec.ipFamilyPolicy === 'PreferDualStack' && old.ipFamilyPolicy === 'PreferDualStack'
  return isPreference && deepEqual(spec.clusterIPs, old.clusterIPs) && deepEqual(spec.ipFamilies, old.ipFamilies)
}

/** SingleStack with otherwise unchanged fields gives the second IP up; any other policy must not lose it silently. */
function reduceOrRefuse(errors: FieldError[], spec: ServiceSpec, old: FrozenServiceSpec): void {
  const { clusterIPs = [], ipFamilies = [] } = spec
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (clusterIPs.length > 1 && deepEqual(clusterIPs, old.clusterIPs)) spec.clusterIPs = clusterIPs.slice(0, 1)
    if (ipFamilies.length > 1 && deepEqual(ipFamilies, old.ipFamilies)) spec.ipFamilies = ipFamilies.slice(0, 1)
    return
  }
  const refuse = (what: string): void => {
    errors.push(fieldInvalid(POLICY, spec.ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`))
  }
  if (clusterIPs.length > 0 && clusterIPs.length < (old.clusterIPs ?? []).length) refuse('cluster IP')
  if (ipFamilies.length > 0 && ipFamilies.length < (old.ipFamilies ?? []).length) refuse('IP family')
}

function refuseTwoForSingleStack(errors: FieldError[], spec: ServiceSpec): void {
  if (spec.ipFamilyPolicy !== 'SingleStack') return
  const refuse = (what: string): void => {
    const detail = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`
    errors.push(fieldInvalid(POLICY, spec.ipFamilyPolicy, detail))
  }
  if (spec.clusterIPs?.length === 2) refuse('cluster IPs')
  if (spec.ipFamilies?.length === 2) refuse('IP families')
}

function inferFamilies(errors: FieldError[], spec: ServiceSpec, configured: readonly IpFamily[]): void {
  const families = [...(spec.ipFamilies ?? [])]
  const { clusterIPs = [] } = spec
  for (const [i, ip] of clusterIPs.entries()) {
    if (ip === HEADLESS) break
    if (i < families.length) continue
    const family = familyOf(ip)
    if (configured.includes(family)) families.push(family)
    else errors.push(fieldInvalid(`spec.clusterIPs[${i}]`, clusterIPs, `${family} is not configured on this cluster`))
  }
  if (families.length > 0) spec.ipFamilies = families
}

function setFamilies(spec: ServiceSpec, configured: readonly IpFamily[], canHaveBoth: boolean): void {
  const [first = configured[0] ?? 'IPv4', ...others] = spec.ipFamilies ?? []
  spec.ipFamilies = [first, ...others]
  if (spec.ipFamilyPolicy === 'SingleStack' || others.length > 0 || !canHaveBoth) return
  spec.ipFamilies.push(first === 'IPv4' ? 'IPv6' : 'IPv4')
}
