/** What a pod is called and how it resolves names. Upstream: pkg/apis/core/validation validatePodDNSConfig, ValidateHostAliases. */
import type { HostAlias, PodDNSConfig, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain, isDns1123SubdomainWithUnderscore } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkLegacyIp } from '../../ip-validation.ts'
import { addInvalid } from '../../validation.ts'

const NAMESERVERS_MAX = 3
const SEARCH_PATHS_MAX = 32
const SEARCH_CHARACTERS_MAX = 2048
const HOSTNAME_OVERRIDE_MAX = 64

export function validateAccountAndNode(errors: FieldError[], at: string, spec: DeepReadonly<PodSpec>): void {
  const { serviceAccountName = '', nodeName = '' } = spec
  if (serviceAccountName !== '') {
    addInvalid(errors, `${at}.serviceAccountName`, serviceAccountName, isDns1123Subdomain(serviceAccountName))
  }
  if (nodeName !== '') addInvalid(errors, `${at}.nodeName`, nodeName, isDns1123Subdomain(nodeName))
}

export function validateHostNames(errors: FieldError[], at: string, spec: DeepReadonly<PodSpec>): void {
  const { hostname = '', subdomain = '' } = spec
  if (hostname !== '') addInvalid(errors, `${at}.hostname`, hostname, isDns1123Label(hostname))
  if (subdomain !== '') addInvalid(errors, `${at}.subdomain`, subdomain, isDns1123Label(subdomain))
}

/** Upstream: validatePodHostName. */
export function validateHostnameOverride(errors: FieldError[], at: string, spec: DeepReadonly<PodSpec>): void {
  const { hostnameOverride } = spec
  if (hostnameOverride === undefined) return
  const field = `${at}.hostnameOverride`
  if (spec.setHostnameAsFQDN === true) {
    errors.push(fieldForbidden(field, 'may not be specified when setHostnameAsFQDN is true'))
  }
  if (spec.hostNetwork === true) errors.push(fieldForbidden(field, 'may not be specified when hostNetwork is true'))
  if (Buffer.byteLength(hostnameOverride) > HOSTNAME_OVERRIDE_MAX) {
    errors.push(fieldTooLong(field, HOSTNAME_OVERRIDE_MAX))
  }
  addInvalid(errors, field, hostnameOverride, isDns1123Subdomain(hostnameOverride))
}

export function validateHostAliases(
  errors: FieldError[],
  field: string,
  aliases: readonly DeepReadonly<HostAlias>[],
): void {
  aliases.forEach(({ ip = '', hostnames = [] }, i) => {
    checkLegacyIp(errors, `${field}[${i}].ip`, ip)
    hostnames.forEach((hostname, j) => {
      addInvalid(errors, `${field}[${i}].hostnames[${j}]`, hostname, isDns1123Subdomain(hostname))
    })
  })
}

export function validateDnsConfig(
  errors: FieldError[],
  field: string,
  config: DeepReadonly<PodDNSConfig> | undefined,
  policy: string | undefined,
): void {
  const nameservers = config?.nameservers ?? []
  if (policy === 'None') {
    if (config === undefined) {
      errors.push(fieldRequired(field, 'must provide `dnsConfig` when `dnsPolicy` is None'))
      return
    }
    if (nameservers.length === 0) {
      const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None'
      errors.push(fieldRequired(`${field}.nameservers`, detail))
      return
    }
  }
  if (config === undefined) return
  if (nameservers.length > NAMESERVERS_MAX) {
    const detail = `must not have more than ${NAMESERVERS_MAX} nameservers`
    errors.push(fieldInvalid(`${field}.nameservers`, nameservers, detail))
  }
  nameservers.forEach((ip, i) => {
    checkLegacyIp(errors, `${field}.nameservers[${i}]`, ip)
  })
  checkSearches(errors, `${field}.searches`, config.searches ?? [])
  config.options?.forEach(({ name = '' }, i) => {
    if (name === '') errors.push(fieldRequired(`${field}.options[${i}]`, 'must not be empty'))
  })
}

function checkSearches(errors: FieldError[], field: string, searches: readonly string[]): void {
  if (searches.length > SEARCH_PATHS_MAX) {
    errors.push(fieldInvalid(field, searches, `must not have more than ${SEARCH_PATHS_MAX} search paths`))
  }
  if (Buffer.byteLength(searches.join(' ')) > SEARCH_CHARACTERS_MAX) {
    const detail = `must not have more than ${SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list`
    errors.push(fieldInvalid(field, searches, detail))
  }
  searches.forEach((search, i) => {
    if (search === '.') return
    const name = search.endsWith('.') ? search.slice(0, -1) : search
    addInvalid(errors, `${field}[${i}]`, name, isDns1123SubdomainWithUnderscore(name))
  })
}
