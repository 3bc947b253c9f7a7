/** Every request but the long-running ones is answered before its deadline. Upstream: apiserver pkg/server/filters/timeout.go. */
import { newTimeout } from '#machinery/meta/errors.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'

export function withTimeout(next: Handler, timeoutMs: number): Handler {
  return (call) => {
    const response = next(call)
    if (call.isLongRunning || !(response instanceof Promise)) return response
    return beforeDeadline(call, response, timeoutMs)
  }
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
