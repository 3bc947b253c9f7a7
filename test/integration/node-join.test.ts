/** How a node joins: a bootstrap token, a certificate request, an approval, a certificate; and what is cleaned up after. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCaCertificate } from '#apiserver/authentication/pki/certificate.ts'
import { parseSigningRequest, signSigningRequest } from '#apiserver/authentication/pki/csr.ts'
import type { ApiServer } from '#apiserver/server/interfaces.ts'
import { builtinControllers } from '#controllers/manager/descriptors.ts'
import { CERTIFICATE_SIGNING_REQUESTS } from '#machinery/api/certificates/v1/resources.gen.ts'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import { CONFIG_MAPS, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import { CLUSTER_ROLE_BINDINGS } from '#machinery/api/rbac/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isForbidden, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { makeSigningRequest } from '#test/support/signing-request.ts'

const HOUR_MS = 3_600_000
const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet'
const CLIENT_USAGES = ['digital signature', 'client auth']

let clock: FakeClock
let plane: TestControlPlane
let client: Client
let server: ApiServer
let ca: { readonly key: ReturnType<typeof generateKeyPairSync>['privateKey']; readonly certificate: X509Certificate }

function makeCa(now: Date) {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const notAfter = new Date(now.getTime() + 10 * 365 * 24 * HOUR_MS)
  const serialNumber = systemRandom.bytes(16)
  const subject = { commonName: 'test-ca' }
  const pem = createCaCertificate({ subject, usage: 'ca', publicKey, serialNumber, notBefore: now, notAfter }, key)
  return { key, certificate: new X509Certificate(pem) }
}

beforeAll(async () => {
  clock = new FakeClock()
  ca = makeCa(clock.now())
  plane = await startTestControlPlane({
    clock,
    controllers: builtinControllers({
      rootCa: 'PEM',
      serviceAccountTokens: { issueLegacyToken: () => 'token', generatesForEveryAccount: false },
      certificates: {
        parse: parseSigningRequest,
        sign: (pem, { usage, lifetimeMs }) => {
          const notAfter = new Date(clock.nowMs() + lifetimeMs)
          const validity = { serialNumber: systemRandom.bytes(16), notBefore: clock.now(), notAfter }
          return signSigningRequest(parseSigningRequest(pem), ca, { usage, ...validity })
        },
      },
    }),
  })
  client = plane.client
  server = plane.server
})
afterAll(() => plane.stop())

const base64 = (text: string): string => Buffer.from(text).toString('base64')

async function createToken(id: string, more: Record<string, string> = {}): Promise<string> {
  const secret = `${id}0123456789`.slice(0, 16)
  const data = { 'token-id': id, 'token-secret': secret, 'usage-bootstrap-authentication': 'true', ...more }
  await client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
  })
  return `${id}.${secret}`
}

async function whoIs(token: string): Promise<{ status: number; user: unknown }> {
  const response = await server.dispatch({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    query: '',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: Buffer.from('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'),
    remoteAddress: '',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  })
  const text = response.body.type === 'bytes' ? Buffer.concat([...response.body.chunks]).toString() : '{}'
  return { status: response.status, user: JSON.parse(text).status?.userInfo }
}

const bind = (name: string, role: string, group: string) =>
  client.create(CLUSTER_ROLE_BINDINGS, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
  })

const asUser = (name: string, groups: string[]): Client =>
  server.clientFor({ name, uid: '', groups: [...groups, 'system:authenticated'], extra: new Map() })

const request = (as: Client, name: string, pem: string, spec: Partial<CertificateSigningRequest['spec']> = {}) =>
  as.create(CERTIFICATE_SIGNING_REQUESTS, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: { request: base64(pem), signerName: KUBELET_CLIENT, usages: CLIENT_USAGES, ...spec },
  })

const stored = (name: string) => client.get(CERTIFICATE_SIGNING_REQUESTS, { name })

async function approve(as: Client, name: string): Promise<void> {
  const live = await stored(name)
  const condition = { type: 'Approved', status: 'True', reason: 'Test', message: 'ok' }
  const changed = { ...live, status: { ...live.status, conditions: [condition] } }
  await as.update(CERTIFICATE_SIGNING_REQUESTS, changed, { subresource: 'approval' })
}

async function issued(name: string): Promise<X509Certificate> {
  return eventually(async () => {
    const { status } = await stored(name)
    expect(status?.certificate ?? '').not.toBe('')
    return new X509Certificate(Buffer.from(status?.certificate ?? '', 'base64'))
  })
}

describe('a bootstrap token', () => {
  it('is a user of system:bootstrappers and of the groups it names', async () => {
    const token = await createToken('aaaaaa', { 'auth-extra-groups': 'system:bootstrappers:workers' })
    expect(await whoIs(token)).toMatchObject({
      status: 201,
      user: {
        username: 'system:bootstrap:aaaaaa',
        groups: ['system:bootstrappers', 'system:bootstrappers:workers', 'system:authenticated'],
      },
    })
  })

  it.each<[string, string, Record<string, string>]>([
    ['that has expired', 'bbbbbb', { expiration: '2001-01-01T00:00:00Z' }],
    ['whose expiration is no time', 'cccccc', { expiration: 'soon' }],
    ['for signing only', 'dddddd', { 'usage-bootstrap-authentication': 'false' }],
    ['with a group of others', 'eeeeee', { 'auth-extra-groups': 'system:masters' }],
    ['with another secret', 'ffffff', { 'token-secret': '0000000000000000' }],
  ])('%s opens nothing', async (_name, id, more) => {
    expect((await whoIs(await createToken(id, more))).status).toBe(401)
  })

  it('is deleted when it expires', async () => {
    const expiration = new Date(clock.nowMs() + HOUR_MS / 2).toISOString()
    const token = await createToken('gggggg', { expiration })
    expect((await whoIs(token)).status).toBe(201)
    await eventually(async () => {
      clock.advance(HOUR_MS / 8)
      const gone = client.get(SECRETS, { namespace: 'kube-system', name: 'bootstrap-token-gggggg' })
      expect(await gone.then(() => false, isNotFound)).toBe(true)
    })
  })

  it('signs cluster-info', async () => {
    await createToken('hhhhhh', { 'usage-bootstrap-signing': 'true' })
    const metadata = { namespace: 'kube-public', name: 'cluster-info' }
    await client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { kubeconfig: 'content' } })
    await eventually(async () => {
      const { data = {} } = await client.get(CONFIG_MAPS, metadata)
      expect(Object.keys(data).sort()).toEqual(['jws-kubeconfig-hhhhhh', 'kubeconfig'])
      expect(data['jws-kubeconfig-hhhhhh']).toMatch(/^eyJhbGciOiJIUzI1NiIsImtpZCI6ImhoaGhoaCJ9\.\.[\w-]{43}$/)
    })
  })
})

describe('certificate requests', () => {
  const nodes = { organizations: ['system:nodes'] }

  it('of joining nodes are approved and signed, when their group may have them', async () => {
    await bind('join-create', 'system:node-bootstrapper', 'system:bootstrappers:workers')
    await bind(
      'join',
      'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
      'system:bootstrappers:workers',
    )
    const joining = asUser('system:bootstrap:aaaaaa', ['system:bootstrappers', 'system:bootstrappers:workers'])
    const pem = makeSigningRequest({ commonName: 'system:node:n1', ...nodes })
    await eventually(() => request(joining, 'join', pem, { expirationSeconds: 3600 }))
    const certificate = await issued('join')
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:n1')
    expect(certificate.verify(ca.certificate.publicKey)).toBe(true)
    expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(HOUR_MS)
    const approval = (await stored('join')).status?.conditions?.[0]
    expect(approval).toMatchObject({
      type: 'Approved',
      reason: 'AutoApproved',
      message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    })
  })

  it('of nodes name the node itself', async () => {
    const node = asUser('system:node:n1', ['system:nodes'])
    const pem = makeSigningRequest({ commonName: 'system:node:n2', ...nodes })
    const refused = await request(node, 'other', pem).catch((err: unknown) => err)
    expect(isForbidden(refused)).toBe(true)
    expect(errorMessage(refused)).toContain('can only create a node CSR with CN=system:node:n1')
  })

  it('fail when they ask for what the signer does not sign', async () => {
    const pem = makeSigningRequest({ commonName: 'system:node:n1', dns: ['n1'], ...nodes })
    await request(client, 'wrong', pem)
    await approve(client, 'wrong')
    await eventually(async () => {
      const failed = (await stored('wrong')).status?.conditions?.find(({ type }) => type === 'Failed')
      expect(failed).toMatchObject({
        reason: 'SignerValidationFailure',
        message: 'DNS subjectAltNames are not allowed',
      })
    })
  })

  it('for serving are signed after an approval by hand', async () => {
    const pem = makeSigningRequest({ commonName: 'system:node:n1', dns: ['n1'], ...nodes })
    const usages = ['digital signature', 'server auth']
    await request(client, 'serving', pem, { signerName: 'kubernetes.io/kubelet-serving', usages })
    await approve(client, 'serving')
    expect((await issued('serving')).subjectAltName).toBe('DNS:n1')
  })

  it('may not be approved by those who may not use the signer', async () => {
    await bind('edit-requests', 'system:controller:certificate-controller', 'approvers')
    const pem = makeSigningRequest({ commonName: 'jane' })
    await request(client, 'jane', pem, { signerName: 'example.com/signer' })
    await eventually(async () => {
      const refused = await approve(asUser('bob', ['approvers']), 'jane').catch((err: unknown) => err)
      expect(errorMessage(refused)).toContain(
        'user not permitted to approve requests with signerName "example.com/signer"',
      )
    })
  })

  it('may not be for administrators', async () => {
    const pem = makeSigningRequest({ commonName: 'eve', organizations: ['system:masters'] })
    const refused = await request(client, 'eve', pem, { signerName: 'kubernetes.io/kube-apiserver-client' }).catch(
      (err: unknown) => err,
    )
    expect(errorMessage(refused)).toContain(
      'use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
    )
  })

  it('are deleted an hour after they are through, others after a day', async () => {
    const names = async () => (await client.list(CERTIFICATE_SIGNING_REQUESTS)).items.map((item) => item.metadata.name)
    expect(await names()).toContain('serving')
    await eventually(async () => {
      clock.advance(HOUR_MS / 10)
      expect(await names()).toEqual(['jane'])
    })
    await eventually(async () => {
      clock.advance(HOUR_MS)
      expect(await names()).toEqual([])
    })
  })
})
