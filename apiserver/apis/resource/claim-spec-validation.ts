/** What a claim asks for. Upstream: pkg/apis/resource/validation validateDeviceClaim. */
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkName } from '../validation.ts'
import { validateConfiguration } from './configuration-validation.ts'
import { nameOf, validateItems } from './lists.ts'
import { checkFullyQualifiedName, checkLabel } from './names.ts'
import type { RequestNames } from './request-names.ts'
import { checkRequestNames, requestNamesOf } from './request-names.ts'
import { validateSelectors } from './selector-validation.ts'
import { validateDeviceTolerations } from './taint-validation.ts'

const LIST = { max: 32 }
const ALTERNATIVES_MAX = 8
/** Upstream says so of none, too. */
const NO_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'

export function validateDeviceClaim(
  errors: FieldError[],
  field: string,
  devices: DeepReadonly<DeviceClaim> | undefined,
): void {
  const { requests = [], constraints = [], config = [] } = devices ?? {}
  validateItems(errors, `${field}.requests`, requests, { ...LIST, keyOf: nameOf }, (request, at) => {
    validateRequest(errors, at, request)
  })
  const known = requestNamesOf(devices)
  validateItems(errors, `${field}.constraints`, constraints, LIST, (constraint, at) => {
    validateConstraint(errors, at, constraint, known)
  })
  validateItems(errors, `${field}.config`, config, LIST, (one, at) => {
    checkRequestNames(errors, `${at}.requests`, one.requests, known)
    validateConfiguration(errors, at, one, false)
  })
}

function validateConstraint(
  errors: FieldError[],
  field: string,
  { requests, matchAttribute, distinctAttribute }: DeepReadonly<DeviceConstraint>,
  known: RequestNames,
): void {
  checkRequestNames(errors, `${field}.requests`, requests, known)
  if (matchAttribute !== undefined) checkFullyQualifiedName(errors, `${field}.matchAttribute`, matchAttribute)
  else if (distinctAttribute !== undefined) {
    checkFullyQualifiedName(errors, `${field}.distinctAttribute`, distinctAttribute)
  } else errors.push(fieldRequired(field, NO_ATTRIBUTE))
}

function validateRequest(errors: FieldError[], field: string, request: DeepReadonly<DeviceRequest>): void {
  const { name, exactly, firstAvailable = [] } = request
  checkLabel(errors, `${field}.name`, name)
  const detail = 'exactly one of `exactly` or `firstAvailable` is required'
  if (exactly === undefined && firstAvailable.length === 0) errors.push(fieldRequired(field, detail))
  else if (exactly !== undefined && firstAvailable.length > 0) {
    errors.push(fieldInvalid(field, null, `${detail}, but multiple fields are set`))
  } else if (exactly !== undefined) validateExactRequest(errors, `${field}.exactly`, exactly)
  else {
    const options = { max: ALTERNATIVES_MAX, keyOf: nameOf }
    validateItems(errors, `${field}.firstAvailable`, firstAvailable, options, (alternative, at) => {
      checkLabel(errors, `${at}.name`, alternative.name)
      validateExactRequest(errors, at, alternative)
    })
  }
}

function validateExactRequest(
  errors: FieldError[],
  field: string,
  request: DeepReadonly<ExactDeviceRequest | DeviceSubRequest>,
): void {
  const { deviceClassName, selectors, allocationMode = '', count = 0, tolerations } = request
  checkName(errors, `${field}.deviceClassName`, deviceClassName, isDns1123Subdomain)
  validateSelectors(errors, `${field}.selectors`, selectors, false)
  if (allocationMode === 'All') {
    if (count !== 0) {
      errors.push(fieldInvalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'"))
    }
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(fieldInvalid(`${field}.count`, count, 'must be greater than zero'))
  } else errors.push(fieldNotSupported(`${field}.allocationMode`, allocationMode, ['All', 'ExactCount']))
  validateDeviceTolerations(errors, `${field}.tolerations`, tolerations)
}
