/** Upstream: pkg/apis/autoscaling/validation/validation.go. Paths are v2's. */
import type { HorizontalPodAutoscaler, MetricTarget } from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { isPathSegmentName } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkName, checkRequired } from '../validation.ts'

const METRIC_TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']
const TARGET_TYPES = ['AverageValue', 'Utilization', 'Value']

export function validateHorizontalPodAutoscaler({ spec }: DeepReadonly<HorizontalPodAutoscaler>): FieldError[] {
  const errors: FieldError[] = []
  const { minReplicas, maxReplicas = 0 } = spec
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(fieldInvalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
  }
  if (maxReplicas < 1) errors.push(fieldInvalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(fieldInvalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  }
  checkName(errors, 'spec.scaleTargetRef.kind', spec.scaleTargetRef?.kind, isPathSegmentName)
  checkName(errors, 'spec.scaleTargetRef.name', spec.scaleTargetRef?.name, isPathSegmentName)
  ;(spec.metrics ?? []).forEach((metric, i) => {
    const field = `spec.metrics[${i}]`
    if ((metric.type ?? '') === '') errors.push(fieldRequired(`${field}.type`, 'must specify a metric source type'))
    else if (!METRIC_TYPES.includes(metric.type))
      errors.push(fieldNotSupported(`${field}.type`, metric.type, METRIC_TYPES))
    const member =
      metric.type === '' ? '' : `${(metric.type ?? '').charAt(0).toLowerCase()}${(metric.type ?? '').slice(1)}`
    const sources = {
      object: metric.object,
      pods: metric.pods,
      resource: metric.resource,
      containerResource: metric.containerResource,
      external: metric.external,
    }
    for (const [name, source] of Object.entries(sources)) {
      if (name === member && source === undefined) {
        errors.push(fieldRequired(`${field}.${name}`, `must populate information for the given metric source`))
      } else if (name !== member && source !== undefined && METRIC_TYPES.includes(metric.type)) {
        errors.push(fieldForbidden(`${field}.${name}`, 'must populate the given metric source only'))
      }
      if (source !== undefined) validateTarget(errors, `${field}.${name}.target`, source.target)
    }
    if (metric.resource !== undefined) {
      checkRequired(errors, `${field}.resource.name`, metric.resource.name, 'must specify a resource name')
    }
  })
  return errors
}

function validateTarget(errors: FieldError[], field: string, target: DeepReadonly<MetricTarget> | undefined): void {
  const { type = '', averageUtilization, value, averageValue } = target ?? {}
  if (type === '') errors.push(fieldRequired(`${field}.type`, 'must specify a metric target type'))
  else if (!TARGET_TYPES.includes(type))
    errors.push(fieldInvalid(`${field}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  if (value !== undefined && !isPositive(value)) errors.push(fieldInvalid(`${field}.value`, value, 'must be positive'))
  if (averageValue !== undefined && !isPositive(averageValue)) {
    errors.push(fieldInvalid(`${field}.averageValue`, averageValue, 'must be positive'))
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(fieldInvalid(`${field}.averageUtilization`, averageUtilization, 'must be greater than 0'))
  }
}

const isPositive = (text: string): boolean => tryParseQuantity(String(text))?.sign === 1
