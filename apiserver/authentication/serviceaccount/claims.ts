/**
 * What a service-account token says: bound tokens (claim `kubernetes.io`) and the old Secret-based ones
 * (`kubernetes.io/serviceaccount/…`). Reading is total: a token that lacks a claim is refused here, with the reason.
 * Upstream: pkg/serviceaccount/{claims,legacy}.go.
 */
import { isObject } from '#machinery/util/json.ts'
import { InvalidCredentialError } from '../errors.ts'
import type { Claims } from './jwt.ts'

export const LEGACY_ISSUER = 'kubernetes/serviceaccount'

export interface ObjectRef {
  readonly name: string
  readonly uid: string
}

/** The object whose deletion ends the token's life, besides the service account itself. */
export interface BoundClaims {
  readonly type: 'bound'
  readonly namespace: string
  readonly serviceAccount: ObjectRef
  readonly pod: ObjectRef | undefined
  readonly secret: ObjectRef | undefined
  readonly node: ObjectRef | undefined
  readonly audiences: readonly string[]
  readonly expiresAtSeconds: number
  readonly notBeforeSeconds: number
  readonly issuedAtSeconds: number
  /** From here on the pod should have another token; 0 = no such time. */
  readonly warnAfterSeconds: number
  readonly id: string
}

export interface LegacyClaims {
  readonly type: 'legacy'
  readonly namespace: string
  readonly serviceAccount: ObjectRef
  readonly secretName: string
}

export type ServiceAccountClaims = BoundClaims | LegacyClaims

export function readBoundClaims(claims: Claims): BoundClaims {
  const own = claims['kubernetes.io']
  if (!isObject(own)) throw new InvalidCredentialError('service account token has no kubernetes.io claim')
  const serviceAccount = readRef(own['serviceaccount'])
  const namespace = text(own['namespace'])
  if (serviceAccount === undefined || namespace === '') {
    throw new InvalidCredentialError('service account token names no service account')
  }
  return {
    type: 'bound',
    namespace,
    serviceAccount,
    pod: readRef(own['pod']),
    secret: readRef(own['secret']),
    node: readRef(own['node']),
    audiences: readAudiences(claims['aud']),
    // A bound token without an expiry is not one of ours: it counts as expired long ago.
    expiresAtSeconds: seconds(claims['exp']),
    notBeforeSeconds: seconds(claims['nbf']),
    issuedAtSeconds: seconds(claims['iat']),
    warnAfterSeconds: seconds(own['warnafter']),
    id: text(claims['jti']),
  }
}

const LEGACY_PREFIX = 'kubernetes.io/serviceaccount/'

export function readLegacyClaims(claims: Claims): LegacyClaims {
  const namespace = text(claims[`${LEGACY_PREFIX}namespace`])
  const secretName = text(claims[`${LEGACY_PREFIX}secret.name`])
  const name = text(claims[`${LEGACY_PREFIX}service-account.name`])
  const uid = text(claims[`${LEGACY_PREFIX}service-account.uid`])
  const sub = text(claims['sub'])
  if (sub === '') throw new InvalidCredentialError('sub claim is missing')
  if (namespace === '') throw new InvalidCredentialError('namespace claim is missing')
  if (secretName === '') throw new InvalidCredentialError('secretName claim is missing')
  if (name === '') throw new InvalidCredentialError('serviceAccountName claim is missing')
  if (uid === '') throw new InvalidCredentialError('serviceAccountUID claim is missing')
  return { type: 'legacy', namespace, serviceAccount: { name, uid }, secretName }
}

export function legacyClaims(claims: Omit<LegacyClaims, 'type'>, subject: string): object {
  return {
    iss: LEGACY_ISSUER,
    [`${LEGACY_PREFIX}namespace`]: claims.namespace,
    [`${LEGACY_PREFIX}secret.name`]: claims.secretName,
    [`${LEGACY_PREFIX}service-account.name`]: claims.serviceAccount.name,
    [`${LEGACY_PREFIX}service-account.uid`]: claims.serviceAccount.uid,
    sub: subject,
  }
}

function readRef(value: unknown): ObjectRef | undefined {
  if (!isObject(value)) return undefined
  const name = text(value['name'])
  return name === '' ? undefined : { name, uid: text(value['uid']) }
}

function readAudiences(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((audience): audience is string => typeof audience === 'string') : []
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const seconds = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
