/**
 * How many requests of outside clients run at once; watches are not counted. Calls of this process's own parts are
 * neither counted nor refused: their workers bound them, and a storm outside must not stop the controllers.
 * Upstream: apiserver pkg/server/filters/maxinflight.go; there, priority and fairness gives system components levels of
 * their own.
 */
import { newTooManyRequests } from '#machinery/meta/errors.ts'
import { GROUP_MASTERS } from '../authentication/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'

/** 0 = no limit. */
export interface InFlightLimits {
  readonly readOnlyMax: number
  readonly mutatingMax: number
}

/** Read by the metrics. */
export interface InFlightCounts {
  readOnly: number
  mutating: number
}

const RETRY_AFTER_SECONDS = 1
const READ_ONLY: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head', 'options'])

export function withMaxInFlight(next: Handler, limits: InFlightLimits, counts: InFlightCounts): Handler {
  return (call) => {
    if (call.isLongRunning || call.isInProcess) return next(call)
    const isReadOnly = READ_ONLY.has(call.info.verb)
    const max = isReadOnly ? limits.readOnlyMax : limits.mutatingMax
    if (max !== 0 && (isReadOnly ? counts.readOnly : counts.mutating) >= max) {
      // The administrator must get through to see what is going on.
      if (!isAdministrator(call)) {
        throw newTooManyRequests('Too many requests, please try again later.', RETRY_AFTER_SECONDS)
      }
    }
    const change = (by: number): void => {
      if (isReadOnly) counts.readOnly += by
      else counts.mutating += by
    }
    change(1)
    let response: ReturnType<Handler>
    try {
      response = next(call)
    } catch (err) {
      change(-1)
      throw err
    }
    if (response instanceof Promise) return response.finally(() => change(-1))
    change(-1)
    return response
  }
}

const isAdministrator = (call: ApiCall): boolean => call.user.groups.includes(GROUP_MASTERS)
