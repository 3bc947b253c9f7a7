/** LimitRange. Upstream: pkg/apis/core/validation ValidateLimitRange. */
import type { LimitRange, LimitRangeItem } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../validation.ts'
import { checkContainerResourceName, checkResourceName, isOvercommitAllowed } from './resource-names.ts'

type ResourceList = Readonly<Record<string, string>> | undefined
type FrozenItem = DeepReadonly<LimitRangeItem>

const TYPES = ['Container', 'PersistentVolumeClaim', 'Pod']
/** Above this thousandths do not fit 64 bits. */
const MAX_MILLI_VALUE = 2 ** 63 / 1000

export function validateLimitRange({ spec }: DeepReadonly<LimitRange>): FieldError[] {
  const errors: FieldError[] = []
  const types = new Set<string>()
  spec?.limits?.forEach((item, i) => {
    const field = `spec.limits[${i}]`
    const { type = '' } = item
    checkType(errors, `${field}.type`, type)
    if (types.has(type)) errors.push(fieldDuplicate(`${field}.type`, type))
    types.add(type)
    const names = checkNames(errors, field, item)
    for (const name of names) validateLimits(errors, field, name, item)
  })
  return errors
}

function checkType(errors: FieldError[], field: string, type: string): void {
  const before = errors.length
  addInvalid(errors, field, type, isQualifiedName(type))
  if (errors.length === before && !type.includes('/') && !TYPES.includes(type)) {
    errors.push(fieldInvalid(field, type, 'must be a standard limit type or fully qualified'))
  }
}

/** The resources the item speaks of. */
function checkNames(errors: FieldError[], field: string, item: FrozenItem): ReadonlySet<string> {
  const names = new Set<string>()
  const isPod = item.type === 'Pod'
  const check = (member: string, list: ResourceList): void => {
    for (const name of Object.keys(list ?? {})) {
      if (isPod || item.type === 'Container') checkContainerResourceName(errors, `${field}.${member}[${name}]`, name)
      else checkResourceName(errors, `${field}.${member}[${name}]`, name)
      names.add(name)
    }
  }
  const forbid = (member: string, list: ResourceList): void => {
    if (Object.keys(list ?? {}).length === 0) return
    errors.push(fieldForbidden(`${field}.${member}`, "may not be specified when `type` is 'Pod'"))
  }
  check('max', item.max)
  check('min', item.min)
  const checkDefault = isPod ? forbid : check
  checkDefault('default', item.default)
  checkDefault('defaultRequest', item.defaultRequest)
  if (
    item.type === 'PersistentVolumeClaim' &&
    item.min?.['storage'] === undefined &&
    item.max?.['storage'] === undefined
  ) {
    const detail = 'either minimum or maximum storage value is required, but neither was provided'
    errors.push(fieldRequired(`${field}.limits`, detail))
  }
  check('maxLimitRequestRatio', item.maxLimitRequestRatio)
  return names
}

function quantityOf(list: ResourceList, name: string): Quantity | undefined {
  const text = list !== undefined && Object.hasOwn(list, name) ? list[name] : undefined
  return text === undefined ? undefined : tryParseQuantity(String(text))
}

function validateLimits(errors: FieldError[], field: string, name: string, item: FrozenItem): void {
  const isPod = item.type === 'Pod'
  const min = quantityOf(item.min, name)
  const max = quantityOf(item.max, name)
  const limit = isPod ? undefined : quantityOf(item.default, name)
  const request = isPod ? undefined : quantityOf(item.defaultRequest, name)
  const order = (
    low: Quantity | undefined,
    lowName: string,
    high: Quantity | undefined,
    highName: string,
    at: string,
    shown: Quantity | undefined,
  ): void => {
    if (low === undefined || high === undefined || low.compare(high) <= 0) return
    const detail = `${lowName} value ${low} is greater than ${highName} value ${high}`
    errors.push(fieldInvalid(`${field}.${at}[${name}]`, shown, detail))
  }
  order(min, 'min', max, 'max', 'min', min)
  order(min, 'min', request, 'default request', 'defaultRequest', request)
  order(request, 'default request', max, 'max', 'defaultRequest', request)
  order(request, 'default request', limit, 'default limit', 'defaultRequest', request)
  order(min, 'min', limit, 'default', 'default', min)
  order(limit, 'default', max, 'max', 'default', max)
  validateRatio(errors, `${field}.maxLimitRequestRatio[${name}]`, quantityOf(item.maxLimitRequestRatio, name), min, max)
  if (!isOvercommitAllowed(name) && limit !== undefined && request !== undefined && !limit.equals(request)) {
    const detail = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`
    errors.push(fieldInvalid(`${field}.defaultRequest[${name}]`, request, detail))
  }
}

function validateRatio(
  errors: FieldError[],
  field: string,
  ratio: Quantity | undefined,
  min: Quantity | undefined,
  max: Quantity | undefined,
): void {
  if (ratio === undefined) return
  if (ratio.milliValue() < 1000) errors.push(fieldInvalid(field, ratio, `ratio ${ratio} is less than 1`))
  if (min === undefined || max === undefined) return
  const isSmall = [ratio, min, max].every((quantity) => quantity.value() < MAX_MILLI_VALUE)
  const limit = isSmall ? max.milliValue() / min.milliValue() : max.value() / min.value()
  if ((isSmall ? ratio.milliValue() / 1000 : ratio.value()) <= limit) return
  errors.push(fieldInvalid(field, ratio, `ratio ${ratio} is greater than max/min = ${limit.toFixed(6)}`))
}
