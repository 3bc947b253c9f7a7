/** A Client that reports every call: how long it took and what the server said. Watches are reported when they begin. */
import { isStatusError } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Client } from './client.ts'

export interface ClientCall {
  /** HTTP method. */
  readonly method: string
  /** '<error>' when there was no answer, as upstream. */
  readonly code: string
  readonly seconds: number
}

/** `observe` is called synchronously after each call. */
export function meterClient(client: Client, clock: Clock, observe: (call: ClientCall) => void): Client {
  const metered = async <R>(method: string, call: () => Promise<R>): Promise<R> => {
    const startedMs = clock.monotonicMs()
    const report = (code: string): void => observe({ method, code, seconds: (clock.monotonicMs() - startedMs) / 1_000 })
    try {
      const result = await call()
      report(method === 'POST' ? '201' : '200')
      return result
    } catch (err: unknown) {
      report(isStatusError(err) ? String(err.code) : '<error>')
      throw err
    }
  }
  return {
    get: (...request) => metered('GET', () => client.get(...request)),
    list: (...request) => metered('GET', () => client.list(...request)),
    watch(...request) {
      observe({ method: 'GET', code: '200', seconds: 0 })
      return client.watch(...request)
    },
    create: (...request) => metered('POST', () => client.create(...request)),
    update: (...request) => metered('PUT', () => client.update(...request)),
    patch: (...request) => metered('PATCH', () => client.patch(...request)),
    delete: (...request) => metered('DELETE', () => client.delete(...request)),
    deleteCollection: (...request) => metered('DELETE', () => client.deleteCollection(...request)),
    createSubresource: (...request) => metered('POST', () => client.createSubresource(...request)),
    raw: (request) => metered(request.method, () => client.raw(request)),
  }
}
