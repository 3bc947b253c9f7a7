/**
 * Claims, their templates and device classes. Upstream: pkg/apis/resource/validation/validation.go.
 * Differs: CEL expressions are not compiled; tolerations, capacities and the results of an allocation are not looked at.
 */
import type {
  DeviceClaim,
  DeviceClass,
  DeviceConfiguration,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
} from '#machinery/meta/field-error.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkImmutable, checkName, checkRequired, checkTemplateMeta } from '../validation.ts'

const LIST_MAX = 32
const ALTERNATIVES_MAX = 8
const RESERVED_FOR_MAX = 256
const EXPRESSION_MAX_BYTES = 10 * 1024
const PARAMETERS_MAX_BYTES = 10 * 1024
const DRIVER_NAME_MAX = 63
const UNKNOWN_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

type FrozenClaim = DeepReadonly<ResourceClaim>
type FrozenTemplate = DeepReadonly<ResourceClaimTemplate>

export function validateResourceClaim({ spec }: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  validateDevices(errors, 'spec.devices', spec?.devices)
  return errors
}

export function validateResourceClaimUpdate(next: FrozenClaim, old: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'spec', next.spec, old.spec)
  return [...errors, ...validateResourceClaim(next)]
}

export function validateResourceClaimStatusUpdate(next: FrozenClaim, old: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  const { reservedFor = [], allocation } = next.status ?? {}
  const field = 'status.reservedFor'
  checkSize(errors, field, reservedFor, RESERVED_FOR_MAX)
  reservedFor.forEach(({ resource, name, uid }, i) => {
    checkRequired(errors, `${field}[${i}].resource`, resource)
    checkRequired(errors, `${field}[${i}].name`, name)
    checkRequired(errors, `${field}[${i}].uid`, uid)
    if (reservedFor.findIndex((one) => one.uid === uid) !== i) errors.push(fieldDuplicate(`${field}[${i}].uid`, uid))
  })
  if (reservedFor.length > 0 && allocation === undefined) {
    errors.push(fieldForbidden(field, 'may not be specified when `allocated` is not set'))
  } else if (next.metadata.deletionTimestamp !== undefined) {
    const before = old.status?.reservedFor ?? []
    if (reservedFor.some((one) => !before.some((earlier) => deepEqual(one, earlier)))) {
      const detail = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'
      errors.push(fieldForbidden(field, detail))
    }
  }
  if (allocation !== undefined && old.status?.allocation !== undefined) {
    checkImmutable(errors, 'status.allocation', allocation, old.status.allocation)
  }
  return errors
}

export function validateResourceClaimTemplate({ spec }: FrozenTemplate): FieldError[] {
  const errors: FieldError[] = []
  checkTemplateMeta(errors, 'spec.metadata', spec?.metadata)
  validateDevices(errors, 'spec.spec.devices', spec?.spec?.devices)
  return errors
}

export function validateResourceClaimTemplateUpdate(next: FrozenTemplate, old: FrozenTemplate): FieldError[] {
  const errors: FieldError[] = []
  checkImmutable(errors, 'spec', next.spec, old.spec)
  return [...errors, ...validateResourceClaimTemplate(next)]
}

export function validateDeviceClass({ spec }: DeepReadonly<DeviceClass>): FieldError[] {
  const errors: FieldError[] = []
  validateSelectors(errors, 'spec.selectors', spec?.selectors ?? [])
  const config = spec?.config ?? []
  checkSize(errors, 'spec.config', config, LIST_MAX)
  config.forEach((one, i) => {
    validateConfiguration(errors, `spec.config[${i}]`, one)
  })
  return errors
}

function checkSize(errors: FieldError[], field: string, list: readonly unknown[], max: number): void {
  if (list.length > max) errors.push(fieldTooMany(field, list.length, max))
}

function validateDevices(errors: FieldError[], field: string, devices: DeepReadonly<DeviceClaim> | undefined): void {
  const { requests = [], constraints = [], config = [] } = devices ?? {}
  checkSize(errors, `${field}.requests`, requests, LIST_MAX)
  requests.forEach((request, i) => {
    const at = `${field}.requests[${i}]`
    validateRequest(errors, at, request)
    if (isRepeated(requests, i)) errors.push(fieldDuplicate(`${at}.name`, request.name))
  })
  const known = requestNames(requests)
  checkSize(errors, `${field}.constraints`, constraints, LIST_MAX)
  constraints.forEach((constraint, i) => {
    const at = `${field}.constraints[${i}]`
    checkRequestNames(errors, `${at}.requests`, constraint.requests ?? [], known)
    const { matchAttribute, distinctAttribute } = constraint
    if (matchAttribute === undefined && distinctAttribute === undefined) {
      errors.push(fieldRequired(`${at}.matchAttribute`, ''))
    }
    checkAttribute(errors, `${at}.matchAttribute`, matchAttribute)
    checkAttribute(errors, `${at}.distinctAttribute`, distinctAttribute)
  })
  checkSize(errors, `${field}.config`, config, LIST_MAX)
  config.forEach((one, i) => {
    checkRequestNames(errors, `${field}.config[${i}].requests`, one.requests ?? [], known)
    validateConfiguration(errors, `${field}.config[${i}]`, one)
  })
}

const isRepeated = (named: readonly { readonly name?: string }[], i: number): boolean =>
  named.findIndex(({ name }) => name === named[i]?.name) !== i

/** `request` and `request/alternative`. */
function requestNames(requests: DeepReadonly<DeviceRequest[]>): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { name, firstAvailable = [] } of requests) {
    names.add(name)
    for (const alternative of firstAvailable) names.add(`${name}/${alternative.name}`)
  }
  return names
}

function checkRequestNames(
  errors: FieldError[],
  field: string,
  names: readonly string[],
  known: ReadonlySet<string>,
): void {
  checkSize(errors, field, names, LIST_MAX)
  names.forEach((name, i) => {
    const at = `${field}[${i}]`
    const segments = name.split('/')
    if (segments.length <= 2) {
      for (const segment of segments) addInvalid(errors, at, segment, isDns1123Label(segment))
    }
    if (!known.has(name)) errors.push(fieldInvalid(at, name, UNKNOWN_REQUEST))
    if (names.indexOf(name) !== i) errors.push(fieldDuplicate(at, name))
  })
}

function checkAttribute(errors: FieldError[], field: string, attribute: string | undefined): void {
  if (attribute === undefined) return
  if (attribute === '') errors.push(fieldRequired(field, 'name required'))
  else if (!attribute.includes('/')) errors.push(fieldInvalid(field, attribute, 'must include a domain'))
}

function validateRequest(errors: FieldError[], field: string, request: DeepReadonly<DeviceRequest>): void {
  const { name = '', exactly, firstAvailable = [] } = request
  addInvalid(errors, `${field}.name`, name, isDns1123Label(name))
  const detail = 'exactly one of `exactly` or `firstAvailable` is required'
  if (exactly === undefined && firstAvailable.length === 0) errors.push(fieldRequired(field, detail))
  else if (exactly !== undefined && firstAvailable.length > 0) {
    errors.push(fieldInvalid(field, null, `${detail}, but multiple fields are set`))
  } else if (exactly !== undefined) validateExactRequest(errors, `${field}.exactly`, exactly)
  else {
    checkSize(errors, `${field}.firstAvailable`, firstAvailable, ALTERNATIVES_MAX)
    firstAvailable.forEach((alternative, i) => {
      const at = `${field}.firstAvailable[${i}]`
      addInvalid(errors, `${at}.name`, alternative.name ?? '', isDns1123Label(alternative.name ?? ''))
      validateExactRequest(errors, at, alternative)
      if (isRepeated(firstAvailable, i)) errors.push(fieldDuplicate(`${at}.name`, alternative.name))
    })
  }
}

function validateExactRequest(
  errors: FieldError[],
  field: string,
  request: DeepReadonly<ExactDeviceRequest | DeviceSubRequest>,
): void {
  const { deviceClassName, selectors = [], allocationMode = '', count = 0 } = request
  checkName(errors, `${field}.deviceClassName`, deviceClassName, isDns1123Subdomain)
  validateSelectors(errors, `${field}.selectors`, selectors)
  if (allocationMode === 'All') {
    if (count !== 0) {
      errors.push(fieldInvalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'"))
    }
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(fieldInvalid(`${field}.count`, count, 'must be greater than zero'))
  } else errors.push(fieldNotSupported(`${field}.allocationMode`, allocationMode, ['All', 'ExactCount']))
}

function validateSelectors(errors: FieldError[], field: string, selectors: DeepReadonly<DeviceSelector[]>): void {
  checkSize(errors, field, selectors, LIST_MAX)
  selectors.forEach(({ cel }, i) => {
    if (cel === undefined) errors.push(fieldRequired(`${field}[${i}].cel`, ''))
    else if (Buffer.byteLength(cel.expression ?? '') > EXPRESSION_MAX_BYTES) {
      errors.push(fieldTooLong(`${field}[${i}].cel.expression`, EXPRESSION_MAX_BYTES))
    }
  })
}

function validateConfiguration(
  errors: FieldError[],
  field: string,
  { opaque }: DeepReadonly<DeviceConfiguration>,
): void {
  if (opaque === undefined) {
    errors.push(fieldRequired(`${field}.opaque`, ''))
    return
  }
  checkDriverName(errors, `${field}.opaque.driver`, opaque.driver)
  const { parameters } = opaque
  const at = `${field}.opaque.parameters`
  if (parameters === undefined || parameters === null) errors.push(fieldRequired(at, ''))
  else if (Buffer.byteLength(JSON.stringify(parameters)) > PARAMETERS_MAX_BYTES) {
    errors.push(fieldTooLong(at, PARAMETERS_MAX_BYTES))
  } else if (typeof parameters !== 'object' || Array.isArray(parameters)) {
    errors.push(fieldInvalid(at, '<value omitted>', 'must be a valid JSON object'))
  }
}

export function checkDriverName(errors: FieldError[], field: string, name: string | undefined): void {
  checkName(errors, field, name, isDns1123Subdomain)
  if (Buffer.byteLength(name ?? '') > DRIVER_NAME_MAX) errors.push(fieldTooLong(field, DRIVER_NAME_MAX))
}
