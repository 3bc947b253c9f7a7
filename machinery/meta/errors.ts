/**
 * API errors: one class that carries a metav1.Status and one constructor per upstream reason, with upstream's texts.
 * Callers test `isNotFound(err)` and friends, never the message.
 * Upstream: apimachinery pkg/api/errors/errors.go.
 */
import type { Status, StatusCause, StatusDetails } from '#machinery/api/meta/v1.ts'
import type { FieldError } from './field-error.ts'
import { aggregateFieldErrors, fieldErrorMessage } from './field-error.ts'
import type { GroupKind, GroupResource } from './resource.ts'
import { groupKindString, groupResourceString } from './resource.ts'

export type StatusReason =
  | ''
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Expired'
  | 'Invalid'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'UnsupportedMediaType'
  | 'RequestEntityTooLarge'
  | 'Timeout'
  | 'ServerTimeout'
  | 'TooManyRequests'
  | 'ServiceUnavailable'
  | 'InternalError'

export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: Status

  constructor(status: Status) {
    super(status.message ?? 'unknown error')
    this.status = status
  }

  get reason(): string {
    return this.status.reason ?? ''
  }

  get code(): number {
    return this.status.code ?? 500
  }
}

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): StatusError {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message }
  if (reason !== '') status.reason = reason
  if (details !== undefined) status.details = details
  status.code = code
  return new StatusError(status)
}

function detailsOf(resource: GroupResource, name: string, causes?: StatusCause[]): StatusDetails {
  const details: StatusDetails = {}
  if (name !== '') details.name = name
  if (resource.group !== '') details.group = resource.group
  if (resource.resource !== '') details.kind = resource.resource
  if (causes !== undefined && causes.length > 0) details.causes = causes
  return details
}

export function newNotFound(resource: GroupResource, name: string): StatusError {
  return failure(404, 'NotFound', `${groupResourceString(resource)} "${name}" not found`, detailsOf(resource, name))
}

/** What upstream's mux answers for a path nobody serves. */
export function newPathNotFound(): StatusError {
  return failure(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function newAlreadyExists(resource: GroupResource, name: string): StatusError {
  const message = `${groupResourceString(resource)} "${name}" already exists`
  return failure(409, 'AlreadyExists', message, detailsOf(resource, name))
}

/** `create` with generateName ran out of tries. */
export function newGenerateNameConflict(resource: GroupResource, name: string, retryAfterSeconds: number): StatusError {
  const message = `${groupResourceString(resource)} "${name}" already exists, the server was not able to generate a unique name for the object`
  return failure(409, 'AlreadyExists', message, { ...detailsOf(resource, name), retryAfterSeconds })
}

export function newUnauthorized(message = 'Unauthorized'): StatusError {
  return failure(401, 'Unauthorized', message === '' ? 'not authorized' : message)
}

export function newForbidden(resource: GroupResource, name: string, why: string): StatusError {
  let message = `forbidden: ${why}`
  if (resource.resource !== '') {
    const which = groupResourceString(resource)
    message = name === '' ? `${which} is forbidden: ${why}` : `${which} "${name}" is forbidden: ${why}`
  }
  return failure(403, 'Forbidden', message, detailsOf(resource, name))
}

export function newConflict(resource: GroupResource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${groupResourceString(resource)} "${name}": ${why}`
  return failure(409, 'Conflict', message, detailsOf(resource, name))
}

/** The optimistic-lock conflict, upstream's OptimisticLockErrorMsg. */
export function newModifiedConflict(resource: GroupResource, name: string): StatusError {
  return newConflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )
}

/** Fields of an apply that others own. */
export function newApplyConflict(causes: readonly StatusCause[], message: string): StatusError {
  return failure(409, 'Conflict', message, { causes: [...causes] })
}

/** What an Invalid status shows at most: a body of a hundred thousand bad members must not make a hundred-megabyte answer. */
const CAUSES_MAX = 1000
const CAUSES_LENGTH_MAX = 512 * 1024

/** Differs from upstream for absurd input only: beyond the bounds the errors are counted, not listed. */
export function newInvalid(kind: GroupKind, name: string, allErrors: readonly FieldError[]): StatusError {
  const causes: StatusCause[] = []
  let length = 0
  for (const error of allErrors) {
    if (causes.length === CAUSES_MAX || length > CAUSES_LENGTH_MAX) break
    const message = fieldErrorMessage(error)
    length += message.length
    causes.push({ reason: error.type, message, field: error.field === '' ? '<nil>' : error.field })
  }
  const errors = allErrors.slice(0, causes.length)
  const hidden = allErrors.length - errors.length
  const details: StatusDetails = {}
  if (name !== '') details.name = name
  if (kind.group !== '') details.group = kind.group
  details.kind = kind.kind
  if (causes.length > 0) details.causes = causes
  const summary = aggregateFieldErrors(errors)
  const more = hidden === 0 ? '' : ` and ${hidden} more errors`
  const message = `${groupKindString(kind)} "${name}" is invalid${summary === '' ? '' : `: ${summary}${more}`}`
  return failure(422, 'Invalid', message, details)
}

export function newBadRequest(message: string): StatusError {
  return failure(400, 'BadRequest', message)
}

export function newMethodNotSupported(resource: GroupResource, action: string): StatusError {
  const message = `${action} is not supported on resources of kind "${groupResourceString(resource)}"`
  return failure(405, 'MethodNotAllowed', message, detailsOf(resource, ''))
}

/** The bare 405 of the routing layer. */
export function newMethodNotAllowed(): StatusError {
  return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
}

export function newNotAcceptable(accepted: readonly string[]): StatusError {
  return failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`)
}

export function newUnsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`
  return failure(415, 'UnsupportedMediaType', message)
}

export function newRequestEntityTooLarge(why: string): StatusError {
  return failure(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`)
}

export function newExpired(message: string): StatusError {
  return failure(410, 'Expired', message)
}

/** 410 for a list or watch below the compaction point; upstream's text for lists carries the two revisions. */
export function newResourceExpired(message: string): StatusError {
  return newExpired(message)
}

export function newTimeout(message: string, retryAfterSeconds: number): StatusError {
  return failure(504, 'Timeout', `Timeout: ${message}`, { retryAfterSeconds })
}

/** The requested resourceVersion lies in the future of this server. */
export function newTooLargeResourceVersion(requested: number, current: number, retryAfterSeconds: number): StatusError {
  const cause: StatusCause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }
  const message = `Timeout: Too large resource version: ${requested}, current: ${current}`
  return failure(504, 'Timeout', message, { retryAfterSeconds, causes: [cause] })
}

export function newServerTimeout(resource: GroupResource, operation: string, retryAfterSeconds: number): StatusError {
  const message = `The ${operation} operation against ${groupResourceString(resource)} could not be completed at this time, please try again.`
  return failure(500, 'ServerTimeout', message, {
    ...detailsOf(resource, ''),
    name: operation,
    retryAfterSeconds,
  })
}

export function newTooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return failure(429, 'TooManyRequests', message, { retryAfterSeconds })
}

export function newServiceUnavailable(message: string): StatusError {
  return failure(503, 'ServiceUnavailable', message)
}

/** `message` reaches the client: never put internals or secrets in it. */
export function newInternalError(message: string): StatusError {
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })
}

/** An error of somebody we called, as its text: upstream's Status for any Go error, which has no reason. */
export function newUnknownFailure(message: string): StatusError {
  return failure(500, '', message)
}

/** Another server's refusal; upstream's NewGenericServerResponse without a verb, whose place in the text stays. */
export function newServerRefusal(code: number, resource: GroupResource, name: string, text: string): StatusError {
  const unknown = `the server responded with the status code ${code} but did not return more information`
  const internal = `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
  const [reason, message] = REFUSALS.get(code) ?? (code >= 500 ? ['InternalError', internal] : ['', unknown])
  const details = detailsOf(resource, name)
  return failure(code, reason, `${message ?? text} ( ${groupResourceString(resource)} ${name})`, details)
}

/** Undefined: the server's own text. */
const REFUSALS: ReadonlyMap<number, readonly [StatusReason, string | undefined]> = new Map([
  [401, ['Unauthorized', 'the server has asked for the client to provide credentials']],
  [403, ['Forbidden', undefined]],
  [404, ['NotFound', 'the server could not find the requested resource']],
  [405, ['MethodNotAllowed', 'the server does not allow this method on the requested resource']],
  [429, ['TooManyRequests', 'the server has received too many requests and has asked us to try again later']],
  [503, ['ServiceUnavailable', 'the server is currently unable to handle the request']],
])

/** How long the server asked to wait before the next try; 0 when it did not. Upstream: SuggestsClientDelay. */
export function retryAfterMs(err: unknown): number {
  return err instanceof StatusError ? (err.status.details?.retryAfterSeconds ?? 0) * 1_000 : 0
}

/** A Status that came over the wire, as an error. */
export function statusErrorFrom(status: Status): StatusError {
  return new StatusError(status)
}

function hasReason(err: unknown, reason: StatusReason): boolean {
  return err instanceof StatusError && err.status.reason === reason
}

export const isNotFound = (err: unknown): boolean => hasReason(err, 'NotFound')
export const isAlreadyExists = (err: unknown): boolean => hasReason(err, 'AlreadyExists')
export const isConflict = (err: unknown): boolean => hasReason(err, 'Conflict')
export const isForbidden = (err: unknown): boolean => hasReason(err, 'Forbidden')
export const isInvalid = (err: unknown): boolean => hasReason(err, 'Invalid')
export const isTooManyRequests = (err: unknown): boolean => hasReason(err, 'TooManyRequests')
export const isExpired = (err: unknown): boolean => hasReason(err, 'Expired') || hasReason(err, 'Gone')
export const isStatusError = (err: unknown): err is StatusError => err instanceof StatusError

/** For `.catch(undefinedIfNotFound)`: NotFound becomes undefined, anything else is thrown on. */
export function undefinedIfNotFound(err: unknown): undefined {
  if (isNotFound(err)) return undefined
  throw err
}
