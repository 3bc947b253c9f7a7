// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface PriorityClass extends KubeObject {
  value?: number
  globalDefault?: boolean
  description?: string
  preemptionPolicy?: string
}

export type PriorityClassList = KubeList<PriorityClass>
