/**
 * Which headers go through a proxy. Upstream: net/http/httputil reverseproxy.go, and what its filters take off the request
 * before (Authorization, front-proxy and impersonation headers).
 */
import type { ApiRequest } from '../server/interfaces.ts'

type Headers = Record<string, string | string[]>

/** RFC 9110 §7.6.1 and what browsers and old proxies add to it. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Ours, not the backend's: the credentials, and what Node has dealt with itself. */
const CREDENTIALS = /^(authorization|impersonate-.*|x-remote-(user|uid|group|extra-.*))$/
const HANDLED: ReadonlySet<string> = new Set(['expect', 'audit-id', 'http2-settings'])

const CORS: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
])

/** A subprotocol that carries a bearer token is a credential as well. */
const TOKEN_SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.'

export function forwardedHeaders(request: ApiRequest): Headers {
  const { headers } = request
  const listed = connectionListed(headers['connection'])
  const forwarded: Headers = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value === undefined || name.startsWith(':') || HOP_BY_HOP.has(name) || listed.has(name)) continue
    if (HANDLED.has(name) || CREDENTIALS.test(name)) continue
    forwarded[name] = value
  }
  const host = headers['host'] ?? headers[':authority']
  if (host !== undefined) forwarded['host'] = host
  const streamProtocols = headers['x-stream-protocol-version']
  // Old kubelets look at header lines one by one; Node has joined them.
  if (streamProtocols !== undefined) forwarded['x-stream-protocol-version'] = streamProtocols.split(/\s*,\s*/)
  const subprotocols = headers['sec-websocket-protocol']
  if (subprotocols?.includes(TOKEN_SUBPROTOCOL) === true)
    forwarded['sec-websocket-protocol'] = withoutToken(subprotocols)
  if (request.remoteAddress !== '') {
    const before = headers['x-forwarded-for']
    const address = request.remoteAddress.replace(/^::ffff:/, '')
    forwarded['x-forwarded-for'] = before === undefined ? address : `${before}, ${address}`
  }
  return forwarded
}

function withoutToken(subprotocols: string): string {
  return subprotocols
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !name.startsWith(TOKEN_SUBPROTOCOL))
    .join(', ')
}

/** From a Node client's answer: pairs in `rawHeaders`, so that repeated ones stay apart. */
export function returnedHeaders(rawHeaders: readonly string[]): Headers {
  const connection = headerIn(rawHeaders, 'connection')
  const listed = connectionListed(connection)
  const returned: Headers = {}
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    const value = rawHeaders[i + 1] ?? ''
    if (HOP_BY_HOP.has(name) || listed.has(name) || CORS.has(name) || name === 'audit-id') continue
    const before = returned[name]
    returned[name] = before === undefined ? value : [...(typeof before === 'string' ? [before] : before), value]
  }
  return returned
}

function headerIn(rawHeaders: readonly string[], wanted: string): string | undefined {
  const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === wanted)
  return at === -1 ? undefined : rawHeaders[at + 1]
}

function connectionListed(value: string | undefined): ReadonlySet<string> {
  return new Set((value ?? '').toLowerCase().split(/[\s,]+/))
}
