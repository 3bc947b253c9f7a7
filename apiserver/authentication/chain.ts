/**
 * All ways to authenticate, in order: the first that knows the credential decides who it is. A refused credential does not
 * hide a good one of another kind, but without a good one the request fails even where anonymous access is on.
 * Upstream: apiserver pkg/authentication/request/union, group/authenticated_group_adder.go.
 */
import { joinRefusals } from './errors.ts'
import {
  type AuthenticationRequest,
  type AuthenticationResult,
  type Authenticator,
  GROUP_AUTHENTICATED,
  USER_ANONYMOUS,
} from './interfaces.ts'
import { ANONYMOUS_USER, createUser } from './user.ts'

export interface AuthenticatorChainOptions {
  /** Upstream's order: front proxy, client certificate, bearer token. */
  readonly authenticators: readonly Authenticator[]
  /** Requests without any credential become system:anonymous; otherwise they get undefined (401). */
  readonly anonymous: boolean
}

const ANONYMOUS_RESULT: AuthenticationResult = Object.freeze({ user: ANONYMOUS_USER })

export function createAuthenticatorChain(options: AuthenticatorChainOptions): Authenticator {
  return new AuthenticatorChain(options)
}

class AuthenticatorChain implements Authenticator {
  readonly #authenticators: readonly Authenticator[]
  readonly #fallback: AuthenticationResult | undefined
  /** Results with system:authenticated added, by the result the authenticator cached. */
  readonly #completed = new WeakMap<AuthenticationResult, AuthenticationResult>()

  constructor({ authenticators, anonymous }: AuthenticatorChainOptions) {
    this.#authenticators = authenticators
    this.#fallback = anonymous ? ANONYMOUS_RESULT : undefined
  }

  authenticate(
    request: AuthenticationRequest,
  ): AuthenticationResult | undefined | Promise<AuthenticationResult | undefined> {
    return this.#continue(request, 0, [])
  }

  /** Stays synchronous until an authenticator answers with a promise. */
  #continue(
    request: AuthenticationRequest,
    from: number,
    refusals: unknown[],
  ): AuthenticationResult | undefined | Promise<AuthenticationResult | undefined> {
    for (let i = from; i < this.#authenticators.length; i++) {
      try {
        const outcome = this.#authenticators[i]?.authenticate(request)
        if (outcome instanceof Promise) return this.#await(outcome, request, i + 1, refusals)
        if (outcome !== undefined) return this.#complete(outcome)
      } catch (err: unknown) {
        refusals.push(err)
      }
    }
    if (refusals.length > 0) throw joinRefusals(refusals)
    return this.#fallback
  }

  async #await(
    pending: Promise<AuthenticationResult | undefined>,
    request: AuthenticationRequest,
    next: number,
    refusals: unknown[],
  ): Promise<AuthenticationResult | undefined> {
    try {
      const outcome = await pending
      if (outcome !== undefined) return this.#complete(outcome)
    } catch (err: unknown) {
      refusals.push(err)
    }
    return this.#continue(request, next, refusals)
  }

  #complete(result: AuthenticationResult): AuthenticationResult {
    const known = this.#completed.get(result)
    if (known !== undefined) return known
    const completed = withAuthenticatedGroup(result)
    this.#completed.set(result, completed)
    return completed
  }
}

/** Everybody who is not anonymous is in system:authenticated. */
export function withAuthenticatedGroup(result: AuthenticationResult): AuthenticationResult {
  const { user } = result
  if (user.name === USER_ANONYMOUS || user.groups.includes(GROUP_AUTHENTICATED)) return result
  return { ...result, user: createUser(user.name, { ...user, groups: [...user.groups, GROUP_AUTHENTICATED] }) }
}
