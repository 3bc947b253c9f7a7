/**
 * autoscaling/v1 <-> v2. What v1 has no field for travels in annotations, so that a v1 client does not lose it.
 * Upstream: pkg/apis/autoscaling/{v1,v2}/conversion.go. Differs: the annotations hold v2's field names (upstream's hold
 * those of the long removed v2beta1); both are read.
 */
import type {
  HorizontalPodAutoscaler as AutoscalerV1,
  HorizontalPodAutoscalerSpec as SpecV1,
  HorizontalPodAutoscalerStatus as StatusV1,
} from '#machinery/api/autoscaling/v1/types.gen.ts'
import type {
  HorizontalPodAutoscaler as AutoscalerV2,
  MetricSpec,
  MetricStatus,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const OTHER_METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics'
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions'
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior'
const DEFAULT_CPU_UTILIZATION = 80

type Annotations = Record<string, string>

export function autoscalerV1ToV2(object: AutoscalerV1): AutoscalerV2 {
  const { spec, status, ...rest } = object
  const annotations: Annotations = { ...object.metadata.annotations }
  const metrics = cpuMetric(spec?.targetCPUUtilizationPercentage)
  metrics.push(...(takeJson<MetricSpec[]>(annotations, OTHER_METRICS) ?? []))
  if (metrics.length === 0) metrics.push(...cpuMetric(DEFAULT_CPU_UTILIZATION))
  const behavior = takeJson<NonNullable<AutoscalerV2['spec']['behavior']>>(annotations, BEHAVIOR)
  const currentMetrics = takeJson<MetricStatus[]>(annotations, CURRENT_METRICS)
  const conditions = takeJson<NonNullable<NonNullable<AutoscalerV2['status']>['conditions']>>(annotations, CONDITIONS)
  const { targetCPUUtilizationPercentage: _target, ...sharedSpec } = spec
  const converted: AutoscalerV2 = {
    ...rest,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(object.metadata, annotations),
    spec: { ...sharedSpec, metrics, ...(behavior === undefined ? {} : { behavior }) },
  }
  if (status === undefined && currentMetrics === undefined && conditions === undefined) return converted
  const statusV1 = status ?? { currentReplicas: 0, desiredReplicas: 0 }
  const { currentCPUUtilizationPercentage, currentReplicas, ...sharedStatus } = statusV1
  const cpuStatus = cpuMetricStatus(currentCPUUtilizationPercentage)
  converted.status = {
    ...sharedStatus,
    // v1 always prints it, v2 never a zero.
    ...(currentReplicas === 0 ? {} : { currentReplicas }),
    ...(currentMetrics !== undefined ? { currentMetrics } : cpuStatus.length > 0 ? { currentMetrics: cpuStatus } : {}),
    ...(conditions === undefined ? {} : { conditions }),
  }
  return converted
}

export function autoscalerV2ToV1(object: DeepReadonly<AutoscalerV2>): AutoscalerV1 {
  const { spec, status, ...rest } = deepCopy<AutoscalerV2>(object)
  const { metrics = [], behavior, ...sharedSpec } = spec
  const annotations: Annotations = { ...rest.metadata.annotations }
  const others = metrics.filter((metric) => cpuUtilization(metric) === undefined)
  if (others.length > 0) annotations[OTHER_METRICS] = JSON.stringify(others)
  if (behavior !== undefined) annotations[BEHAVIOR] = JSON.stringify(behavior)
  const target = metrics.map(cpuUtilization).find((value) => value !== undefined)
  const specV1: SpecV1 = { ...sharedSpec }
  if (target !== undefined) specV1.targetCPUUtilizationPercentage = target
  const converted: AutoscalerV1 = { ...rest, apiVersion: 'autoscaling/v1', spec: specV1 }
  if (status !== undefined) {
    const { currentMetrics = [], conditions, currentReplicas = 0, ...sharedStatus } = status
    if (currentMetrics.length > 0) annotations[CURRENT_METRICS] = JSON.stringify(currentMetrics)
    if (conditions !== undefined && conditions.length > 0) annotations[CONDITIONS] = JSON.stringify(conditions)
    const statusV1: StatusV1 = { ...sharedStatus, currentReplicas }
    const current = currentMetrics.map(currentCpuUtilization).find((value) => value !== undefined)
    if (current !== undefined) statusV1.currentCPUUtilizationPercentage = current
    converted.status = statusV1
  }
  converted.metadata = withAnnotations(rest.metadata, annotations)
  return converted
}

function cpuMetric(utilization: number | undefined): MetricSpec[] {
  if (utilization === undefined) return []
  const target = { type: 'Utilization', averageUtilization: utilization }
  return [{ type: 'Resource', resource: { name: 'cpu', target } }]
}

function cpuMetricStatus(utilization: number | undefined): MetricStatus[] {
  if (utilization === undefined) return []
  return [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: utilization } } }]
}

const cpuUtilization = (metric: MetricSpec): number | undefined =>
  metric.type === 'Resource' && metric.resource?.name === 'cpu' ? metric.resource.target.averageUtilization : undefined

const currentCpuUtilization = (metric: MetricStatus): number | undefined =>
  metric.type === 'Resource' && metric.resource?.name === 'cpu' ? metric.resource.current.averageUtilization : undefined

/** Removes the annotation; undefined when it is absent or, written by a stranger, not what we wrote. */
function takeJson<T extends object>(annotations: Annotations, name: string): T | undefined {
  const text = annotations[name]
  if (text === undefined) return undefined
  delete annotations[name]
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}

function withAnnotations<M extends { annotations?: Annotations }>(metadata: M, annotations: Annotations): M {
  const { annotations: _old, ...rest } = metadata
  return (Object.keys(annotations).length === 0 ? rest : { ...rest, annotations }) as M
}
