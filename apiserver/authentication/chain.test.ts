import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createBearerTokenAuthenticator, TokenUnion } from './bearer-token.ts'
import { createAuthenticatorChain } from './chain.ts'
import { InvalidCredentialError } from './errors.ts'
import type { AuthenticationRequest, AuthenticationResult, Authenticator } from './interfaces.ts'
import { type CertificateUsage, createCaCertificate, type Issuer, issueCertificate } from './pki/certificate.ts'
import type { SubjectName } from './pki/names.ts'
import { createRequestHeaderAuthenticator } from './request-header.ts'
import { parseStaticTokens } from './static-token.ts'
import { createUser } from './user.ts'
import { createX509Authenticator } from './x509.ts'

const NOW = '2026-11-21T06:00:00Z'
const HOUR_MS = 3_600_000
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

function validity(fromMs: number, toMs: number) {
  const now = Date.parse(NOW)
  return { serialNumber: Buffer.alloc(16, 7), notBefore: new Date(now + fromMs), notAfter: new Date(now + toMs) }
}

function createCa(name: string, lifetimeMs = 100 * HOUR_MS): Issuer & { readonly pem: string } {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = { commonName: name }
  const pem = createCaCertificate(
    { subject, usage: 'ca', publicKey: key.publicKey, ...validity(-HOUR_MS, lifetimeMs) },
    key.privateKey,
  )
  return { pem, key: key.privateKey, certificate: new X509Certificate(pem) }
}

const clientCa = createCa('client-ca')
const proxyCa = createCa('proxy-ca')

function certificate(
  subject: SubjectName,
  { issuer = clientCa, usage = 'client', fromMs = -HOUR_MS, toMs = HOUR_MS } = {} as {
    issuer?: Issuer
    usage?: CertificateUsage
    fromMs?: number
    toMs?: number
  },
): X509Certificate {
  return new X509Certificate(issueCertificate({ subject, usage, publicKey, ...validity(fromMs, toMs) }, issuer))
}

function request(
  fields: { certificate?: X509Certificate; token?: string; headers?: Record<string, string> } = {},
): AuthenticationRequest {
  const headers = fields.headers ?? {}
  return {
    authorization: fields.token === undefined ? '' : `Bearer ${fields.token}`,
    peerCertificate: fields.certificate,
    header: (name) => headers[name],
    headersWithPrefix: (prefix) => Object.entries(headers).filter(([name]) => name.startsWith(prefix)),
  }
}

const clock = new FakeClock(NOW)
const tokens = new TokenUnion([parseStaticTokens('secret,alice,1,"dev,ops"\n# comment\nother,bob,2\n', 'tokens.csv')])
const chain = createAuthenticatorChain({
  authenticators: [
    createRequestHeaderAuthenticator({ requestHeaderCa: proxyCa.pem, allowedNames: ['front-proxy'], clock }),
    createX509Authenticator({ clientCa: clientCa.pem, clock }),
    createBearerTokenAuthenticator(tokens),
  ],
  anonymous: true,
})

function authenticate(
  fields: Parameters<typeof request>[0],
  authenticator: Authenticator = chain,
): AuthenticationResult | undefined {
  const outcome = authenticator.authenticate(request(fields))
  expect(outcome).not.toBeInstanceOf(Promise)
  return outcome as AuthenticationResult | undefined
}

describe('client certificates', () => {
  it('are CN and O, and authenticated', () => {
    const user = authenticate({
      certificate: certificate({ commonName: 'jane', organizations: ['dev', 'a, b'] }),
    })?.user
    expect(user?.name).toBe('jane')
    expect(user?.groups).toEqual(['dev', 'a, b', 'system:authenticated'])
    expect(user?.extra.get('authentication.kubernetes.io/credential-id')?.[0]).toMatch(/^X509SHA256=[0-9a-f]{64}$/)
  })

  it.skipIf(!hasOpenssl)('made by bare openssl commands work (skipped without the openssl command)', () => {
    const directory = mkdtempSync(join(tmpdir(), 'knarr-x509-'))
    const run = (input: string, ...args: string[]): string =>
      execFileSync('openssl', args, { input, encoding: 'utf8', stdio: 'pipe', cwd: directory })
    try {
      const ca = createCa('wide-ca', 50 * 365 * 24 * HOUR_MS)
      writeFileSync(join(directory, 'ca.crt'), ca.pem)
      writeFileSync(join(directory, 'ca.key'), ca.key.export({ type: 'pkcs8', format: 'pem' }))
      const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'x.key']
      const request = run('', 'req', '-new', ...key, '-subj', '/O=dev/CN=jane')
      const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', '1', '-days', '30']
      const peer = new X509Certificate(run(request, 'x509', '-req', ...signing))
      const then = new FakeClock(new Date(Date.parse(peer.validFrom) + 1000).toISOString())
      const result = authenticate({ certificate: peer }, createX509Authenticator({ clientCa: ca.pem, clock: then }))
      expect(result?.user).toMatchObject({ name: 'jane', groups: ['dev'] })
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('cannot smuggle groups through line breaks in a name', () => {
    const user = authenticate({ certificate: certificate({ commonName: 'x\nO=system:masters' }) })?.user
    expect(user?.name).toBe('x\nO=system:masters')
    expect(user?.groups).toEqual(['system:authenticated'])
  })

  it('give the same identity object for every request of a connection', () => {
    const peer = certificate({ commonName: 'jane' })
    expect(authenticate({ certificate: peer })).toBe(authenticate({ certificate: peer }))
  })

  it('stop working when they expire, even if used before', () => {
    const own = new FakeClock(NOW)
    const authenticator = createX509Authenticator({ clientCa: clientCa.pem, clock: own })
    const peer = certificate({ commonName: 'jane' })
    expect(authenticate({ certificate: peer }, authenticator)).toBeDefined()
    own.advance(HOUR_MS + 1000)
    expect(() => authenticate({ certificate: peer }, authenticator)).toThrow('certificate has expired')
  })

  it.each([
    ['expired', certificate({ commonName: 'x' }, { toMs: -1000 })],
    ['not yet valid', certificate({ commonName: 'x' }, { fromMs: 60_000 })],
    ['for servers', certificate({ commonName: 'x' }, { usage: 'server' })],
    ['of another CA', certificate({ commonName: 'x' }, { issuer: proxyCa })],
    ['of a CA that only looks like ours', certificate({ commonName: 'x' }, { issuer: createCa('client-ca') })],
    [
      'issued by a leaf',
      certificate({ commonName: 'x' }, { issuer: { key: privateKey, certificate: certificate({ commonName: 'y' }) } }),
    ],
  ])('are refused when %s', (_, peer) => {
    expect(() => authenticate({ certificate: peer })).toThrow(InvalidCredentialError)
  })

  it('do not hide a good token', () => {
    const peer = certificate({ commonName: 'x' }, { toMs: -1000 })
    expect(authenticate({ certificate: peer, token: 'secret' })?.user.name).toBe('alice')
  })
})

describe('front proxies', () => {
  const headers = { 'x-remote-user': 'carol', 'x-remote-group': 'a, b', 'x-remote-extra-scopes%2fx': 'view' }

  it('speak for others', () => {
    const peer = certificate({ commonName: 'front-proxy' }, { issuer: proxyCa })
    const user = authenticate({ certificate: peer, headers })?.user
    expect(user?.name).toBe('carol')
    expect(user?.groups).toEqual(['a', 'b', 'system:authenticated'])
    expect(user?.extra.get('scopes/x')).toEqual(['view'])
  })

  it.each([
    ['no certificate', undefined, 'system:anonymous'],
    ['an ordinary client certificate', certificate({ commonName: 'front-proxy' }), 'front-proxy'],
  ])('headers mean nothing with %s', (_, peer, expected) => {
    expect(authenticate({ headers, ...(peer === undefined ? {} : { certificate: peer }) })?.user.name).toBe(expected)
  })

  it('need an allowed name', () => {
    const peer = certificate({ commonName: 'rogue' }, { issuer: proxyCa })
    expect(() => authenticate({ certificate: peer, headers })).toThrow(InvalidCredentialError)
  })
})

describe('tokens', () => {
  it.each([
    ['secret', 'alice', ['dev', 'ops', 'system:authenticated']],
    ['other', 'bob', ['system:authenticated']],
  ])('from the file: %s', (token, name, groups) => {
    const user = authenticate({ token })?.user
    expect(user?.name).toBe(name)
    expect(user?.groups).toEqual(groups)
  })

  it.each(['wrong', 'secret2', 'x'.repeat(20_000), '__proto__', 'constructor'])(
    'that nobody knows are refused: %.20s',
    (token) => {
      expect(() => authenticate({ token })).toThrow(InvalidCredentialError)
    },
  )

  it.each([
    ['a', /tokens.csv:1/],
    ['a,b,c\na,d,e', /tokens.csv:2: duplicate/],
    [',b,c', /empty token/],
  ])('files with mistakes name the line: %j', (csv, message) => {
    expect(() => parseStaticTokens(csv, 'tokens.csv')).toThrow(message)
  })
})

describe('the chain', () => {
  it('makes requests without credentials anonymous, if allowed', () => {
    expect(authenticate({})?.user).toMatchObject({ name: 'system:anonymous', groups: ['system:unauthenticated'] })
    expect(createAuthenticatorChain({ authenticators: [], anonymous: false }).authenticate(request())).toBeUndefined()
  })

  it('awaits asynchronous authenticators and goes on after their refusal', async () => {
    const refusing: Authenticator = { authenticate: () => Promise.reject(new Error('webhook is down')) }
    const knowing: Authenticator = { authenticate: () => Promise.resolve({ user: createUser('dave') }) }
    const both = createAuthenticatorChain({ authenticators: [refusing, knowing], anonymous: true })
    expect((await both.authenticate(request()))?.user.groups).toEqual(['system:authenticated'])
    const only = createAuthenticatorChain({ authenticators: [refusing], anonymous: true })
    await expect(only.authenticate(request())).rejects.toThrow('webhook is down')
  })
})
