/** The object stage after decoding: mutate, then validate. Upstream: apiserver pkg/admission. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { UserInfo } from '../authentication/interfaces.ts'

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

export interface AdmissionAttributes {
  readonly operation: AdmissionOperation
  readonly kind: GroupVersionKind
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly user: UserInfo
  readonly isDryRun: boolean
  /** Mutable during `admit`, frozen by agreement during `validate`; undefined for DELETE and CONNECT. */
  readonly object: KubeObject | undefined
  readonly oldObject: DeepReadonly<KubeObject> | undefined
  /** CreateOptions / UpdateOptions / DeleteOptions as decoded. */
  readonly options: Readonly<Record<string, unknown>>
  /** Adds a Warning header (299) to the response. */
  warn(message: string): void
}

export interface AdmissionPlugin {
  /** Upstream's plugin name: `NamespaceLifecycle`. */
  readonly name: string
  handles(operation: AdmissionOperation): boolean
  /** May change `attributes.object`. Throws StatusError to reject. Sync when it can be: no promise on the hot path. */
  admit?(attributes: AdmissionAttributes): void | Promise<void>
  validate?(attributes: AdmissionAttributes): void | Promise<void>
}
