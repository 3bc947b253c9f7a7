/**
 * Every request but the long-running ones is answered before its deadline; `?timeout=` may bring it forward.
 * Upstream: apiserver pkg/server/filters/timeout.go, pkg/endpoints/filters/request_deadline.go.
 */
import { newBadRequest, newTimeout } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'

export function withTimeout(next: Handler, timeoutMs: number): Handler {
  return (call) => {
    if (call.isLongRunning) return next(call)
    const asked = call.query.get('timeout')
    const deadlineMs = asked === '' ? timeoutMs : shorterTimeout(asked, timeoutMs)
    call.deadlineMs = call.receivedMs + deadlineMs
    const response = next(call)
    return response instanceof Promise ? beforeDeadline(call, response, deadlineMs) : response
  }
}

/** A client may ask for less time, never for more; 0 asks for nothing. */
function shorterTimeout(text: string, maxMs: number): number {
  let askedMs: number
  try {
    askedMs = parseDurationMs(text)
  } catch (err: unknown) {
    throw newBadRequest(`invalid timeout specified in the request URL - ${errorMessage(err)}`)
  }
  return askedMs > 0 && askedMs < maxMs ? askedMs : maxMs
}

function beforeDeadline(call: ApiCall, response: Promise<ApiResponse>, timeoutMs: number): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const timer = call.clock.setTimeout(() => {
      const error = newTimeout('request did not complete within the allotted timeout', 0)
      call.abort(error)
      reject(error)
    }, timeoutMs)
    response.then(
      (value) => {
        timer.cancel()
        resolve(value)
      },
      (err: unknown) => {
        timer.cancel()
        reject(err)
      },
    )
  })
}
