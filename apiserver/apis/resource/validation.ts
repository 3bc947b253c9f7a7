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
/** Upstream says so of none, too. */
const NO_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
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
  const keyOf = ({ uid }: { readonly uid: string }): string => uid
  validateItems(errors, field, reservedFor, { max: RESERVED_FOR_MAX, keyOf }, ({ resource, name, uid }, at) => {
    checkRequired(errors, `${at}.resource`, resource)
    checkRequired(errors, `${at}.name`, name)
    checkRequired(errors, `${at}.uid`, uid)
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
  validateItems(errors, 'spec.config', spec?.config ?? [], LIST, (one, at) => {
    validateConfiguration(errors, at, one)
  })
  return errors
}

/** Too long a list is not looked into; items that are there twice are named after what is wrong with each. */
export function validateItems<T>(
  errors: FieldError[],
  field: string,
  list: readonly T[],
  { max, keyOf }: { readonly max: number; readonly keyOf?: (item: T) => string | undefined },
  validate: (item: T, at: string) => void,
): void {
  if (list.length > max) {
    errors.push(fieldTooMany(field, list.length, max))
    return
  }
  list.forEach((item, i) => {
    validate(item, `${field}[${i}]`)
  })
  if (keyOf === undefined) return
  const seen = new Set<string>()
  list.forEach((item, i) => {
    const key = keyOf(item) ?? ''
    if (seen.has(key)) errors.push(fieldDuplicate(`${field}[${i}]`, key))
    seen.add(key)
  })
}

export const nameOf = ({ name }: { readonly name?: string }): string | undefined => name
const LIST = { max: LIST_MAX }

function validateDevices(errors: FieldError[], field: string, devices: DeepReadonly<DeviceClaim> | undefined): void {
  const { requests = [], constraints = [], config = [] } = devices ?? {}
  validateItems(errors, `${field}.requests`, requests, { ...LIST, keyOf: nameOf }, (request, at) => {
    validateRequest(errors, at, request)
  })
  const known = requestNames(requests)
  validateItems(errors, `${field}.constraints`, constraints, LIST, (constraint, at) => {
    checkRequestNames(errors, `${at}.requests`, constraint.requests ?? [], known)
    const { matchAttribute, distinctAttribute } = constraint
    if (matchAttribute !== undefined) checkAttribute(errors, `${at}.matchAttribute`, matchAttribute)
    else if (distinctAttribute !== undefined) checkAttribute(errors, `${at}.distinctAttribute`, distinctAttribute)
    else errors.push(fieldRequired(at, NO_ATTRIBUTE))
  })
  validateItems(errors, `${field}.config`, config, LIST, (one, at) => {
    checkRequestNames(errors, `${at}.requests`, one.requests ?? [], known)
    validateConfiguration(errors, at, one)
  })
}

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
  validateItems(errors, field, names, { ...LIST, keyOf: (name) => name }, (name, at) => {
    const segments = name.split('/')
    if (segments.length <= 2) {
      for (const segment of segments) addInvalid(errors, at, segment, isDns1123Label(segment))
    }
    if (!known.has(name)) errors.push(fieldInvalid(at, name, UNKNOWN_REQUEST))
  })
}

function checkAttribute(errors: FieldError[], field: string, attribute: string): void {
  const [domain, name] = attribute.split('/')
  if (attribute === '') errors.push(fieldRequired(field, 'name required'))
  else if (name === undefined) {
    errors.push(
      fieldInvalid(field, attribute, 'a fully qualified name must be a domain and a name separated by a slash'),
    )
  } else {
    if (domain === '') errors.push(fieldInvalid(field, '', 'the domain must not be empty'))
    else checkDriverName(errors, field, domain)
    if (name === '') errors.push(fieldInvalid(field, '', 'the name must not be empty'))
  }
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
    const options = { max: ALTERNATIVES_MAX, keyOf: nameOf }
    validateItems(errors, `${field}.firstAvailable`, firstAvailable, options, (alternative, at) => {
      addInvalid(errors, `${at}.name`, alternative.name ?? '', isDns1123Label(alternative.name ?? ''))
      validateExactRequest(errors, at, alternative)
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
  validateItems(errors, field, selectors, LIST, ({ cel }, at) => {
    if (cel === undefined) errors.push(fieldRequired(`${at}.cel`, ''))
    else if (Buffer.byteLength(cel.expression ?? '') > EXPRESSION_MAX_BYTES) {
      errors.push(fieldTooLong(`${at}.cel.expression`, EXPRESSION_MAX_BYTES))
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
