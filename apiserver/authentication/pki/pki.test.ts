import { execFileSync, spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#machinery/util/clock.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createCaCertificate, issueCertificate } from './certificate.ts'
import { DerError } from './der.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { loadOrCreatePki, type Pki, type PkiOptions } from './pki.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

let directory: string
let clock: FakeClock

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'knarr-pki-'))
  clock = new FakeClock('2026-11-21T06:00:00Z')
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

function load(sans: PkiOptions['sans'] = { dns: ['node-1'], ips: ['192.0.2.7'] }): Promise<Pki> {
  return loadOrCreatePki({ directory: join(directory, 'tls'), clock, random: systemRandom, sans })
}

const leafOf = (pem: string): X509Certificate => new X509Certificate(pem)

describe('first start', () => {
  it('makes three CAs, a signing key and leaves that verify', async () => {
    const pki = await load()
    for (const [leaf, authority] of [
      [pki.serving, pki.serverCa],
      [pki.admin, pki.clientCa],
      [pki.frontProxyClient, pki.requestHeaderCa],
    ] as const) {
      const certificate = leafOf(leaf.certificate)
      expect(certificate.verify(authority.issuer.certificate.publicKey)).toBe(true)
      expect(certificate.checkIssued(authority.issuer.certificate)).toBe(true)
      expect(certificate.ca).toBe(false)
    }
    expect(pki.serviceAccountKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(leafOf(pki.admin.certificate).subject).toBe('O=system:masters\nCN=system:admin')
  })

  it('names the server by every address clients use', async () => {
    const serving = leafOf((await load()).serving.certificate)
    for (const name of ['localhost', 'kubernetes', 'kubernetes.default.svc.cluster.local', 'node-1']) {
      expect(serving.checkHost(name), name).toBe(name)
    }
    for (const address of ['127.0.0.1', '::1', '10.43.0.1', '192.0.2.7']) {
      expect(serving.checkIP(address), address).toBe(address)
    }
    expect(serving.checkHost('evil.example.com')).toBeUndefined()
  })

  it('keeps everything private', async () => {
    await load()
    const tls = join(directory, 'tls')
    expect(statSync(tls).mode & 0o777).toBe(0o700)
    const files = readdirSync(tls)
    expect(files.sort()).toEqual(
      [
        ...['server-ca', 'client-ca', 'request-header-ca'].flatMap((name) => [`${name}.crt`, `${name}.key`]),
        ...['serving-kube-apiserver', 'client-admin', 'client-auth-proxy', 'client-kube-apiserver'].flatMap((name) => [
          `${name}.crt`,
          `${name}.key`,
        ]),
        'service.key',
      ].sort(),
    )
    for (const file of files) expect(statSync(join(tls, file)).mode & 0o777, file).toBe(0o600)
  })

  it.skipIf(!hasOpenssl)('satisfies openssl (skipped without the openssl command)', async () => {
    const tls = join(directory, 'tls')
    await load()
    const verify = (...args: string[]): string =>
      execFileSync('openssl', ['verify', '-x509_strict', ...args], { cwd: tls, encoding: 'utf8', stdio: 'pipe' })
    const at = ['-attime', String(Math.floor(clock.nowMs() / 1000))]
    expect(verify(...at, '-purpose', 'sslserver', '-CAfile', 'server-ca.crt', 'serving-kube-apiserver.crt')).toContain(
      'OK',
    )
    expect(verify(...at, '-purpose', 'sslclient', '-CAfile', 'client-ca.crt', 'client-admin.crt')).toContain('OK')
    expect(() => verify(...at, '-CAfile', 'client-ca.crt', 'serving-kube-apiserver.crt')).toThrow()
  })
})

describe('later starts', () => {
  it('keep what is there', async () => {
    const first = await load()
    clock.advance(200 * DAY_MS)
    const second = await load()
    expect(second.serverCa.certificate).toBe(first.serverCa.certificate)
    expect(second.serving).toEqual(first.serving)
    expect(second.serviceAccountKey.equals(first.serviceAccountKey)).toBe(true)
  })

  it('renew leaves, not CAs, in their last 90 days', async () => {
    const first = await load()
    clock.advance(280 * DAY_MS)
    const second = await load()
    expect(second.admin.certificate).not.toBe(first.admin.certificate)
    expect(second.clientCa.certificate).toBe(first.clientCa.certificate)
    expect(leafOf(second.admin.certificate).verify(first.clientCa.issuer.certificate.publicKey)).toBe(true)
  })

  it('issue the serving certificate again when its names change', async () => {
    const first = await load()
    const second = await load({ dns: ['node-1', 'api.example.com'], ips: ['192.0.2.7', '2001:db8::7'] })
    expect(second.serving.certificate).not.toBe(first.serving.certificate)
    expect(leafOf(second.serving.certificate).checkHost('api.example.com')).toBe('api.example.com')
    expect(leafOf(second.serving.certificate).checkIP('2001:db8::7')).toBe('2001:db8::7')
    expect(second.admin).toEqual(first.admin)
    expect((await load()).serving.certificate).not.toBe(second.serving.certificate)
  })

  it('replace a damaged leaf and certify an orphaned CA key', async () => {
    const first = await load()
    writeFileSync(join(directory, 'tls', 'client-admin.crt'), 'garbage')
    rmSync(join(directory, 'tls', 'request-header-ca.crt'))
    const second = await load()
    expect(leafOf(second.admin.certificate).checkIssued(first.clientCa.issuer.certificate)).toBe(true)
    expect(second.requestHeaderCa.issuer.key.equals(first.requestHeaderCa.issuer.key)).toBe(true)
  })

  it.each([
    ['server-ca.key', 'garbage', /server-ca\.key cannot be used/],
    ['client-ca.crt', 'garbage', /client-ca\.crt cannot be used/],
    ['service.key', '', /service\.key cannot be used/],
  ])('say which file is broken: %s', async (file, content, message) => {
    await load()
    writeFileSync(join(directory, 'tls', file), content)
    await expect(load()).rejects.toThrow(message)
  })

  it('refuse a CA certificate whose key is elsewhere', async () => {
    await load()
    rmSync(join(directory, 'tls', 'server-ca.key'))
    await expect(load()).rejects.toThrow(/has no server-ca\.key/)
  })
})

describe('certificates', () => {
  it.each([
    ['rsa', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ed25519', () => generateKeyPairSync('ed25519')],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ])('can be issued by a CA with an %s key', (_, generate) => {
    const { privateKey, publicKey } = generate()
    const validity = { notBefore: new Date(0), notAfter: new Date('2055-01-01T00:00:00Z') }
    const ca = createCaCertificate(
      { subject: { commonName: 'root' }, usage: 'ca', publicKey, serialNumber: Buffer.alloc(16), ...validity },
      privateKey,
    )
    const issuer = { key: privateKey, certificate: new X509Certificate(ca) }
    const leaf = new X509Certificate(
      issueCertificate(
        { subject: { commonName: 'ö' }, usage: 'client', publicKey, serialNumber: Buffer.alloc(16, 0xff), ...validity },
        issuer,
      ),
    )
    expect(issuer.certificate.verify(publicKey)).toBe(true)
    expect(leaf.verify(publicKey)).toBe(true)
    expect(leaf.validTo).toContain('2055')
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  })
})

/** Upstream: pkg/controller/certificates/authority/authority_test.go. */
it.each<[string, readonly string[] | undefined, string | undefined]>([
  ['nothing, of an EC key', undefined, '03020780'],
  ['nothing at all', [], undefined],
  ['signing', ['digital signature', 'client auth'], '03020780'],
  ['enciphering', ['key encipherment'], '03020520'],
  ['both', ['key encipherment', 'digital signature'], '030205a0'],
])('a certificate that is asked for %s has those key usages', (_name, keyUsages, bits) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const validity = { notBefore: new Date(0), notAfter: new Date('2055-01-01T00:00:00Z') }
  const base = { subject: { commonName: 'c' }, publicKey, serialNumber: Buffer.alloc(16, 1), ...validity }
  const certificate = new X509Certificate(createCaCertificate({ ...base, usage: 'ca' }, privateKey))
  const wanted = { ...base, usage: 'client' as const, ...(keyUsages === undefined ? {} : { keyUsages }) }
  const { raw } = new X509Certificate(issueCertificate(wanted, { key: privateKey, certificate }))
  // 2.5.29.15, critical.
  const extension = /0603551d0f0101ff0404(.{8})/.exec(raw.toString('hex'))
  expect(extension?.[1]).toBe(bits)
})

describe.skipIf(!hasOpenssl)('signing requests (skipped without the openssl command)', () => {
  function request(...algorithm: string[]): string {
    const args = [
      'req',
      '-new',
      ...algorithm,
      '-nodes',
      '-keyout',
      '/dev/null',
      '-subj',
      '/O=system:nodes/CN=system:node:a',
    ]
    return execFileSync('openssl', [...args, '-addext', 'subjectAltName=DNS:a,IP:10.0.0.9,IP:fd00::1'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  }

  it.each([
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['RSA', ['-newkey', 'rsa:2048']],
    ['Ed25519', ['-newkey', 'ed25519']],
  ])('with a %s key become certificates', async (_, algorithm) => {
    const pki = await load()
    const options = { authority: 'client', usage: 'client', lifetimeMs: DAY_MS, keyUsages: [] } as const
    const certificate = new X509Certificate(pki.signCsr(request(...algorithm), options))
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:a')
    expect(certificate.subjectAltName).toBe('DNS:a, IP Address:10.0.0.9, IP Address:FD00:0:0:0:0:0:0:1')
    expect(certificate.verify(createPublicKey(pki.clientCa.issuer.key))).toBe(true)
  })

  it('are refused when tampered with or not requests at all', async () => {
    const pki = await load()
    const options = { authority: 'client', usage: 'client', lifetimeMs: DAY_MS, keyUsages: [] } as const
    const pem = request('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256')
    const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
    const at = der.indexOf('system:node:a')
    der.write('system:node:b', at)
    const tampered = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    for (const bad of [tampered, '', 'x'.repeat(100_000), pem.slice(0, 200)]) {
      expect(() => pki.signCsr(bad, options)).toThrow(DerError)
    }
  })
})

describe('TLS', () => {
  it('works between the serving certificate and the admin certificate', async () => {
    const pki = await loadOrCreatePki({
      directory: join(directory, 'now'),
      clock: systemClock,
      random: systemRandom,
      sans: { dns: [], ips: [] },
    })
    const server = createServer({
      cert: pki.serving.certificate,
      key: pki.serving.key,
      ca: pki.clientCa.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    })
    const user = new Promise<string>((resolve) => {
      server.on('secureConnection', (socket) => {
        resolve(socket.getPeerX509Certificate()?.subject ?? '')
        socket.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const client = connect({
      host: '127.0.0.1',
      port,
      ca: pki.serverCa.certificate,
      cert: pki.admin.certificate,
      key: pki.admin.key,
    })
    expect(await user).toBe('O=system:masters\nCN=system:admin')
    client.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('writeKubeconfig', () => {
  it('embeds everything a client needs, privately', async () => {
    const pki = await load()
    const path = join(directory, 'etc', 'knarr.yaml')
    await writeKubeconfig(
      path,
      { server: 'https://127.0.0.1:6443', certificateAuthority: pki.serverCa.certificate, client: pki.admin },
      systemRandom,
    )
    const text = readFileSync(path, 'utf8')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(text).toContain('current-context: default')
    const data = /client-certificate-data: (\S+)/.exec(text)?.[1] ?? ''
    expect(Buffer.from(data, 'base64').toString()).toBe(pki.admin.certificate)
  })
})
