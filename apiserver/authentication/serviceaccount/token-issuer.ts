/**
 * Issues service-account tokens: bound ones for TokenRequest, old Secret-based ones for the token controller.
 * Upstream: pkg/serviceaccount/{jwt,claims,legacy}.go.
 */
import type { KeyObject } from 'node:crypto'
import type { Clock } from '#machinery/util/clock.ts'
import type { Random } from '#machinery/util/random.ts'
import { legacyClaims, type ObjectRef } from './claims.ts'
import { JwtSigner } from './jwt.ts'
import { serviceAccountUserName } from './names.ts'

export const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local'

export interface BoundTokenRequest {
  readonly namespace: string
  readonly serviceAccount: ObjectRef
  readonly audiences: readonly string[]
  readonly expirationSeconds: number
  readonly pod?: ObjectRef
  readonly secret?: ObjectRef
  /** With `pod`: the node it runs on; its UID may be unknown (''). */
  readonly node?: ObjectRef
  /** The client should have fetched a new one by then, though this one still works. */
  readonly warnAfterSeconds?: number
}

export interface IssuedToken {
  readonly token: string
  /** As users of the token have it among their extra attributes. */
  readonly credentialId: string
  readonly expiresAt: Date
}

export interface TokenIssuer {
  readonly issuer: string
  issueBound(request: BoundTokenRequest): IssuedToken
  issueLegacy(request: {
    readonly namespace: string
    readonly serviceAccount: ObjectRef
    readonly secretName: string
  }): string
}

export interface TokenIssuerOptions {
  readonly signingKey: KeyObject
  readonly issuer: string
  readonly clock: Clock
  readonly random: Random
}

export function createTokenIssuer({ signingKey, issuer, clock, random }: TokenIssuerOptions): TokenIssuer {
  const signer = new JwtSigner(signingKey)
  return {
    issuer,
    issueBound(request) {
      const nowSeconds = Math.floor(clock.nowMs() / 1000)
      const expiresAtSeconds = nowSeconds + request.expirationSeconds
      const { namespace, serviceAccount } = request
      const warnAfter =
        request.warnAfterSeconds === undefined ? {} : { warnafter: nowSeconds + request.warnAfterSeconds }
      const id = random.uuid()
      const token = signer.sign({
        aud: request.audiences,
        exp: expiresAtSeconds,
        iat: nowSeconds,
        iss: issuer,
        jti: id,
        'kubernetes.io': { namespace, ...boundRefs(request), ...warnAfter },
        nbf: nowSeconds,
        sub: serviceAccountUserName(namespace, serviceAccount.name),
      })
      return { token, credentialId: `JTI=${id}`, expiresAt: new Date(expiresAtSeconds * 1000) }
    },
    issueLegacy(request) {
      return signer.sign(legacyClaims(request, serviceAccountUserName(request.namespace, request.serviceAccount.name)))
    },
  }
}

function boundRefs({ serviceAccount, pod, secret, node }: BoundTokenRequest): object {
  return {
    ...(node === undefined ? {} : { node: refClaim(node) }),
    ...(pod === undefined ? {} : { pod: refClaim(pod) }),
    ...(secret === undefined ? {} : { secret: refClaim(secret) }),
    serviceaccount: refClaim(serviceAccount),
  }
}

function refClaim({ name, uid }: ObjectRef): object {
  return uid === '' ? { name } : { name, uid }
}
