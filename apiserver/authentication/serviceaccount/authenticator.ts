/**
 * Service-account tokens. The signature is checked once per token and remembered for a short time; dates, and whether the
 * account and the bound object still exist with the same UID, are checked on every use.
 * Upstream: pkg/serviceaccount/{jwt,claims,legacy}.go. Differs: lookups read this process' caches, never the network.
 */
import { type KeyObject, timingSafeEqual } from 'node:crypto'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { isObject } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TokenAuthenticator } from '../bearer-token.ts'
import { InvalidCredentialError } from '../errors.ts'
import type { AuthenticationResult, CredentialNotes, UserInfo } from '../interfaces.ts'
import { createUser, EXTRA_CREDENTIAL_ID } from '../user.ts'
import {
  type BoundClaims,
  LEGACY_ISSUER,
  type LegacyClaims,
  type ObjectRef,
  readBoundClaims,
  readLegacyClaims,
  type ServiceAccountClaims,
} from './claims.ts'
import { legacyTokenNotes, staleTokenNotes } from './credential-notes.ts'
import { JwtVerifier, readUnverifiedClaims } from './jwt.ts'
import { INVALID_SINCE_LABEL } from './legacy-token-tracking.ts'
import {
  EXTRA_NODE_NAME,
  EXTRA_NODE_UID,
  EXTRA_POD_NAME,
  EXTRA_POD_UID,
  serviceAccountGroups,
  serviceAccountUserName,
} from './names.ts'
import { TokenCache } from './token-cache.ts'

/** The core/v1 object as the server knows it now; undefined when it does not exist. `namespace` is '' for nodes. */
export type BoundObjectLookup = (
  resource: 'serviceaccounts' | 'pods' | 'secrets' | 'nodes',
  namespace: string,
  name: string,
) => DeepReadonly<KubeObject> | undefined

export interface ServiceAccountAuthenticatorOptions {
  readonly publicKeys: readonly KeyObject[]
  /** The first is the one that issues; others are accepted while they are being replaced. */
  readonly issuers: readonly string[]
  readonly apiAudiences: readonly string[]
  readonly lookup: BoundObjectLookup
  readonly clock: Clock
  /** The token of this Secret was used, also if it is marked invalid; must return at once. */
  legacyTokenUsed?(secret: DeepReadonly<KubeObject>): void
}

const LEEWAY_SECONDS = 60
const CACHE_LIMITS = { entriesMax: 4096, ttlMs: 60_000 }

interface CheckedToken {
  readonly claims: ServiceAccountClaims
  readonly user: UserInfo
  /** Answer for the API server's own audiences; undefined when the token is for others. */
  readonly ownResult: AuthenticationResult | undefined
}

export class ServiceAccountAuthenticator implements TokenAuthenticator {
  readonly #verifier: JwtVerifier
  readonly #issuers: ReadonlySet<string>
  readonly #apiAudiences: readonly string[]
  readonly #lookup: BoundObjectLookup
  readonly #clock: Clock
  readonly #legacyTokenUsed: (secret: DeepReadonly<KubeObject>) => void
  readonly #checked: TokenCache<CheckedToken>

  constructor(options: ServiceAccountAuthenticatorOptions) {
    const { publicKeys, issuers, apiAudiences, lookup, clock } = options
    this.#legacyTokenUsed = (secret) => options.legacyTokenUsed?.(secret)
    this.#verifier = new JwtVerifier(publicKeys)
    this.#issuers = new Set(issuers)
    this.#apiAudiences = apiAudiences
    this.#lookup = lookup
    this.#clock = clock
    this.#checked = new TokenCache(clock, CACHE_LIMITS)
  }

  authenticateToken(token: string, audiences?: readonly string[]): AuthenticationResult | undefined {
    const key = this.#checked.keyOf(token)
    let checked = this.#checked.get(key)
    if (checked === undefined) {
      checked = this.#checkSignature(token)
      if (checked === undefined) return undefined
      this.#checked.set(key, checked)
    }
    const { claims, user, ownResult } = checked
    const notes = claims.type === 'bound' ? this.#validateBound(claims) : this.#validateLegacy(claims, token)
    if (audiences === undefined && ownResult !== undefined)
      return notes === undefined ? ownResult : { ...ownResult, notes }
    return { user, audiences: this.#intersect(claims, audiences ?? this.#apiAudiences) }
  }

  #checkSignature(token: string): CheckedToken | undefined {
    const unverified = readUnverifiedClaims(token)
    const issuer = unverified?.['iss']
    if (unverified === undefined || typeof issuer !== 'string') return undefined
    const isLegacy = issuer === LEGACY_ISSUER
    if (!isLegacy && !this.#issuers.has(issuer)) return undefined
    if (!this.#verifier.hasValidSignature(token)) throw new InvalidCredentialError('invalid signature')
    const claims = isLegacy ? readLegacyClaims(unverified) : readBoundClaims(unverified)
    const user = userOf(claims)
    const own = claimedAudiences(claims, this.#apiAudiences).filter((name) => this.#apiAudiences.includes(name))
    return { claims, user, ownResult: own.length === 0 ? undefined : { user, audiences: own } }
  }

  #intersect(claims: ServiceAccountClaims, wanted: readonly string[]): readonly string[] {
    const claimed = claimedAudiences(claims, this.#apiAudiences)
    const common = claimed.filter((name) => wanted.includes(name))
    if (common.length > 0) return common
    const list = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(' ')}]`
    throw new InvalidCredentialError(
      `token audiences ${list(claimed)} is invalid for the target audiences ${list(wanted)}`,
    )
  }

  #validateBound(claims: BoundClaims): CredentialNotes | undefined {
    const nowSeconds = this.#clock.nowMs() / 1000
    if (nowSeconds - LEEWAY_SECONDS > claims.expiresAtSeconds) {
      throw new InvalidCredentialError('service account token has expired')
    }
    if (nowSeconds + LEEWAY_SECONDS < claims.notBeforeSeconds || nowSeconds + LEEWAY_SECONDS < claims.issuedAtSeconds) {
      throw new InvalidCredentialError('service account token is not valid yet')
    }
    const { namespace, serviceAccount, pod, secret, node } = claims
    this.#requireServiceAccount(namespace, serviceAccount)
    if (secret !== undefined) this.#requireObject('secrets', namespace, secret)
    if (pod !== undefined) this.#requireObject('pods', namespace, pod)
    // A pod-bound token names its node for information only; the pod's life is what counts.
    else if (node !== undefined) this.#requireObject('nodes', '', node)
    return staleTokenNotes(claims, nowSeconds)
  }

  #validateLegacy(claims: LegacyClaims, token: string): CredentialNotes {
    const { namespace, serviceAccount, secretName } = claims
    const secret = this.#lookup('secrets', namespace, secretName)
    if (secret === undefined || this.#isDeleted(secret)) {
      throw new InvalidCredentialError('service account token has been invalidated')
    }
    if (!isSecretToken(secret, token)) throw new InvalidCredentialError("token does not match server's copy")
    const account = this.#requireServiceAccount(namespace, serviceAccount)
    if ((secret.metadata.labels?.[INVALID_SINCE_LABEL] ?? '') !== '') {
      const whose = `the token in secret ${namespace}/${secretName} for service account ${namespace}/${serviceAccount.name}`
      const advice = 'Use tokens from the TokenRequest API or manually created secret-based tokens'
      const wayOut = `remove the '${INVALID_SINCE_LABEL}' label from the secret to temporarily allow use of this token`
      const annotations = new Map([['authentication.k8s.io/legacy-token-invalidated', `${secretName}/${namespace}`]])
      this.#legacyTokenUsed(secret)
      throw new InvalidCredentialError(`${whose} has been marked invalid. ${advice}, or ${wayOut}`, { annotations })
    }
    this.#legacyTokenUsed(secret)
    return legacyTokenNotes(claims, account)
  }

  #requireServiceAccount(namespace: string, ref: ObjectRef): DeepReadonly<KubeObject> {
    const found = this.#lookup('serviceaccounts', namespace, ref.name)
    if (found === undefined || this.#isDeleted(found)) {
      throw new InvalidCredentialError(`service account ${namespace}/${ref.name} has been deleted`)
    }
    if (found.metadata.uid !== ref.uid) {
      throw new InvalidCredentialError(`service account UID (${found.metadata.uid}) does not match claim (${ref.uid})`)
    }
    return found
  }

  #requireObject(resource: 'pods' | 'secrets' | 'nodes', namespace: string, ref: ObjectRef): void {
    const found = this.#lookup(resource, namespace, ref.name)
    const kind = resource.slice(0, -1)
    if (found === undefined || this.#isDeleted(found)) {
      throw new InvalidCredentialError(`service account token has been invalidated: ${kind} ${ref.name} is gone`)
    }
    if (found.metadata.uid !== ref.uid) {
      throw new InvalidCredentialError(
        `${kind} UID (${found.metadata.uid}) does not match service account ${kind} ref claim (${ref.uid})`,
      )
    }
  }

  /** Deletion counts after the leeway, so that clients of a terminating pod can finish. */
  #isDeleted(object: DeepReadonly<KubeObject>): boolean {
    const { deletionTimestamp } = object.metadata
    return (
      deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < this.#clock.nowMs() - LEEWAY_SECONDS * 1000
    )
  }
}

/** Secret-based tokens name no audience: they are for the API server. */
function claimedAudiences(claims: ServiceAccountClaims, apiAudiences: readonly string[]): readonly string[] {
  return claims.type === 'legacy' || claims.audiences.length === 0 ? apiAudiences : claims.audiences
}

function userOf(claims: ServiceAccountClaims): UserInfo {
  const { namespace, serviceAccount } = claims
  return createUser(serviceAccountUserName(namespace, serviceAccount.name), {
    uid: serviceAccount.uid,
    groups: serviceAccountGroups(namespace),
    extra: claims.type === 'bound' ? extraOf(claims) : new Map(),
  })
}

function extraOf({ pod, node, id }: BoundClaims): Map<string, readonly string[]> {
  const extra = new Map<string, readonly string[]>()
  if (id !== '') extra.set(EXTRA_CREDENTIAL_ID, [`JTI=${id}`])
  if (node !== undefined) extra.set(EXTRA_NODE_NAME, [node.name])
  if (node !== undefined && node.uid !== '') extra.set(EXTRA_NODE_UID, [node.uid])
  if (pod !== undefined) extra.set(EXTRA_POD_NAME, [pod.name])
  if (pod !== undefined && pod.uid !== '') extra.set(EXTRA_POD_UID, [pod.uid])
  return extra
}

function isSecretToken(secret: DeepReadonly<KubeObject>, token: string): boolean {
  const data: unknown = 'data' in secret ? secret.data : undefined
  const stored = isObject(data) ? data['token'] : undefined
  if (typeof stored !== 'string') return false
  const expected = Buffer.from(stored, 'base64')
  const actual = Buffer.from(token)
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
