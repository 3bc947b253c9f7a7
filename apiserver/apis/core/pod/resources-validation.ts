/** Requests and limits of containers and pods. Upstream: pkg/apis/core/validation validateResourceRequirements, validatePodResources. */
import type { Container, PodSpec, ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  keyField,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label } from '#machinery/meta/validation.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, NON_NEGATIVE } from '../../validation.ts'
import {
  checkContainerResourceName,
  checkResourceName,
  isHugePages,
  isIntegerResource,
  isOvercommitAllowed,
} from '../resource-names.ts'

type ResourceList = Readonly<Record<string, string>>
type FrozenRequirements = DeepReadonly<ResourceRequirements>
type NameCheck = (errors: FieldError[], field: string, name: string) => void

const HUGE_PAGES_PREFIX = 'hugepages-'
const USUAL_AMOUNT = /^\d+(?:\.\d+)?(?:m|k|[MGT]|[KMGT]i)?$/
const NO_CLAIMS: ReadonlySet<string> = new Set()

export function validateResourceRequirements(
  errors: FieldError[],
  field: string,
  resources: FrozenRequirements,
  claimNames: ReadonlySet<string> = NO_CLAIMS,
): void {
  checkRequirements(errors, field, resources, checkContainerResourceName)
  if (resources.claims !== undefined) checkClaims(errors, `${field}.claims`, resources.claims, claimNames)
}

/** Upstream: validateOverhead. */
export function validateOverhead(errors: FieldError[], field: string, overhead: ResourceList): void {
  checkRequirements(errors, field, { limits: overhead }, checkContainerResourceName)
}

function checkRequirements(
  errors: FieldError[],
  field: string,
  { limits, requests }: FrozenRequirements,
  checkName: NameCheck,
): void {
  let hasComputeResource = false
  let hasHugePages = false
  for (const name in limits) {
    const amount = limits[name]
    if (amount === undefined || !Object.hasOwn(limits, name)) continue
    if (!isUsualAmount(name, amount)) checkAmount(errors, `${field}.limits`, name, amount, checkName)
    hasHugePages ||= isHugePages(name)
    hasComputeResource ||= isComputeResource(name)
  }
  for (const name in requests) {
    const amount = requests[name]
    if (amount === undefined || !Object.hasOwn(requests, name)) continue
    if (!isUsualAmount(name, amount)) checkAmount(errors, `${field}.requests`, name, amount, checkName)
    checkAgainstLimit(errors, field, name, amount, limits)
    hasHugePages ||= isHugePages(name)
    hasComputeResource ||= isComputeResource(name)
  }
  if (hasHugePages && !hasComputeResource) errors.push(fieldForbidden(field, 'HugePages require cpu or memory'))
}

const isComputeResource = (name: string): boolean => name === 'cpu' || name === 'memory'

/** True for what every check would pass, so that the hot path parses no number: unsigned cpu and memory. */
function isUsualAmount(name: string, amount: string): boolean {
  return isComputeResource(name) && USUAL_AMOUNT.test(amount)
}

function checkAmount(errors: FieldError[], field: string, name: string, amount: string, checkName: NameCheck): void {
  const at = keyField(field, name)
  checkName(errors, at, name)
  const quantity = tryParseQuantity(String(amount)) ?? ZERO_QUANTITY
  if (quantity.sign < 0) errors.push(fieldInvalid(at, quantity.toString(), NON_NEGATIVE))
  if (isIntegerResource(name) && quantity.milliValue() % 1000 !== 0) {
    errors.push(fieldInvalid(at, quantity.toString(), 'must be an integer'))
  }
  if (isHugePages(name) && !isDivisibleByPage(name, quantity)) {
    errors.push(
      fieldInvalid(at, quantity.toString(), `${quantity.toString()} is not positive integer multiple of ${name}`),
    )
  }
}

function isDivisibleByPage(name: string, amount: Quantity): boolean {
  const page = tryParseQuantity(name.slice(HUGE_PAGES_PREFIX.length))
  if (page === undefined || page.sign <= 0) return false
  return amount.value() % page.value() === 0
}

function checkPodResourceName(errors: FieldError[], field: string, name: string): void {
  const before = errors.length
  checkResourceName(errors, field, name)
  if (errors.length > before || isComputeResource(name) || isHugePages(name)) return
  errors.push(fieldNotSupported(field, name, ['cpu', 'memory']))
}

function checkAgainstLimit(
  errors: FieldError[],
  field: string,
  name: string,
  amount: string,
  limits: ResourceList | undefined,
): void {
  const limit = limits !== undefined && Object.hasOwn(limits, name) ? limits[name] : undefined
  if (limit === undefined) {
    if (isOvercommitAllowed(name)) return
    errors.push(fieldRequired(`${field}.limits`, 'Limit must be set for non overcommitable resources'))
    return
  }
  if (amount === limit) return
  const requested = tryParseQuantity(String(amount))
  const allowed = tryParseQuantity(String(limit))
  if (requested === undefined || allowed === undefined) return
  const order = requested.compare(allowed)
  if (order !== 0 && !isOvercommitAllowed(name)) {
    const detail = `must be equal to ${name} limit of ${allowed.toString()}`
    errors.push(fieldInvalid(`${field}.requests`, requested.toString(), detail))
  } else if (order > 0) {
    const detail = `must be less than or equal to ${name} limit of ${allowed.toString()}`
    errors.push(fieldInvalid(`${field}.requests`, requested.toString(), detail))
  }
}

/** Upstream: validateResourceClaimNames. */
function checkClaims(
  errors: FieldError[],
  field: string,
  claims: NonNullable<FrozenRequirements['claims']>,
  claimNames: ReadonlySet<string>,
): void {
  const seen = new Set<string>()
  claims.forEach(({ name = '', request = '' }, i) => {
    const at = `${field}[${i}]`
    if (name === '') {
      errors.push(fieldRequired(at, ''))
      return
    }
    if (seen.has(name)) errors.push(fieldDuplicate(at, name))
    else {
      const key = request === '' ? name : `${name}/${request}`
      if (request !== '') addInvalid(errors, `${at}.request`, request, isDns1123Label(request))
      if (seen.has(key)) errors.push(fieldDuplicate(at, key))
      else if (request === '') {
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(fieldDuplicate(at, name))
      }
      seen.add(key)
    }
    if (claimNames.has(name)) return
    const known = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`
    const detail = `must be one of the names in pod.spec.resourceClaims${known}`
    errors.push({ type: 'FieldValueNotFound', field: at, badValue: name, detail })
  })
}

/** The resources of the pod as a whole, and how its containers' fit into them. */
export function validatePodResources(errors: FieldError[], field: string, spec: DeepReadonly<PodSpec>): void {
  const { resources } = spec
  if (resources === undefined) return
  if (spec.os?.name === 'windows') {
    errors.push(fieldForbidden(field, 'may not be set for a windows pod'))
    return
  }
  if (resources.claims !== undefined) {
    errors.push(fieldForbidden(`${field}.claims`, 'claims may not be set for Resources at pod-level'))
  }
  checkRequirements(errors, field, resources, checkPodResourceName)
  checkAggregates(errors, field, spec, 'requests')
  checkAggregates(errors, field, spec, 'limits')
  spec.containers.forEach((container, i) => {
    checkAgainstPodLimits(errors, `${field}.containers[${i}]`, container, resources.limits ?? {})
  })
}

/** What the containers ask for together fits; of limits that is asked of huge pages only, which are never overcommitted. */
function checkAggregates(
  errors: FieldError[],
  field: string,
  spec: DeepReadonly<PodSpec>,
  kind: 'requests' | 'limits',
): void {
  const own = spec.resources?.[kind] ?? {}
  for (const [name, total] of aggregate(spec, kind)) {
    if (kind === 'limits' && !isHugePages(name)) continue
    const amount = Object.hasOwn(own, name) ? tryParseQuantity(String(own[name])) : undefined
    if (amount === undefined || total.compare(amount) <= 0) continue
    const detail = `must be greater than or equal to aggregate container ${kind} of ${total.toString()}`
    errors.push(fieldInvalid(keyField(`${field}.${kind}`, name), amount.toString(), detail))
  }
}

function checkAgainstPodLimits(
  errors: FieldError[],
  field: string,
  container: DeepReadonly<Container>,
  podLimits: ResourceList,
): void {
  for (const [name, text] of Object.entries(container.resources?.limits ?? {})) {
    const podText = Object.hasOwn(podLimits, name) ? podLimits[name] : undefined
    const limit = tryParseQuantity(String(text))
    const podLimit = podText === undefined ? undefined : tryParseQuantity(String(podText))
    if (limit === undefined || podLimit === undefined || limit.compare(podLimit) <= 0) continue
    const detail = `must be less than or equal to pod limits of ${podLimit.toString()}`
    errors.push(fieldInvalid(`${keyField(field, name)}.limits`, limit.toString(), detail))
  }
}

/** Upstream: component-helpers resource.AggregateContainerRequests and -Limits. */
function aggregate(spec: DeepReadonly<PodSpec>, kind: 'requests' | 'limits'): Map<string, Quantity> {
  const sum = new Map<string, Quantity>()
  const sidecars = new Map<string, Quantity>()
  const startUp = new Map<string, Quantity>()
  for (const container of spec.containers) addResources(sum, container, kind)
  for (const container of spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always'
    if (isSidecar) {
      addResources(sum, container, kind)
      addResources(sidecars, container, kind)
    }
    const running = new Map(sidecars)
    if (!isSidecar) addResources(running, container, kind)
    keepLarger(startUp, running)
  }
  keepLarger(sum, startUp)
  return sum
}

function addResources(
  sum: Map<string, Quantity>,
  container: DeepReadonly<Container>,
  kind: 'requests' | 'limits',
): void {
  for (const [name, text] of Object.entries(container.resources?.[kind] ?? {})) {
    const amount = tryParseQuantity(String(text))
    if (amount !== undefined) sum.set(name, sum.get(name)?.add(amount) ?? amount)
  }
}

function keepLarger(target: Map<string, Quantity>, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, amount] of other) {
    const current = target.get(name)
    if (current === undefined || amount.compare(current) > 0) target.set(name, amount)
  }
}
