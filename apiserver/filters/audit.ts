/**
 * Who did what, and how it ended: asks the policy about every authenticated request, and hands its record to the sink when
 * it was received, when its answer starts (long-running requests), and when the answer is complete.
 * Upstream: apiserver pkg/endpoints/filters/{audit,authn_audit,request_deadline}.go. Differs: bodies that are refused while
 * they arrive (too large, too slow) are not audited: nobody has asked yet who sends them.
 */
import type { Status } from '#machinery/api/meta/v1.ts'
import { newInternalError, StatusError } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { formatDuration } from '#machinery/util/go-duration.ts'
import type { AuditPolicyEvaluator, AuditSink } from '../audit/interfaces.ts'
import type { AuditCounts } from '../audit/metrics.ts'
import { RequestRecord } from '../audit/request-record.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import type { ApiResponse, StreamFrame, StreamSink } from '../server/interfaces.ts'
import { attributesOf } from './authorization.ts'
import type { ApiCall, Handler } from './interfaces.ts'

/** Slower requests say how long they took. */
const SLOW_MS = 500
const TOTAL_LATENCY = 'apiserver.latency.k8s.io/total'

export interface Auditing {
  readonly policy: AuditPolicyEvaluator
  readonly sink: AuditSink
  readonly counts: AuditCounts
}

/** Behind authentication, before everything that may still refuse the request. */
export function withAudit(next: Handler, auditing: Auditing): Handler {
  return (call) => {
    const record = recordOf(call, call.user, auditing)
    if (record === undefined) return next(call)
    return whenStored(record.process('RequestReceived'), (isStored) => {
      if (isStored) return serve(call, next, record)
      auditing.counts.rejected++
      throw newInternalError('failed to store audit event')
    })
  }
}

/** Around authentication: what is refused before the policy was asked leaves one event, without a user. */
export function withRefusalAudit(next: Handler, auditing: Auditing): Handler {
  const refused = (call: ApiCall, err: unknown): ApiResponse | Promise<ApiResponse> => {
    const record = call.auditLevel === undefined ? recordOf(call, undefined, auditing) : undefined
    if (record === undefined) throw err
    record.recordFailure(err instanceof StatusError ? err.status : unexpectedFailure(err, true))
    return whenStored(record.process('ResponseStarted'), () => {
      throw err
    })
  }
  return (call) => {
    try {
      const response = next(call)
      return response instanceof Promise ? response.catch((err: unknown) => refused(call, err)) : response
    } catch (err) {
      return refused(call, err)
    }
  }
}

/** Undefined: not to be audited. */
function recordOf(call: ApiCall, user: UserInfo | undefined, auditing: Auditing): RequestRecord | undefined {
  const { policy, sink, counts } = auditing
  const decision = policy.evaluate({ ...attributesOf(call, call.info.verb), user })
  call.auditLevel = decision.level
  counts.levels[decision.level]++
  if (decision.level === 'None') return undefined
  const record = new RequestRecord(call, user, decision, sink)
  call.audit = record
  for (const [key, value] of call.credentialNotes?.annotations ?? []) record.annotate(key, value)
  return record
}

function serve(call: ApiCall, next: Handler, record: RequestRecord): ApiResponse | Promise<ApiResponse> {
  let response: ApiResponse | Promise<ApiResponse>
  try {
    response = next(call)
  } catch (err) {
    return fail(call, record, err)
  }
  if (!(response instanceof Promise)) return finish(call, record, response)
  return response.then(
    (value) => finish(call, record, value),
    (err: unknown) => fail(call, record, err),
  )
}

function finish(call: ApiCall, record: RequestRecord, response: ApiResponse): ApiResponse | Promise<ApiResponse> {
  const { body } = response
  try {
    record.recordAnswer(response)
  } catch (err) {
    // It cannot be encoded, so the client cannot get it either.
    return fail(call, record, err)
  }
  if (body.type === 'bytes' || body.type === 'empty') return whenStored(end(call, record), () => response)
  const started = call.isLongRunning ? record.process('ResponseStarted') : true
  return whenStored(started, () => ({ ...response, body: observed(call, record, body) }))
}

/** Throws or rejects with `err` when it is recorded. */
function fail(call: ApiCall, record: RequestRecord, err: unknown): never | Promise<never> {
  const isPanic = !(err instanceof StatusError) && !call.request.signal.aborted
  record.recordFailure(err instanceof StatusError ? err.status : unexpectedFailure(err, isPanic))
  const stored = isPanic ? record.process('Panic') : end(call, record)
  const rethrow = (): never => {
    throw err
  }
  return stored instanceof Promise ? stored.then(rethrow) : rethrow()
}

function unexpectedFailure(err: unknown, isPanic: boolean): Status {
  const message = isPanic ? `APIServer panic'd: ${errorMessage(err)}` : 'Connection closed early'
  const { status } = newInternalError(message)
  return { ...status, message }
}

/** The answer is whole. */
function end(call: ApiCall, record: RequestRecord): boolean | Promise<boolean> {
  if (!call.isLongRunning) return complete(record)
  return whenStored(record.process('ResponseStarted'), () => complete(record))
}

function complete(record: RequestRecord): boolean | Promise<boolean> {
  if (record.elapsedMs > SLOW_MS) record.annotate(TOTAL_LATENCY, formatDuration(record.elapsedMs))
  return record.process('ResponseComplete')
}

type PassingBody = Exclude<ApiResponse['body'], { readonly type: 'bytes' | 'empty' }>

/** Streams end when their producer says so, and when the client is gone. */
function observed(call: ApiCall, record: RequestRecord, body: PassingBody): PassingBody {
  let isComplete = false
  const done = (): void => {
    if (isComplete) return
    isComplete = true
    void complete(record)
  }
  switch (body.type) {
    case 'stream':
      if (call.signal.aborted) done()
      call.signal.addEventListener('abort', done, { once: true })
      return { type: 'stream', start: (sink) => body.start(new ObservedSink(sink, done)) }
    case 'readable':
      if (body.stream.closed) done()
      body.stream.once('close', done)
      return body
    case 'upgrade':
      return {
        type: 'upgrade',
        start: (socket, head) => {
          socket.once('close', done)
          body.start(socket, head)
        },
      }
  }
}

class ObservedSink implements StreamSink {
  readonly #sink: StreamSink
  readonly #done: () => void

  constructor(sink: StreamSink, done: () => void) {
    this.#sink = sink
    this.#done = done
  }

  write(frame: StreamFrame): boolean {
    return this.#sink.write(frame)
  }

  onDrain(callback: () => void): void {
    this.#sink.onDrain(callback)
  }

  end(): void {
    this.#sink.end()
    this.#done()
  }
}

function whenStored<T>(
  stored: boolean | Promise<boolean>,
  proceed: (isStored: boolean) => T | Promise<T>,
): T | Promise<T> {
  return stored instanceof Promise ? stored.then(proceed) : proceed(stored)
}
