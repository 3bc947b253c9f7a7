/**
 * `Authorization: Bearer …`: asks each token authenticator in turn; a token nobody accepts is an error, never anonymous.
 * Upstream: apiserver pkg/authentication/request/bearertoken, token/union.
 */
import { InvalidCredentialError, joinRefusals } from './errors.ts'
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from './interfaces.ts'

export interface TokenAuthenticator {
  /**
   * As Authenticator.authenticate, for a bare token. `audiences` undefined = the API server's own; a token that is not
   * bound to any audience is valid for the API server's own.
   */
  authenticateToken(token: string, audiences?: readonly string[]): AuthenticationResult | undefined
}

const TOKEN_BYTES_MAX = 16 * 1024

export class TokenUnion implements TokenAuthenticator {
  readonly #authenticators: readonly TokenAuthenticator[]

  constructor(authenticators: readonly TokenAuthenticator[]) {
    this.#authenticators = authenticators
  }

  authenticateToken(token: string, audiences?: readonly string[]): AuthenticationResult | undefined {
    if (token.length > TOKEN_BYTES_MAX) throw new InvalidCredentialError('bearer token is too long')
    const refusals: unknown[] = []
    for (const authenticator of this.#authenticators) {
      try {
        const result = authenticator.authenticateToken(token, audiences)
        if (result !== undefined) return result
      } catch (err: unknown) {
        refusals.push(err)
      }
    }
    if (refusals.length > 0) throw joinRefusals(refusals)
    return undefined
  }
}

export function createBearerTokenAuthenticator(tokens: TokenAuthenticator): Authenticator {
  return {
    authenticate({ authorization, audiences }: AuthenticationRequest): AuthenticationResult | undefined {
      const token = bearerTokenOf(authorization)
      if (token === undefined) return undefined
      const result = tokens.authenticateToken(token, audiences)
      if (result === undefined) throw new InvalidCredentialError('invalid bearer token')
      return result
    },
  }
}

function bearerTokenOf(authorization: string): string | undefined {
  if (authorization.length < 8 || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const token = authorization.slice(7).trim()
  return token === '' ? undefined : token
}
