// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { Condition, DeleteOptions, KubeList, KubeObject, LabelSelector } from '#machinery/api/meta/v1.ts'

export interface PodDisruptionBudgetSpec {
  minAvailable?: number | string
  selector?: LabelSelector
  maxUnavailable?: number | string
  unhealthyPodEvictionPolicy?: string
}

export interface PodDisruptionBudgetStatus {
  observedGeneration?: number
  disruptedPods?: Record<string, string>
  disruptionsAllowed?: number
  currentHealthy?: number
  desiredHealthy?: number
  expectedPods?: number
  conditions?: Condition[]
}

export interface PodDisruptionBudget extends KubeObject {
  spec: PodDisruptionBudgetSpec
  status?: PodDisruptionBudgetStatus
}

export type PodDisruptionBudgetList = KubeList<PodDisruptionBudget>

export interface Eviction extends KubeObject {
  deleteOptions?: DeleteOptions
}
