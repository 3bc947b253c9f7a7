/**
 * A container's log as the kubelet sends it. Upstream: apiserver pkg/registry/generic/rest/{streamer,response_checker}.go.
 */
import type { IncomingMessage } from 'node:http'
import { newBadRequest, newInternalError, newServerRefusal, newUnknownFailure } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { ApiCall } from '../filters/interfaces.ts'
import type { ApiResponse } from '../server/interfaces.ts'
import { authorityOf, exchange } from './exchange.ts'
import type { BackendDialer, ConnectTarget } from './interfaces.ts'

type LogTarget = Extract<ConnectTarget, { readonly type: 'log' }>

const POD_LOG = { group: '', resource: 'pods/log' }
const REFUSAL_BYTES_MAX = 50_000

export async function readLog(call: ApiCall, target: LogTarget, dialer: BackendDialer): Promise<ApiResponse> {
  const { backend, path, podName } = target
  const url = `${backend.scheme}://${authorityOf(backend)}${path}`
  const outcome = await exchange(dialer, backend, { method: 'GET', path, headers: {} }, call.signal).catch(
    (err: unknown) => {
      throw newUnknownFailure(`Get ${JSON.stringify(url)}: ${errorMessage(err)}`)
    },
  )
  const { response } = outcome
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400 && response.headers.location !== undefined) {
    response.destroy()
    throw newUnknownFailure(`Get ${JSON.stringify(response.headers.location)}: redirects forbidden`)
  }
  if (status < 200 || status > 206) await refuse(response, status, podName)
  const headers = { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' }
  return { status: 200, headers, body: { type: 'readable', stream: response } }
}

async function refuse(response: IncomingMessage, status: number, podName: string): Promise<never> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= REFUSAL_BYTES_MAX) break
  }
  const text = Buffer.concat(chunks).subarray(0, REFUSAL_BYTES_MAX).toString('utf8')
  if (status === 500) throw newInternalError(text)
  if (status === 400) throw newBadRequest(text)
  throw newServerRefusal(status, POD_LOG, podName, text)
}
