/**
 * Errors as Statuses, in the media type the client negotiated; JSON where it accepts nothing we have.
 * Upstream: apiserver pkg/endpoints/handlers/responsewriters/{writers,status}.go.
 */
import type { Status } from '#machinery/api/meta/v1.ts'
import { newInternalError, StatusError } from '#machinery/meta/errors.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import { negotiateError } from './negotiate.ts'
import { valueResponse } from './output.ts'

/** StatusErrors as they are; anything else is an internal error whose details stay in the log. */
export function errorResponse(err: unknown, accept: string | undefined): ApiResponse {
  return statusResponse(toStatusError(err).status, accept)
}

function statusResponse(status: Status, accept: string | undefined): ApiResponse {
  const response = valueResponse(status.code ?? 500, status, { media: negotiateError(accept) })
  const retryAfter = status.details?.retryAfterSeconds
  if (retryAfter === undefined) return response
  return { ...response, headers: { ...response.headers, 'retry-after': String(retryAfter) } }
}

function toStatusError(err: unknown): StatusError {
  return err instanceof StatusError ? err : newInternalError('an unexpected error occurred; see the server log')
}
