/** Who is it? Upstream: apiserver pkg/endpoints/filters/authentication.go. */
import { newUnauthorized, StatusError } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import { notesOf } from '../authentication/errors.ts'
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from '../authentication/interfaces.ts'
import type { ApiRequest } from '../server/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'

export function withAuthentication(next: Handler, authenticator: Authenticator, logger: Logger): Handler {
  const proceed = (call: ApiCall, result: AuthenticationResult | undefined) => {
    if (result === undefined) throw newUnauthorized()
    call.user = result.user
    call.credentialNotes = result.notes
    if (result.notes?.warning !== undefined) call.warn(result.notes.warning)
    return next(call)
  }
  const refuse = (call: ApiCall, err: unknown): never => {
    // Why a credential was refused is for the log only; but a broken authenticator is not the client's fault.
    if (err instanceof StatusError && err.code !== 401) throw err
    call.credentialNotes = notesOf(err)
    logger.warn({ requestId: call.id, reason: errorMessage(err) }, 'authentication failed')
    throw newUnauthorized()
  }
  return (call) => {
    if (call.request.user !== undefined) return next(call)
    let outcome: ReturnType<Authenticator['authenticate']>
    try {
      outcome = authenticator.authenticate(credentialsOf(call.request))
    } catch (err) {
      return refuse(call, err)
    }
    if (!(outcome instanceof Promise)) return proceed(call, outcome)
    return outcome.then(
      (result) => proceed(call, result),
      (err: unknown) => refuse(call, err),
    )
  }
}

function credentialsOf(request: ApiRequest): AuthenticationRequest {
  const { headers } = request
  return {
    authorization: headers['authorization'] ?? (request.isUpgrade === true ? webSocketToken(headers) : ''),
    peerCertificate: request.peerCertificate,
    header: (name) => headers[name.toLowerCase()],
    headersWithPrefix: (prefix) => headersWithPrefix(headers, prefix.toLowerCase()),
  }
}

const TOKEN_SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.'

/**
 * Browsers cannot set headers on a WebSocket: they offer the token as a subprotocol, beside one that is really meant.
 * Upstream: apiserver pkg/authentication/request/websocket/protocol.go.
 */
function webSocketToken(headers: ApiRequest['headers']): string {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const tokens = offered.filter((name) => name.startsWith(TOKEN_SUBPROTOCOL))
  const [token] = tokens
  if (token === undefined) return ''
  if (tokens.length > 1) throw newUnauthorized('multiple base64.bearer.authorization tokens specified')
  if (offered.length === 1) throw newUnauthorized('missing additional subprotocol')
  return `Bearer ${Buffer.from(token.slice(TOKEN_SUBPROTOCOL.length), 'base64url').toString('utf8')}`
}

export function headersWithPrefix(headers: ApiRequest['headers'], prefix: string): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (name.startsWith(prefix) && value !== undefined) found.push([name, value])
  }
  return found
}
