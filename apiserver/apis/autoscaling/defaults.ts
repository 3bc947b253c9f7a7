/** Upstream: pkg/apis/autoscaling/{v1,v2}/defaults.go. */
import type { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from '#machinery/api/autoscaling/v1/types.gen.ts'
import type { HorizontalPodAutoscaler, HPAScalingRules } from '#machinery/api/autoscaling/v2/types.gen.ts'

const DEFAULT_CPU_UTILIZATION = 80

export function setHorizontalPodAutoscalerV1Defaults(autoscaler: HorizontalPodAutoscalerV1): void {
  autoscaler.spec ??= { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 }
  autoscaler.spec.minReplicas ??= 1
}

export function setHorizontalPodAutoscalerDefaults(autoscaler: HorizontalPodAutoscaler): void {
  autoscaler.spec ??= { scaleTargetRef: { kind: '', name: '' }, maxReplicas: 0 }
  const { spec } = autoscaler
  spec.minReplicas ??= 1
  if ((spec.metrics ?? []).length === 0) {
    const target = { type: 'Utilization', averageUtilization: DEFAULT_CPU_UTILIZATION }
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
  }
  if (spec.behavior === undefined) return
  spec.behavior.scaleUp = { ...scaleUpDefaults(), ...spec.behavior.scaleUp }
  spec.behavior.scaleDown = { ...scaleDownDefaults(), ...spec.behavior.scaleDown }
}

const scaleUpDefaults = (): HPAScalingRules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
})

const scaleDownDefaults = (): HPAScalingRules => ({
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
})
