/** The vocabulary of auditing: how much is recorded of which request, what one record holds, where it goes. Upstream: apiserver pkg/audit, pkg/apis/audit. */
import type { KubeObject, Status } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import type { AuthorizationAttributes } from '../authorization/interfaces.ts'

/** How much; each one includes those before it. */
export const AUDIT_LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type AuditLevel = (typeof AUDIT_LEVELS)[number]

/** When: ResponseStarted is for long-running requests (watch, exec, log) and for those refused before anybody knew who asked. */
export const AUDIT_STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type AuditStage = (typeof AUDIT_STAGES)[number]

/** What the first matching rule of the policy says. */
export interface AuditDecision {
  readonly level: AuditLevel
  readonly omitStages: ReadonlySet<AuditStage>
  readonly omitManagedFields: boolean
}

export interface AuditPolicyEvaluator {
  /** `user` is undefined when nobody knows who asks. */
  evaluate(attributes: AuditAttributes): AuditDecision
}

export type AuditAttributes = Omit<AuthorizationAttributes, 'user'> & { readonly user: UserInfo | undefined }

export interface AuditObjectReference {
  readonly resource: string
  namespace: string
  name: string
  uid: string
  readonly apiGroup: string
  readonly apiVersion: string
  resourceVersion: string
  readonly subresource: string
}

/** One event as the sink sees it. It changes after `process` has returned. */
export interface AuditEvent {
  readonly level: AuditLevel
  readonly auditID: string
  readonly stage: AuditStage
  /** Path and query as the client sent them. */
  readonly requestURI: string
  readonly verb: string
  readonly user: UserInfo | undefined
  readonly impersonatedUser: UserInfo | undefined
  /** '' unless a constrained mode let the user act as another. */
  readonly impersonationConstraint: string
  readonly sourceIPs: readonly string[]
  readonly userAgent: string
  readonly objectRef: Readonly<AuditObjectReference> | undefined
  readonly responseStatus: Partial<Pick<Status, 'status' | 'message' | 'reason' | 'details' | 'code'>> | undefined
  /** JSON. */
  readonly requestObject: string | undefined
  /** JSON, in pieces that belong to others. */
  readonly responseObject: readonly Buffer[] | undefined
  /** RFC 3339 with microseconds. */
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
  readonly annotations: ReadonlyMap<string, string>
}

export interface AuditSink {
  /** Takes what it needs of the event before it returns. False: the event is lost, and the request must not go on. */
  process(event: AuditEvent): boolean | Promise<boolean>
}

/** `level`: the least level at which the annotation is recorded; default Metadata. */
export type Annotate = (key: string, value: string, level?: 'Metadata' | 'Request') => void

/** What filters and endpoints tell about a request that is audited. */
export interface RequestAudit {
  /** Of one key the first value stays. Bound: may be passed on. */
  readonly annotate: Annotate
  /** `constraint` names the mode that allowed it; '' for the all-or-nothing verb. */
  recordImpersonation(user: UserInfo, constraint: string): void
  /** The object that was sent, decoded and defaulted; encoded at once. The first counts: bodies may be decoded again. */
  recordObject(object: DeepReadonly<KubeObject>): void
  /** A body that is no object of its own: a patch, delete options. */
  recordBody(value: unknown): void
}
