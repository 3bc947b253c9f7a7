/** `kubectl get hpa`. Upstream: pkg/printers/internalversion/printers.go printHorizontalPodAutoscaler. */

import { autoscalerV1ToV2 } from '#apiserver/apis/autoscaling/conversion.ts'
import type { HorizontalPodAutoscaler as AutoscalerV1 } from '#machinery/api/autoscaling/v1/types.gen.ts'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { AGE, defineTable, NAME } from '../table.ts'

type Autoscaler = DeepReadonly<HorizontalPodAutoscaler>

const METRICS_SHOWN = 2

export const horizontalPodAutoscalerTable = defineTable([
  NAME,
  { name: 'Reference', value: ({ spec }: Autoscaler) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` },
  { name: 'Targets', value: (autoscaler: Autoscaler) => targets(autoscaler) },
  { name: 'MinPods', value: ({ spec }: Autoscaler) => String(spec.minReplicas ?? '<unset>') },
  { name: 'MaxPods', type: 'integer', value: ({ spec }: Autoscaler) => spec.maxReplicas },
  { name: 'Replicas', type: 'integer', value: ({ status }: Autoscaler) => status?.currentReplicas ?? 0 },
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

function metricText(metric: DeepReadonly<MetricSpec>, status: DeepReadonly<MetricStatus> | undefined): string {
  const source = metric.resource ?? metric.containerResource ?? metric.pods ?? metric.object ?? metric.external
  const current = (status?.resource ?? status?.containerResource ?? status?.pods ?? status?.object ?? status?.external)
    ?.current
  const target = source?.target
  const prefix =
    metric.resource !== undefined
      ? `${metric.resource.name}: `
      : metric.containerResource !== undefined
        ? `${metric.containerResource.name}: `
        : ''
  if (target?.averageUtilization !== undefined) {
    const now = current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`
    return `${prefix}${now}/${target.averageUtilization}%`
  }
  if (target?.averageValue !== undefined) {
    const suffix = metric.object !== undefined || metric.external !== undefined ? ' (avg)' : ''
    return `${prefix}${current?.averageValue ?? '<unknown>'}/${target.averageValue}${suffix}`
  }
  return `${prefix}${current?.value ?? '<unknown>'}/${target?.value ?? '<auto>'}`
}
