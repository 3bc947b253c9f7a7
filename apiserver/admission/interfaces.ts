/** The object stage after decoding: mutate, then validate. Upstream: apiserver pkg/admission. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Annotate } from '../audit/interfaces.ts'
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
  /**
   * Mutable during `admit`, frozen by agreement during `validate`; undefined for DELETE. CONNECT's is its options as an
   * object of their own kind: PodExecOptions, NodeProxyOptions.
   */
  readonly object: KubeObject | undefined
  readonly oldObject: DeepReadonly<KubeObject> | undefined
  /** CreateOptions / UpdateOptions / DeleteOptions as decoded. */
  readonly options: Readonly<Record<string, unknown>>
  /** Adds a Warning header (299) to the response. */
  warn(message: string): void
  /** Absent in attributes that no request is behind. */
  readonly request?: AdmissionRequestContext
  /** How remote admission sees the object. */
  readonly view?: AdmissionView
  /** Set to 'needed' by a plugin whose changes earlier ones should see; the chain then runs once more, 'running'. */
  reinvocation?: 'needed' | 'running' | undefined
}

/** What of the request a plugin that leaves the process needs. */
export interface AdmissionRequestContext {
  /** Aborted at the request's deadline and when the client is gone. */
  readonly signal: AbortSignal
  /** Of the request, in monotonic milliseconds; absent or undefined: there is none. */
  readonly deadlineMs?: number | undefined
  /** For the audit event: kept with the request. Absent or undefined where that is not audited. */
  readonly annotate?: Annotate | undefined
}

/** One resource's objects in its versions: webhooks get the version they ask for, and answer in it. */
export interface AdmissionView {
  /** Versions of the resource that objects can be shown in. */
  readonly versions: readonly string[]
  /** The same objects in other groups: events of core and of events.k8s.io. */
  readonly equivalents?: readonly EquivalentResource[]
  kindIn(version: string): GroupVersionKind
  show(object: DeepReadonly<KubeObject>, version: string): DeepReadonly<KubeObject> | Promise<DeepReadonly<KubeObject>>
  /** What a patch made of a shown draft is decoded, defaulted and takes the draft's place. `patched` is handed over. */
  replace(draft: KubeObject, patched: KubeObject, version: string): void | Promise<void>
}

export interface EquivalentResource {
  readonly group: string
  readonly resource: string
  readonly view: AdmissionView
}

export interface AdmissionPlugin {
  /** Upstream's plugin name: `NamespaceLifecycle`. */
  readonly name: string
  handles(operation: AdmissionOperation): boolean
  /** May change `attributes.object`. Throws StatusError to reject. Sync when it can be: no promise on the hot path. */
  admit?(attributes: AdmissionAttributes): void | Promise<void>
  validate?(attributes: AdmissionAttributes): void | Promise<void>
}
