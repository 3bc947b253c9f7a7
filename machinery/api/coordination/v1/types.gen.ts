// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface Lease extends KubeObject {
  spec: LeaseSpec
}

export interface LeaseSpec {
  holderIdentity?: string
  leaseDurationSeconds?: number
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
  strategy?: string
  preferredHolder?: string
}

export type LeaseList = KubeList<Lease>
