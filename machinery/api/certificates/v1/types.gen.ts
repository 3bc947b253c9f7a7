// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface CertificateSigningRequest extends KubeObject {
  spec: CertificateSigningRequestSpec
  status?: CertificateSigningRequestStatus
}

export interface CertificateSigningRequestSpec {
  request: string
  signerName: string
  expirationSeconds?: number
  usages?: string[]
  username?: string
  uid?: string
  groups?: string[]
  extra?: Record<string, string[]>
}

export interface CertificateSigningRequestStatus {
  conditions?: CertificateSigningRequestCondition[]
  certificate?: string
}

export interface CertificateSigningRequestCondition {
  type: string
  status: string
  reason?: string
  message?: string
  lastUpdateTime?: string
  lastTransitionTime?: string
}

export type CertificateSigningRequestList = KubeList<CertificateSigningRequest>
