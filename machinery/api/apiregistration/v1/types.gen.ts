// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export type APIServiceList = KubeList<APIService>

export interface ServiceReference {
  namespace?: string
  name?: string
  port?: number
}

export interface APIServiceSpec {
  service?: ServiceReference
  group?: string
  version?: string
  insecureSkipTLSVerify?: boolean
  caBundle?: string
  groupPriorityMinimum: number
  versionPriority: number
}

export interface APIServiceCondition {
  type: string
  status: string
  lastTransitionTime?: string
  reason?: string
  message?: string
}

export interface APIServiceStatus {
  conditions?: APIServiceCondition[]
}

export interface APIService extends KubeObject {
  spec: APIServiceSpec
  status?: APIServiceStatus
}
