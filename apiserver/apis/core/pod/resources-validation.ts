/** Requests and limits. Upstream: pkg/apis/core/validation ValidateContainerResourceRequirements. */
import type { ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired, keyField } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, NON_NEGATIVE } from '../../validation.ts'

type ResourceList = Readonly<Record<string, string>>

const STANDARD_CONTAINER_RESOURCES: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage'])
const HUGE_PAGES_PREFIX = 'hugepages-'

export function validateResourceRequirements(
  errors: FieldError[],
  field: string,
  resources: DeepReadonly<ResourceRequirements>,
): void {
  const { limits, requests } = resources
  for (const [name, amount] of Object.entries(limits ?? {})) checkAmount(errors, `${field}.limits`, name, amount)
  for (const [name, amount] of Object.entries(requests ?? {})) {
    checkAmount(errors, `${field}.requests`, name, amount)
    checkAgainstLimit(errors, field, name, amount, limits ?? {})
  }
}

function checkAmount(errors: FieldError[], field: string, name: string, amount: string): void {
  const at = keyField(field, name)
  addInvalid(errors, at, name, isQualifiedName(name))
  if (!name.includes('/') && !STANDARD_CONTAINER_RESOURCES.has(name) && !name.startsWith(HUGE_PAGES_PREFIX)) {
    errors.push(fieldInvalid(at, name, 'must be a standard resource for containers'))
  }
  const quantity = tryParseQuantity(String(amount))
  if (quantity === undefined || quantity.sign < 0) errors.push(fieldInvalid(at, amount, NON_NEGATIVE))
  else if (isExtended(name) && quantity.milliValue() % 1000 !== 0) {
    errors.push(fieldInvalid(at, amount, 'must be an integer'))
  }
}

function checkAgainstLimit(
  errors: FieldError[],
  field: string,
  name: string,
  amount: string,
  limits: ResourceList,
): void {
  const canOvercommit = !isExtended(name) && !name.startsWith(HUGE_PAGES_PREFIX)
  const limit = Object.hasOwn(limits, name) ? limits[name] : undefined
  if (limit === undefined) {
    if (!canOvercommit)
      errors.push(fieldRequired(`${field}.limits`, 'Limit must be set for non overcommitable resources'))
    return
  }
  const requested = tryParseQuantity(String(amount))
  const allowed = tryParseQuantity(String(limit))
  if (requested === undefined || allowed === undefined) return
  const order = requested.compare(allowed)
  if (!canOvercommit && order !== 0) {
    errors.push(fieldInvalid(`${field}.requests`, amount, `must be equal to ${name} limit of ${limit}`))
  } else if (canOvercommit && order > 0) {
    errors.push(fieldInvalid(`${field}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`))
  }
}

/** Resources of devices: a domain that is not Kubernetes' own. */
function isExtended(name: string): boolean {
  return name.includes('/') && !name.startsWith('kubernetes.io/') && !name.startsWith('requests.')
}
