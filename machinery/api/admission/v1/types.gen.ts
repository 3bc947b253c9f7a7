// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { UserInfo } from '#machinery/api/authentication/v1/types.gen.ts'
import type { GroupVersionKind, GroupVersionResource } from '#machinery/api/meta/v1.gen.ts'
import type { KubeObject, Status } from '#machinery/api/meta/v1.ts'

export interface AdmissionReview extends KubeObject {
  request?: AdmissionRequest
  response?: AdmissionResponse
}

export interface AdmissionRequest {
  uid?: string
  kind?: GroupVersionKind
  resource?: GroupVersionResource
  subResource?: string
  requestKind?: GroupVersionKind
  requestResource?: GroupVersionResource
  requestSubResource?: string
  name?: string
  namespace?: string
  operation?: string
  userInfo?: UserInfo
  object?: unknown
  oldObject?: unknown
  dryRun?: boolean
  options?: unknown
}

export interface AdmissionResponse {
  uid?: string
  allowed?: boolean
  status?: Status
  patch?: string
  patchType?: string
  auditAnnotations?: Record<string, string>
  warnings?: string[]
}
