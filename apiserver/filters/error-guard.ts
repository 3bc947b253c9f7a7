/**
 * Turns everything that is thrown below into an answer: StatusErrors as they are, anything else a 500 that is logged with
 * its stack. Upstream: apiserver pkg/server/filters/wrap.go, handlers/responsewriters.
 */
import { StatusError } from '#machinery/meta/errors.ts'
import { toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'

/** `toResponse` gets the Accept header along with what was thrown. */
export function withErrorGuard(
  next: Handler,
  toResponse: (err: unknown, accept: string | undefined) => ApiResponse,
  logger: Logger,
): Handler {
  const answer = (call: ApiCall, err: unknown): ApiResponse => {
    if (!(err instanceof StatusError) && !call.request.signal.aborted) logUnexpected(call, err)
    return toResponse(err, call.request.headers['accept'])
  }
  const logUnexpected = (call: ApiCall, err: unknown): void => {
    const { method, path } = call.request
    logger.error(
      { requestId: call.id, method, path, user: call.user.name, stack: toError(err).stack },
      'request failed',
    )
  }
  return (call) => {
    try {
      const response = next(call)
      return response instanceof Promise ? response.catch((err: unknown) => answer(call, err)) : response
    } catch (err) {
      return answer(call, err)
    }
  }
}
