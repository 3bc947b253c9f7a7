// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface RuntimeClass extends KubeObject {
  handler: string
  overhead?: Overhead
  scheduling?: Scheduling
}

export interface Overhead {
  podFixed?: Record<string, string>
}

export interface Scheduling {
  nodeSelector?: Record<string, string>
  tolerations?: Toleration[]
}

export type RuntimeClassList = KubeList<RuntimeClass>
