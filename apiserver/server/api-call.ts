/** One request on its way through the chain. Everything that costs is made on first use. */
import { newInternalError } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Random } from '#machinery/util/random.ts'
import type { Annotate, AuditLevel, RequestAudit } from '../audit/interfaces.ts'
import type { CredentialNotes, UserInfo } from '../authentication/interfaces.ts'
import type { Query, RequestInfo } from '../endpoints/interfaces.ts'
import { parseQuery } from '../endpoints/query.ts'
import { parseRequestInfo } from '../endpoints/request-info.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import type { ApiRequest } from './interfaces.ts'

/** Until authentication has run. */
const NOBODY: UserInfo = { name: '', uid: '', groups: [], extra: new Map() }
const NO_WARNINGS: readonly string[] = []
const WARNINGS_MAX = 1000
/** Upstream: BasicLongRunningRequestCheck in cmd/kube-apiserver. */
const LONG_RUNNING_SUBRESOURCES: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward'])

export class RequestCall implements ApiCall {
  readonly request: ApiRequest
  readonly clock: Clock
  readonly random: Random
  readonly query: Query
  user: UserInfo
  isDryRun = false
  readonly receivedMs: number
  deadlineMs: number | undefined = undefined
  credentialNotes: CredentialNotes | undefined = undefined
  auditLevel: AuditLevel | undefined = undefined
  audit: RequestAudit | undefined = undefined
  #info: RequestInfo | undefined
  #id: string | undefined
  #warnings: string[] | undefined
  #aborter: AbortController | undefined
  #abortReason: Error | undefined

  constructor(request: ApiRequest, clock: Clock, random: Random) {
    this.request = request
    this.clock = clock
    this.random = random
    this.query = parseQuery(request.query)
    this.user = request.user ?? NOBODY
    this.receivedMs = clock.monotonicMs()
  }

  get info(): RequestInfo {
    if (this.#info === undefined) throw newInternalError('the request was not parsed')
    return this.#info
  }

  /** Throws BadRequest for a path that cannot be decoded. */
  parseInfo(): void {
    this.#info = parseRequestInfo(this.request.method, this.request.path, this.query)
  }

  get id(): string {
    this.#id ??= this.request.headers['audit-id'] ?? this.random.uuid()
    return this.#id
  }

  get verb(): string {
    return this.info.verb
  }

  get namespace(): string {
    return this.info.namespace
  }

  get isLongRunning(): boolean {
    const info = this.#info
    return info !== undefined && (info.verb === 'watch' || LONG_RUNNING_SUBRESOURCES.has(info.subresource))
  }

  get isInProcess(): boolean {
    return this.request.isInProcess === true
  }

  get warnings(): readonly string[] {
    return this.#warnings ?? NO_WARNINGS
  }

  warn(message: string): void {
    this.#warnings ??= []
    if (this.#warnings.length < WARNINGS_MAX) this.#warnings.push(message)
  }

  get annotate(): Annotate | undefined {
    return this.audit?.annotate
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      const aborter = new AbortController()
      const outer = this.request.signal
      this.#aborter = aborter
      if (this.#abortReason !== undefined) aborter.abort(this.#abortReason)
      else if (outer.aborted) aborter.abort(outer.reason)
      else outer.addEventListener('abort', () => aborter.abort(outer.reason), { once: true })
    }
    return this.#aborter.signal
  }

  abort(reason: Error): void {
    this.#abortReason ??= reason
    this.#aborter?.abort(this.#abortReason)
  }
}
