/** LimitRange and ResourceQuota. Upstream: pkg/apis/core/validation ValidateLimitRange, ValidateResourceQuota. */
import type { LimitRange, LimitRangeItem, ResourceQuota } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  keyField,
} from '#machinery/meta/field-error.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid, checkQuantities } from '../validation.ts'

type ResourceList = Readonly<Record<string, string>>

const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
]

export function validateLimitRange({ spec }: DeepReadonly<LimitRange>): FieldError[] {
  const errors: FieldError[] = []
  const types = new Set<string>()
  ;(spec.limits ?? []).forEach((item, i) => {
    const field = `spec.limits[${i}]`
    addInvalid(errors, `${field}.type`, item.type ?? '', isQualifiedName(item.type ?? ''))
    if (types.has(item.type)) errors.push(fieldDuplicate(`${field}.type`, item.type))
    types.add(item.type)
    validateLimitRangeItem(errors, field, item)
  })
  return errors
}

function validateLimitRangeItem(errors: FieldError[], field: string, item: DeepReadonly<LimitRangeItem>): void {
  const { max, min, default: limit, defaultRequest, maxLimitRequestRatio } = item
  for (const [name, list] of Object.entries({ max, min, default: limit, defaultRequest, maxLimitRequestRatio })) {
    checkQuantities(errors, `${field}.${name}`, list)
  }
  if (item.type === 'Pod') {
    if (limit !== undefined)
      errors.push(fieldForbidden(`${field}.default`, "may not be specified when `type` is 'Pod'"))
    if (defaultRequest !== undefined) {
      errors.push(fieldForbidden(`${field}.defaultRequest`, "may not be specified when `type` is 'Pod'"))
    }
  }
  const order = (
    low: ResourceList | undefined,
    lowName: string,
    high: ResourceList | undefined,
    highName: string,
  ): void => {
    for (const [name, text] of Object.entries(low ?? {})) {
      const above = high?.[name]
      if (above === undefined || !isGreater(text, above)) continue
      const detail = `${lowName} value ${text} is greater than ${highName} value ${above}`
      errors.push(
        fieldInvalid(
          keyField(`${field}.${lowName === 'default request' ? 'defaultRequest' : lowName}`, name),
          text,
          detail,
        ),
      )
    }
  }
  order(min, 'min', max, 'max')
  order(min, 'min', defaultRequest, 'default request')
  order(defaultRequest, 'default request', max, 'max')
  order(defaultRequest, 'default request', limit, 'default limit')
  order(min, 'min', limit, 'default')
  order(limit, 'default', max, 'max')
}

function isGreater(a: string, b: string): boolean {
  const left = tryParseQuantity(String(a))
  const right = tryParseQuantity(String(b))
  return left !== undefined && right !== undefined && left.compare(right) > 0
}

export function validateResourceQuota({ spec }: DeepReadonly<ResourceQuota>): FieldError[] {
  const errors: FieldError[] = []
  checkQuantities(errors, 'spec.hard', spec?.hard)
  const scopes = spec?.scopes ?? []
  scopes.forEach((scope) => {
    if (!SCOPES.includes(scope)) errors.push(fieldInvalid('spec.scopes', scopes, 'unsupported scope'))
  })
  if (scopes.includes('BestEffort') && scopes.includes('NotBestEffort')) {
    errors.push(fieldInvalid('spec.scopes', scopes, 'conflicting scopes'))
  }
  if (scopes.includes('Terminating') && scopes.includes('NotTerminating')) {
    errors.push(fieldInvalid('spec.scopes', scopes, 'conflicting scopes'))
  }
  ;(spec?.scopeSelector?.matchExpressions ?? []).forEach(({ scopeName, operator }, i) => {
    const field = `spec.scopeSelector.matchExpressions[${i}]`
    if (!SCOPES.includes(scopeName)) errors.push(fieldInvalid(`${field}.scopeName`, scopeName, 'unsupported scope'))
    const operators = ['DoesNotExist', 'Exists', 'In', 'NotIn']
    if (!operators.includes(operator)) errors.push(fieldNotSupported(`${field}.operator`, operator, operators))
  })
  return errors
}

export function validateResourceQuotaUpdate(
  next: DeepReadonly<ResourceQuota>,
  old: DeepReadonly<ResourceQuota>,
): FieldError[] {
  const errors = validateResourceQuota(next)
  if (!deepEqual([...(next.spec?.scopes ?? [])].sort(), [...(old.spec?.scopes ?? [])].sort())) {
    errors.push(fieldInvalid('spec.scopes', next.spec?.scopes ?? [], 'field is immutable'))
  }
  return errors
}
