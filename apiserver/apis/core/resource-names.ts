/** Names of compute, storage and countable resources. Upstream: pkg/apis/core/helper/helpers.go, validateResourceName. */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { addInvalid, NON_NEGATIVE } from '../validation.ts'

const CONTAINER: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage'])
const INTEGER: ReadonlySet<string> = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
])
const PREFIXED = [...CONTAINER].flatMap((name) => [`requests.${name}`, `limits.${name}`])
const QUOTA: ReadonlySet<string> = new Set([...CONTAINER, ...PREFIXED, 'requests.storage', ...INTEGER])
const REQUESTS = 'requests.'

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const isQuotaHugePages = (name: string): boolean => isHugePages(name) || name.startsWith('requests.hugepages-')

export const isStandardQuotaResource = (name: string): boolean => QUOTA.has(name) || isQuotaHugePages(name)

/** Unprefixed, or of kubernetes.io. */
export const isNativeResource = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')

export const isOvercommitAllowed = (name: string): boolean => isNativeResource(name) && !isHugePages(name)

/** Resources of devices: a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith(REQUESTS) && isQualifiedName(REQUESTS + name).length === 0
}

/** Counted, never split. */
export const isIntegerResource = (name: string): boolean => INTEGER.has(name) || isExtendedResource(name)

/** False: an error was added. */
export function checkResourceName(errors: FieldError[], field: string, name: string): boolean {
  const before = errors.length
  addInvalid(errors, field, name, isQualifiedName(name))
  if (errors.length === before && !name.includes('/') && name !== 'storage' && !isStandardQuotaResource(name)) {
    errors.push(fieldInvalid(field, name, 'must be a standard resource type or fully qualified'))
  }
  return errors.length === before
}

/** What containers and pods can ask for. */
export function checkContainerResourceName(errors: FieldError[], field: string, name: string): void {
  checkResourceName(errors, field, name)
  if (!name.includes('/')) {
    if (CONTAINER.has(name) || isHugePages(name)) return
    errors.push(fieldInvalid(field, name, 'must be a standard resource for containers'))
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(fieldInvalid(field, name, "doesn't follow extended resource name standard"))
  }
}

export function checkQuotaResourceName(errors: FieldError[], field: string, name: string): void {
  checkResourceName(errors, field, name)
  if (name.includes('/') || isStandardQuotaResource(name)) return
  errors.push(fieldInvalid(field, name, 'must be a standard resource for quota'))
}

/** Not negative, and whole where the resource is counted. Upstream: ValidateResourceQuantityValue. */
export function checkResourceQuantity(errors: FieldError[], field: string, name: string, text: string): void {
  const quantity = tryParseQuantity(String(text))
  if (quantity === undefined || quantity.sign < 0) errors.push(fieldInvalid(field, text, NON_NEGATIVE))
  if (quantity === undefined || !isIntegerResource(name)) return
  if (quantity.milliValue() % 1000 !== 0) errors.push(fieldInvalid(field, text, 'must be an integer'))
}
