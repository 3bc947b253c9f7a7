/** One metric of an autoscaler. Upstream: pkg/apis/autoscaling/validation/validation.go validateMetricSpec. */
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Label, isPathSegmentName } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkContainerResourceName } from '../core/resource-names.ts'
import { addInvalid, checkRequired } from '../validation.ts'

const METRIC_TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']
const TARGET_TYPES = ['Utilization', 'Value', 'AverageValue']
/** In the order upstream looks at them: only the first one's content is checked. */
const SOURCES = ['object', 'external', 'pods', 'resource', 'containerResource'] as const

type FrozenMetric = DeepReadonly<MetricSpec>
type Source = (typeof SOURCES)[number]
type CheckReference = (reference: DeepReadonly<CrossVersionObjectReference> | undefined) => void

export function validateMetric(
  errors: FieldError[],
  field: string,
  metric: FrozenMetric,
  checkDescribedObject: CheckReference,
): void {
  const { type = '' } = metric
  const typeField = `${field}.type`
  checkRequired(errors, typeField, type, 'must specify a metric source type')
  const isKnown = METRIC_TYPES.includes(type)
  if (!isKnown) errors.push(fieldNotSupported(typeField, type, METRIC_TYPES))
  const present = SOURCES.filter((source) => metric[source] !== undefined)
  const [first] = present
  if (first !== undefined) validateSource(errors, `${field}.${first}`, metric, first, checkDescribedObject)
  const expected = SOURCES.find((source) => source.toLowerCase() === type.toLowerCase() && isKnown)
  if (expected !== undefined && metric[expected] === undefined) {
    errors.push(fieldRequired(`${field}.${expected}`, 'must populate information for the given metric source'))
  }
  // Upstream says it twice.
  if (!isKnown) errors.push(fieldNotSupported(typeField, type, METRIC_TYPES))
  if (present.length === 1) return
  for (const source of present) {
    if (source !== expected) {
      errors.push(fieldForbidden(`${field}.${source}`, 'must populate the given metric source only'))
    }
  }
}

function validateSource(
  errors: FieldError[],
  field: string,
  metric: FrozenMetric,
  source: Source,
  checkDescribedObject: CheckReference,
): void {
  if (source === 'object') checkDescribedObject(metric.object?.describedObject)
  if (source === 'resource' || source === 'containerResource') {
    const name = metric[source]?.name ?? ''
    if (name === '') errors.push(fieldRequired(`${field}.name`, 'must specify a resource name'))
    else if (source === 'containerResource') checkContainerResourceName(errors, `${field}.name`, name)
  } else checkMetricName(errors, `${field}.metric.name`, metric[source]?.metric)
  if (source === 'containerResource') {
    const container = metric.containerResource?.container ?? ''
    const at = `${field}.container`
    if (container === '') errors.push(fieldRequired(at, 'must specify a container'))
    else addInvalid(errors, at, container, isDns1123Label(container))
  }
  const target = metric[source]?.target
  validateTarget(errors, `${field}.target`, target)
  checkTargetOfSource(errors, `${field}.target`, source, target ?? {})
}

function checkTargetOfSource(
  errors: FieldError[],
  field: string,
  source: Source,
  { value, averageValue, averageUtilization }: DeepReadonly<Partial<MetricTarget>>,
): void {
  const requireAverage = (detail: string): void => {
    errors.push(fieldRequired(`${field}.averageValue`, detail))
  }
  if (source === 'pods') {
    if (averageValue === undefined) requireAverage('must specify a positive target averageValue')
  } else if (source === 'object' || source === 'external') {
    const isObject = source === 'object'
    if (value === undefined && averageValue === undefined) {
      requireAverage(
        `must set either a target value ${isObject ? 'or averageValue' : 'for metric or a per-pod target'}`,
      )
    }
    if (!isObject && value !== undefined && averageValue !== undefined) {
      const detail = 'may not set both a target value for metric and a per-pod target'
      errors.push(fieldForbidden(`${field}.value`, detail))
    }
  } else if (averageUtilization === undefined && averageValue === undefined) {
    const detail = 'must set either a target raw value or a target utilization'
    errors.push(fieldRequired(`${field}.averageUtilization`, detail))
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    const detail = 'may not set both a target raw value and a target utilization'
    errors.push(fieldForbidden(`${field}.averageValue`, detail))
  }
}

function checkMetricName(
  errors: FieldError[],
  field: string,
  metric: DeepReadonly<MetricIdentifier> | undefined,
): void {
  const { name = '' } = metric ?? {}
  if (name === '') errors.push(fieldRequired(field, 'must specify a metric name'))
  else addInvalid(errors, field, name, isPathSegmentName(name))
}

function validateTarget(errors: FieldError[], field: string, target: DeepReadonly<MetricTarget> | undefined): void {
  const { type = '', averageUtilization, value, averageValue } = target ?? {}
  checkRequired(errors, `${field}.type`, type, 'must specify a metric target type')
  if (!TARGET_TYPES.includes(type)) {
    errors.push(fieldInvalid(`${field}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  }
  if (value !== undefined && !isPositive(value)) errors.push(fieldInvalid(`${field}.value`, value, 'must be positive'))
  if (averageValue !== undefined && !isPositive(averageValue)) {
    errors.push(fieldInvalid(`${field}.averageValue`, averageValue, 'must be positive'))
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(fieldInvalid(`${field}.averageUtilization`, averageUtilization, 'must be greater than 0'))
  }
}

const isPositive = (text: string): boolean => tryParseQuantity(String(text))?.sign === 1
