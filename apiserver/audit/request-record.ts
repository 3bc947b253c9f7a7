/**
 * What is recorded of one request while it is served. Filters and endpoints fill it in, each stage hands it to the sink.
 * Upstream: apiserver pkg/audit/{context,request}.go.
 */
import type { KubeObject, Status } from '#machinery/api/meta/v1.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import type { RequestInfo } from '../endpoints/interfaces.ts'
import type { ApiRequest, ApiResponse } from '../server/interfaces.ts'
import type {
  AuditDecision,
  AuditEvent,
  AuditLevel,
  AuditObjectReference,
  AuditSink,
  AuditStage,
  RequestAudit,
} from './interfaces.ts'
import { objectWithoutManagedFields, withoutManagedFields } from './managed-fields.ts'
import { sourceIPs } from './source-ips.ts'

/** The call as far as it is known before anything has been done for it. */
export interface AuditedCall {
  readonly request: ApiRequest
  readonly info: RequestInfo
  readonly id: string
  readonly clock: Clock
  /** Of the monotonic clock. */
  readonly receivedMs: number
}

const USER_AGENT_MAX = 1024
const ANNOTATIONS_MAX = 1000
const NO_ANNOTATIONS: ReadonlyMap<string, string> = new Map()

export class RequestRecord implements RequestAudit, AuditEvent {
  readonly level: AuditLevel
  readonly auditID: string
  readonly requestURI: string
  readonly verb: string
  readonly user: UserInfo | undefined
  readonly sourceIPs: readonly string[]
  readonly userAgent: string
  readonly requestReceivedTimestamp: string
  readonly objectRef: AuditObjectReference | undefined
  stage: AuditStage = 'RequestReceived'
  stageTimestamp: string
  impersonatedUser: UserInfo | undefined
  impersonationConstraint = ''
  responseStatus: AuditEvent['responseStatus']
  requestObject: string | undefined
  responseObject: readonly Buffer[] | undefined
  readonly #decision: AuditDecision
  readonly #sink: AuditSink
  readonly #clock: Clock
  readonly #receivedMs: number
  /** Wall clock when the monotonic clock showed #receivedMs. */
  readonly #receivedAtMs: number
  #annotations: Map<string, string> | undefined

  /** `user` as authenticated; undefined when the credentials were refused. */
  constructor(call: AuditedCall, user: UserInfo | undefined, decision: AuditDecision, sink: AuditSink) {
    const { request, info, clock, receivedMs } = call
    const agent = request.headers['user-agent'] ?? ''
    this.level = decision.level
    this.auditID = call.id
    this.requestURI = request.query === '' ? request.path : `${request.path}?${request.query}`
    this.verb = info.verb
    this.user = user
    this.sourceIPs = sourceIPs(request)
    this.userAgent = agent.length > USER_AGENT_MAX ? `${agent.slice(0, USER_AGENT_MAX)}...TRUNCATED` : agent
    this.objectRef = info.isResourceRequest ? referenceOf(info) : undefined
    this.#decision = decision
    this.#sink = sink
    this.#clock = clock
    this.#receivedMs = receivedMs
    this.#receivedAtMs = clock.nowMs() - (clock.monotonicMs() - receivedMs)
    this.requestReceivedTimestamp = microTime(this.#receivedAtMs)
    this.stageTimestamp = this.requestReceivedTimestamp
  }

  /** False, or a promise of it: the event is lost and the request must not go on. Never rejects. */
  process(stage: AuditStage): boolean | Promise<boolean> {
    if (this.#decision.omitStages.has(stage)) return true
    this.stage = stage
    if (stage !== 'RequestReceived') this.stageTimestamp = microTime(this.#receivedAtMs + this.elapsedMs)
    return this.#sink.process(this)
  }

  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#receivedMs
  }

  get annotations(): ReadonlyMap<string, string> {
    return this.#annotations ?? NO_ANNOTATIONS
  }

  readonly annotate = (key: string, value: string, level: 'Metadata' | 'Request' = 'Metadata'): void => {
    if (level === 'Request' && this.level === 'Metadata') return
    this.#annotations ??= new Map()
    if (this.#annotations.size < ANNOTATIONS_MAX && !this.#annotations.has(key)) this.#annotations.set(key, value)
  }

  recordImpersonation(user: UserInfo, constraint: string): void {
    this.impersonatedUser = user
    this.impersonationConstraint = constraint
  }

  recordObject(object: DeepReadonly<KubeObject>): void {
    const reference = this.objectRef
    const { metadata } = object
    if (reference !== undefined) {
      if (reference.namespace === '') reference.namespace = metadata.namespace ?? ''
      if (reference.name === '') reference.name = metadata.name ?? ''
      if (reference.uid === '') reference.uid = metadata.uid ?? ''
      if (reference.resourceVersion === '') reference.resourceVersion = metadata.resourceVersion ?? ''
    }
    this.recordBody(this.#decision.omitManagedFields ? objectWithoutManagedFields(object) : object)
  }

  recordBody(value: unknown): void {
    if (this.level !== 'Metadata') this.requestObject ??= JSON.stringify(value)
  }

  /** What is answered. Bodies are recorded of requests for resources, and of others where they are objects with a kind. */
  recordAnswer({ status, body }: ApiResponse): void {
    const answer = body.type === 'bytes' ? answeredObject(body, status, this.verb) : undefined
    const code = body.type === 'upgrade' ? 101 : status
    this.recordStatus(answer?.['kind'] === 'Status' ? { ...answer, code } : { code })
    if (body.type === 'bytes' && this.level === 'RequestResponse') this.responseObject = this.#jsonOf(body)
  }

  recordFailure(status: Status): void {
    this.recordStatus(status)
    if (this.level === 'RequestResponse') this.responseObject = [Buffer.from(JSON.stringify(status))]
  }

  recordStatus({ status, message, reason, details, code }: Partial<Status>): void {
    this.responseStatus = {
      ...(status === undefined ? {} : { status }),
      ...(message === undefined ? {} : { message }),
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      ...(code === undefined ? {} : { code }),
    }
  }

  #jsonOf(body: Extract<ApiResponse['body'], { readonly type: 'bytes' }>): readonly Buffer[] | undefined {
    if (this.objectRef !== undefined && !this.#decision.omitManagedFields && body.json !== undefined) return body.json
    const { decoded } = body
    if (!isObject(decoded) || typeof decoded['kind'] !== 'string') return undefined
    return [Buffer.from(JSON.stringify(this.#decision.omitManagedFields ? withoutManagedFields(decoded) : decoded))]
  }
}

/** What succeeds with other verbs is answered with an object: it need not be looked at. */
const MAY_ANSWER_STATUS: ReadonlySet<string> = new Set(['create', 'delete'])

function answeredObject(body: { readonly decoded?: unknown }, status: number, verb: string) {
  if (status < 400 && !MAY_ANSWER_STATUS.has(verb)) return undefined
  const { decoded } = body
  return isObject(decoded) ? decoded : undefined
}

function referenceOf(info: RequestInfo): AuditObjectReference {
  const { resource, namespace, name, apiGroup, apiVersion, subresource } = info
  return { resource, namespace, name, uid: '', apiGroup, apiVersion, resourceVersion: '', subresource }
}

/** Many events are of the same second. */
let knownSecond = { seconds: Number.NaN, text: '' }

/** metav1.MicroTime of fractional milliseconds since the epoch. */
function microTime(epochMs: number): string {
  const seconds = Math.floor(epochMs / 1000)
  if (knownSecond.seconds !== seconds) {
    knownSecond = { seconds, text: new Date(seconds * 1000).toISOString().slice(0, 20) }
  }
  const micros = Math.floor(epochMs * 1000 - seconds * 1_000_000)
  return `${knownSecond.text}${String(micros).padStart(6, '0')}Z`
}
