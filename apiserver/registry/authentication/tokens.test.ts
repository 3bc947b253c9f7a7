import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { TokenRequest, TokenReview } from '#machinery/api/authentication/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isConflict, isInvalid, isNotFound, StatusError } from '#machinery/meta/errors.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { TokenUnion } from '../../authentication/bearer-token.ts'
import { ServiceAccountAuthenticator } from '../../authentication/serviceaccount/authenticator.ts'
import { createTokenIssuer, DEFAULT_ISSUER } from '../../authentication/serviceaccount/token-issuer.ts'
import { parseStaticTokens } from '../../authentication/static-token.ts'
import { createUser } from '../../authentication/user.ts'
import type { StoredObjects } from '../deps.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { reviewSelf } from './self-review.ts'
import { serviceAccountTokenSubresource } from './service-account-token.ts'
import { reviewToken } from './token-review.ts'

const AUDIENCES = [DEFAULT_ISSUER]
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

let clock: FakeClock
let warnings: string[]
let stored: Map<string, KubeObject>
let tokens: TokenUnion
let create: (name: string, spec: object, metadata?: object) => Promise<TokenRequest>

function put(resource: string, namespace: string, name: string, fields: object = {}): void {
  const object = { apiVersion: 'v1', kind: 'X', metadata: { namespace, name, uid: `uid-${name}` }, ...fields }
  stored.set(`${resource}/${namespace}/${name}`, object)
}

beforeEach(() => {
  clock = new FakeClock('2026-11-21T06:00:00Z')
  warnings = []
  stored = new Map()
  put('serviceaccounts', 'dev', 'robot')
  put('pods', 'dev', 'p', { spec: { serviceAccountName: 'robot', nodeName: 'n1' } })
  put('pods', 'dev', 'q', { spec: { serviceAccountName: 'other' } })
  put('nodes', '', 'n1')
  const peek: StoredObjects['peek'] = (_group, resource, namespace, name) =>
    stored.get(`${resource}/${namespace}/${name}`)
  const objects = { peek } as StoredObjects
  const issuer = createTokenIssuer({ signingKey: privateKey, issuer: DEFAULT_ISSUER, clock, random: systemRandom })
  const accounts = new ServiceAccountAuthenticator({
    publicKeys: [createPublicKey(privateKey)],
    issuers: [DEFAULT_ISSUER],
    apiAudiences: AUDIENCES,
    lookup: (resource, namespace, name) => peek('', resource, namespace, name),
    clock,
  })
  tokens = new TokenUnion([parseStaticTokens('secret,alice,1,dev', 'tokens.csv'), accounts])
  const subresource = serviceAccountTokenSubresource({
    objects,
    issuer,
    apiAudiences: AUDIENCES,
    maxExpirationSeconds: 7200,
  })
  if (subresource.type !== 'create') throw new Error('serviceaccounts/token is created')
  create = async (name, spec, metadata = {}) => {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata, spec } as KubeObject
    return (await subresource.create(name, request, context())) as TokenRequest
  }
})

function context(): RequestContext {
  return {
    user: createUser('jane', { uid: '7', groups: ['dev'], extra: new Map([['k', ['v']]]) }),
    namespace: 'dev',
    isDryRun: false,
    clock,
    random: systemRandom,
    signal: new AbortController().signal,
    warn: (message) => warnings.push(message),
  }
}

function review(token: string, audiences?: string[]): TokenReview {
  const spec = { token, ...(audiences === undefined ? {} : { audiences }) }
  const object = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec } as KubeObject
  return reviewToken(tokens, AUDIENCES)(object) as TokenReview
}

const claimsOf = (token: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from((token ?? '').split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('serviceaccounts/token', () => {
  it('answers with a token that works and its end', async () => {
    const { metadata, spec, status } = await create('robot', {})
    expect(metadata).toEqual({ name: 'robot', namespace: 'dev', creationTimestamp: '2026-11-21T06:00:00Z' })
    expect(spec).toEqual({ audiences: AUDIENCES, expirationSeconds: 3600 })
    expect(status?.expirationTimestamp).toBe('2026-11-21T07:00:00Z')
    expect(review(status?.token ?? '').status).toMatchObject({
      authenticated: true,
      audiences: AUDIENCES,
      user: { username: 'system:serviceaccount:dev:robot', groups: expect.arrayContaining(['system:authenticated']) },
    })
  })

  it('binds to a pod and its node', async () => {
    const { status } = await create('robot', {
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p' },
    })
    expect(claimsOf(status?.token)['kubernetes.io']).toEqual({
      namespace: 'dev',
      node: { name: 'n1', uid: 'uid-n1' },
      pod: { name: 'p', uid: 'uid-p' },
      serviceaccount: { name: 'robot', uid: 'uid-robot' },
    })
    stored.delete('pods/dev/p')
    expect(review(status?.token ?? '').status?.authenticated).toBeUndefined()
  })

  it("stretches a kubelet's token for old clients, silently", async () => {
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p' }
    const { status } = await create('robot', { expirationSeconds: 3607, boundObjectRef })
    expect(status?.expirationTimestamp).toBe('2026-11-21T07:00:07Z')
    const claims = claimsOf(status?.token)
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(365 * 24 * 3600)
    expect(claims['kubernetes.io']).toMatchObject({ warnafter: Number(claims['iat']) + 3607 })
  })

  it('shortens what lasts too long, with a warning', async () => {
    const { spec } = await create('robot', { expirationSeconds: 86_400 })
    expect(spec.expirationSeconds).toBe(7200)
    expect(warnings).toEqual(['requested expiration of 86400 seconds shortened to 7200 seconds'])
  })

  it.each([
    ['an account that is not there', 'gone', {}, {}, isNotFound],
    ['less than ten minutes', 'robot', { expirationSeconds: 599 }, {}, isInvalid],
    ['more than 2^32 seconds', 'robot', { expirationSeconds: 2 ** 32 + 1 }, {}, isInvalid],
    [
      'a pod that is not there',
      'robot',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'gone' } },
      {},
      isNotFound,
    ],
    [
      'the pod of another account',
      'robot',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'q' } },
      {},
      isBadRequest,
    ],
    [
      'a pod that was recreated',
      'robot',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'old' } },
      {},
      isConflict,
    ],
    [
      'an object of another kind',
      'robot',
      { boundObjectRef: { apiVersion: 'v1', kind: 'Service', name: 'p' } },
      {},
      isBadRequest,
    ],
    ['another name than the URL', 'robot', {}, { name: 'x' }, isBadRequest],
    ['another namespace than the URL', 'robot', {}, { namespace: 'x' }, isBadRequest],
  ])('refuses %s', async (_, name, spec, metadata, isExpected) => {
    const err = await create(name, spec, metadata).catch((thrown: unknown) => thrown)
    expect(isExpected(err)).toBe(true)
  })
})

function isBadRequest(err: unknown): boolean {
  return err instanceof StatusError && err.reason === 'BadRequest'
}

describe('TokenReview', () => {
  it('knows static tokens, for the API server only', () => {
    expect(review('secret').status).toEqual({
      authenticated: true,
      user: { username: 'alice', uid: '1', groups: ['dev', 'system:authenticated'] },
      audiences: AUDIENCES,
    })
    expect(review('secret', ['vault']).status).toEqual({ user: {} })
  })

  it('says no without saying why it could be yes', () => {
    expect(review('wrong').status).toEqual({ user: {}, error: 'invalid bearer token' })
    expect(() => review('')).toThrow('token is required')
  })

  it('checks the audiences asked for', async () => {
    const { status } = await create('robot', { audiences: ['vault'] })
    expect(review(status?.token ?? '').status?.error).toContain('is invalid for the target audiences')
    expect(review(status?.token ?? '', ['vault']).status?.audiences).toEqual(['vault'])
  })
})

it('SelfSubjectReview tells callers who they are', () => {
  const object = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {} }
  expect(reviewSelf(object, context())).toMatchObject({
    metadata: { creationTimestamp: '2026-11-21T06:00:00Z' },
    status: { userInfo: { username: 'jane', uid: '7', groups: ['dev'], extra: { k: ['v'] } } },
  })
})
