/** The handler chain's vocabulary: one call travelling through filters to an endpoint. Upstream: apiserver pkg/endpoints/request. */
import type { AuditLevel, RequestAudit } from '../audit/interfaces.ts'
import type { CredentialNotes, UserInfo } from '../authentication/interfaces.ts'
import type { Query, RequestInfo } from '../endpoints/interfaces.ts'
import type { RequestContext } from '../registry/generic/interfaces.ts'
import type { ApiRequest, ApiResponse } from '../server/interfaces.ts'

/** One request on its way. Filters fill it in order; endpoints read it. */
export interface ApiCall extends RequestContext {
  readonly request: ApiRequest
  readonly info: RequestInfo
  readonly query: Query
  /** Set by authentication, replaced by impersonation. */
  user: UserInfo
  isDryRun: boolean
  /** Names this request in logs and in the Audit-Id header. */
  readonly id: string
  /** Watches and the like: no deadline, not counted as in flight. */
  readonly isLongRunning: boolean
  /** A part of this process asks: its own workers bound how many such calls run at once. */
  readonly isInProcess: boolean
  /** Aborts `signal`. */
  abort(reason: Error): void
  readonly warnings: readonly string[]
  /** Monotonic milliseconds. */
  readonly receivedMs: number
  /** When it is answered at the latest, in monotonic milliseconds; undefined: nobody says. */
  deadlineMs: number | undefined
  /** What the authenticator has to say about the credentials. */
  credentialNotes: CredentialNotes | undefined
  /** Undefined until the audit policy was asked, and where there is none. */
  auditLevel: AuditLevel | undefined
  /** Undefined: this request is not audited. */
  audit: RequestAudit | undefined
}

/** Answers without a promise when nothing had to be waited for: the hot path stays synchronous. */
export type Handler = (call: ApiCall) => ApiResponse | Promise<ApiResponse>
