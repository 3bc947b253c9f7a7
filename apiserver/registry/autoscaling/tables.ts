/** `kubectl get hpa`. Upstream: pkg/printers/internalversion/printers.go printHorizontalPodAutoscaler. */

import { autoscalerV1ToV2 } from '#apiserver/apis/autoscaling/conversion.ts'
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '#machinery/api/autoscaling/v1/types.gen.ts'
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, NAME } from '../table.ts'

type Autoscaler = DeepReadonly<HorizontalPodAutoscaler>

const METRICS_SHOWN = 2

export const horizontalPodAutoscalerTable = defineTable([
  NAME,
  { name: 'Reference', value: ({ spec }: Autoscaler) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` },
  { name: 'Targets', value: (autoscaler: Autoscaler) => targets(autoscaler) },
  { name: 'MinPods', value: ({ spec }: Autoscaler) => String(spec.minReplicas ?? '<unset>') },
  { name: 'MaxPods', value: ({ spec }: Autoscaler) => spec.maxReplicas },
  { name: 'Replicas', value: ({ status }: Autoscaler) => status?.currentReplicas ?? 0 },
  AGE,
])

/** The same rows for v1 objects. */
export const horizontalPodAutoscalerV1Table = {
  columns: horizontalPodAutoscalerTable.columns,
  cells: (object: object, now: Date) =>
    horizontalPodAutoscalerTable.cells(autoscalerV1ToV2(object as AutoscalerV1), now),
}

function targets({ spec, status }: Autoscaler): string {
  const metrics = spec.metrics ?? []
  if (metrics.length === 0) return '<none>'
  const texts = metrics.slice(0, METRICS_SHOWN).map((metric, i) => metricText(metric, status?.currentMetrics?.[i]))
  const shown = texts.join(', ')
  return metrics.length > METRICS_SHOWN ? `${shown} + ${metrics.length - METRICS_SHOWN} more...` : shown
}

const UNKNOWN = '<unknown>'

function metricText(metric: DeepReadonly<MetricSpec>, status: DeepReadonly<MetricStatus> | undefined): string {
  if (metric.resource !== undefined) {
    return `${metric.resource.name}: ${utilization(metric.resource.target, status?.resource?.current)}`
  }
  if (metric.containerResource !== undefined) {
    const { name, target } = metric.containerResource
    return `${name}: ${utilization(target, status?.containerResource?.current)}`
  }
  if (metric.pods !== undefined) {
    return `${status?.pods?.current.averageValue ?? UNKNOWN}/${metric.pods.target.averageValue ?? ''}`
  }
  if (metric.object !== undefined) return value(metric.object.target, status?.object?.current)
  if (metric.external !== undefined) return value(metric.external.target, status?.external?.current)
  return '<unknown type>'
}

function utilization(target: DeepReadonly<MetricTarget>, current: DeepReadonly<MetricValueStatus> | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue}`
  const now = current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}%`
  return `${now}/${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`
}

function value(target: DeepReadonly<MetricTarget>, current: DeepReadonly<MetricValueStatus> | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`
  return `${current?.value ?? UNKNOWN}/${target.value ?? ''}`
}
