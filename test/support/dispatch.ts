/** Requests to an API server without a socket: bytes in, bytes out. */
import type { ApiServer, ApiResponse } from '#apiserver/server/interfaces.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'

export interface Answer<T = KubeObject> {
  readonly status: number
  readonly headers: ApiResponse['headers']
  /** The texts of the Warning headers. */
  readonly warnings: readonly string[]
  readonly body: T
}

/** `path` may have a query. A string is sent as it is, anything else as JSON. */
export async function dispatch<T = KubeObject>(
  server: Pick<ApiServer, 'dispatch'>,
  method: string,
  path: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const [pathname = '', query = ''] = path.split('?')
  const response = await server.dispatch({
    method,
    path: pathname,
    query,
    headers: { 'content-type': 'application/json', 'user-agent': 'tester/v1.2 (linux)', ...headers },
    body: body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    remoteAddress: '127.0.0.1',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  })
  const text = response.body.type === 'bytes' ? Buffer.concat(response.body.chunks).toString() : '{}'
  const warnings = [response.headers['warning'] ?? []].flat()
  return {
    status: response.status,
    headers: response.headers,
    warnings: warnings.map((header) => JSON.parse(header.slice('299 - '.length)) as string),
    body: JSON.parse(text) as T,
  }
}
