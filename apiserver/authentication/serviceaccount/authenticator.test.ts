import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { type BoundObjectLookup, ServiceAccountAuthenticator } from './authenticator.ts'
import { createServiceAccountDiscovery } from './discovery.ts'
import { createTokenIssuer, DEFAULT_ISSUER, type TokenIssuer } from './token-issuer.ts'

const AUDIENCES = [DEFAULT_ISSUER, 'knarr']
const ACCOUNT = { name: 'robot', uid: 'uid-robot' }

let clock: FakeClock
let key: KeyObject
let objects: Map<string, KubeObject>
let issuer: TokenIssuer
let authenticator: ServiceAccountAuthenticator

function put(resource: string, namespace: string, name: string, fields: object = {}): KubeObject {
  const object = { apiVersion: 'v1', kind: 'X', metadata: { namespace, name, uid: `uid-${name}` }, ...fields }
  objects.set(`${resource}/${namespace}/${name}`, object)
  return object
}

beforeEach(() => {
  clock = new FakeClock('2026-11-21T06:00:00Z')
  key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  objects = new Map()
  put('serviceaccounts', 'dev', 'robot')
  const lookup: BoundObjectLookup = (resource, namespace, name) => objects.get(`${resource}/${namespace}/${name}`)
  issuer = createTokenIssuer({ signingKey: key, issuer: DEFAULT_ISSUER, clock, random: systemRandom })
  authenticator = new ServiceAccountAuthenticator({
    publicKeys: [createPublicKey(key)],
    issuers: [DEFAULT_ISSUER],
    apiAudiences: AUDIENCES,
    lookup,
    clock,
  })
})

function issue(fields: Partial<Parameters<TokenIssuer['issueBound']>[0]> = {}): string {
  const request = { namespace: 'dev', serviceAccount: ACCOUNT, audiences: AUDIENCES, expirationSeconds: 3600 }
  return issuer.issueBound({ ...request, ...fields }).token
}

/** Re-encodes a token with changed claims or header, keeping the signature. */
function tamper(token: string, part: 0 | 1, change: (value: Record<string, unknown>) => void): string {
  const parts = token.split('.')
  const value = JSON.parse(Buffer.from(parts[part] ?? '', 'base64url').toString()) as Record<string, unknown>
  change(value)
  parts[part] = Buffer.from(JSON.stringify(value)).toString('base64url')
  return parts.join('.')
}

describe('a bound token', () => {
  it('is its service account, with groups and credential id', () => {
    const result = authenticator.authenticateToken(issue())
    expect(result?.user.name).toBe('system:serviceaccount:dev:robot')
    expect(result?.user.uid).toBe('uid-robot')
    expect(result?.user.groups).toEqual(['system:serviceaccounts', 'system:serviceaccounts:dev'])
    expect(result?.user.extra.get('authentication.kubernetes.io/credential-id')?.[0]).toMatch(/^JTI=[0-9a-f-]{36}$/)
    expect(result?.audiences).toEqual(AUDIENCES)
  })

  it('names its pod and node', () => {
    put('pods', 'dev', 'p')
    const token = issue({ pod: { name: 'p', uid: 'uid-p' }, node: { name: 'n', uid: 'uid-n' } })
    const extra = authenticator.authenticateToken(token)?.user.extra
    expect(extra?.get('authentication.kubernetes.io/pod-name')).toEqual(['p'])
    expect(extra?.get('authentication.kubernetes.io/node-uid')).toEqual(['uid-n'])
  })

  it.each([
    ['expires, a minute of leeway later', () => clock.advance(3_661_000), /has expired/],
    ['dies with its service account', () => objects.clear(), /has been deleted/],
    [
      'does not survive a new account of the same name',
      () => put('serviceaccounts', 'dev', 'robot', { metadata: { name: 'robot', uid: 'other' } }),
      /does not match claim/,
    ],
    [
      'dies a minute after its account began to terminate',
      () =>
        put('serviceaccounts', 'dev', 'robot', {
          metadata: { uid: 'uid-robot', deletionTimestamp: '2026-11-21T05:58:00Z' },
        }),
      /has been deleted/,
    ],
  ])('%s', (_, change, message) => {
    const token = issue()
    expect(authenticator.authenticateToken(token)).toBeDefined()
    change()
    expect(() => authenticator.authenticateToken(token)).toThrow(message)
  })

  it('is not valid before its time', () => {
    const token = issue()
    const earlier = new FakeClock('2026-11-21T05:00:00Z')
    const other = new ServiceAccountAuthenticator({
      publicKeys: [createPublicKey(key)],
      issuers: [DEFAULT_ISSUER],
      apiAudiences: AUDIENCES,
      lookup: (resource, namespace, name) => objects.get(`${resource}/${namespace}/${name}`),
      clock: earlier,
    })
    expect(() => other.authenticateToken(token)).toThrow(/not valid yet/)
  })

  it.each(['pods', 'secrets', 'nodes'] as const)('dies with the object it is bound to: %s', (resource) => {
    const namespace = resource === 'nodes' ? '' : 'dev'
    put(resource, namespace, 'x')
    const token = issue({ [resource.slice(0, -1)]: { name: 'x', uid: 'uid-x' } })
    expect(authenticator.authenticateToken(token)).toBeDefined()
    put(resource, namespace, 'x', { metadata: { name: 'x', uid: 'recreated' } })
    expect(() => authenticator.authenticateToken(token)).toThrow(/does not match/)
    objects.delete(`${resource}/${namespace}/x`)
    expect(() => authenticator.authenticateToken(token)).toThrow(/gone/)
  })

  it('is for its audiences only', () => {
    const token = issue({ audiences: ['vault'] })
    expect(() => authenticator.authenticateToken(token)).toThrow(
      'token audiences ["vault"] is invalid for the target audiences',
    )
    expect(authenticator.authenticateToken(token, ['vault', 'x'])?.audiences).toEqual(['vault'])
  })
})

describe('a forged token', () => {
  it.each([
    ['changed claims', (token: string) => tamper(token, 1, (claims) => Object.assign(claims, { sub: 'system:admin' }))],
    ['a later expiry', (token: string) => tamper(token, 1, (claims) => Object.assign(claims, { exp: 1e12 }))],
    [
      'algorithm none',
      (token: string) =>
        `${tamper(token, 0, (header) => Object.assign(header, { alg: 'none' }))
          .split('.')
          .slice(0, 2)
          .join('.')}.AA`,
    ],
    ['another algorithm', (token: string) => tamper(token, 0, (header) => Object.assign(header, { alg: 'HS256' }))],
    ['a critical extension', (token: string) => tamper(token, 0, (header) => Object.assign(header, { crit: ['b64'] }))],
    ['a cut signature', (token: string) => token.slice(0, -8)],
  ])('with %s is refused', (_, forge) => {
    expect(() => authenticator.authenticateToken(forge(issue()))).toThrow('invalid signature')
  })

  it('signed with the public key as an HMAC secret, or with another key, is refused', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const [header = '', claims = ''] = issue().split('.')
    const signature = sign('sha256', Buffer.from(`${header}.${claims}`), { key: other, dsaEncoding: 'ieee-p1363' })
    expect(() => authenticator.authenticateToken(`${header}.${claims}.${signature.toString('base64url')}`)).toThrow()
  })

  it('stays refused after the genuine one was accepted', () => {
    const token = issue()
    expect(authenticator.authenticateToken(token)).toBeDefined()
    expect(() => authenticator.authenticateToken(tamper(token, 1, (c) => Object.assign(c, { nbf: 0 })))).toThrow()
  })
})

describe('something else', () => {
  it.each(['', 'abc', 'a.b.c', 'e30.e30.e30', 'not a token', `${'a'.repeat(9000)}.b.c`])(
    'is left to others: %.20s',
    (token) => {
      expect(authenticator.authenticateToken(token)).toBeUndefined()
    },
  )

  it('of another issuer is left to others', () => {
    const foreign = createTokenIssuer({ signingKey: key, issuer: 'https://elsewhere', clock, random: systemRandom })
    const { token } = foreign.issueBound({
      namespace: 'dev',
      serviceAccount: ACCOUNT,
      audiences: AUDIENCES,
      expirationSeconds: 600,
    })
    expect(authenticator.authenticateToken(token)).toBeUndefined()
  })
})

describe('a Secret-based token', () => {
  const request = { namespace: 'dev', serviceAccount: ACCOUNT, secretName: 'robot-token' }

  it('is valid while its Secret holds it', () => {
    const token = issuer.issueLegacy(request)
    expect(() => authenticator.authenticateToken(token)).toThrow(/invalidated/)
    put('secrets', 'dev', 'robot-token', { data: { token: Buffer.from(token).toString('base64') } })
    expect(authenticator.authenticateToken(token)?.user.name).toBe('system:serviceaccount:dev:robot')
    put('secrets', 'dev', 'robot-token', { data: { token: 'eA==' } })
    expect(() => authenticator.authenticateToken(token)).toThrow(/server's copy/)
  })
})

describe('discovery', () => {
  it('publishes the key that verifies', () => {
    const publicKey = createPublicKey(key)
    const discovery = createServiceAccountDiscovery({
      issuer: DEFAULT_ISSUER,
      publicKeys: [publicKey],
      externalUrl: 'https://10.0.0.1:6443',
    })
    expect(discovery.get('/.well-known/openid-configuration')?.body).toMatchObject({
      issuer: DEFAULT_ISSUER,
      jwks_uri: 'https://10.0.0.1:6443/openid/v1/jwks',
      id_token_signing_alg_values_supported: ['ES256'],
    })
    const { keys = [] } = (discovery.get('/openid/v1/jwks')?.body ?? {}) as { keys?: Record<string, string>[] }
    const [header = ''] = issue().split('.')
    expect(keys[0]).toMatchObject({
      kty: 'EC',
      crv: 'P-256',
      use: 'sig',
      alg: 'ES256',
      kid: JSON.parse(Buffer.from(header, 'base64url').toString()).kid,
    })
    expect(createPublicKey({ key: keys[0] ?? {}, format: 'jwk' }).equals(publicKey)).toBe(true)
  })

  it('works with RSA keys too', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const rsaIssuer = createTokenIssuer({ signingKey: rsa, issuer: DEFAULT_ISSUER, clock, random: systemRandom })
    const { token } = rsaIssuer.issueBound({
      namespace: 'dev',
      serviceAccount: ACCOUNT,
      audiences: AUDIENCES,
      expirationSeconds: 600,
    })
    const both = new ServiceAccountAuthenticator({
      publicKeys: [createPublicKey(key), createPublicKey(rsa)],
      issuers: [DEFAULT_ISSUER],
      apiAudiences: AUDIENCES,
      lookup: (resource, namespace, name) => objects.get(`${resource}/${namespace}/${name}`),
      clock,
    })
    expect(both.authenticateToken(token)).toBeDefined()
    expect(both.authenticateToken(issue())).toBeDefined()
    expect(() => authenticator.authenticateToken(token)).toThrow('invalid signature')
  })
})
