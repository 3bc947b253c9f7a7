/** An API server on memory storage with everything allowed, for contract tests and for the server's own tests. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { Registry } from 'prom-client'
import type { AdmissionPlugin } from '#apiserver/admission/interfaces.ts'
import type { Authenticator, UserInfo } from '#apiserver/authentication/interfaces.ts'
import { createCaCertificate, issueCertificate } from '#apiserver/authentication/pki/certificate.ts'
import type { Authorizer } from '#apiserver/authorization/interfaces.ts'
import type { ResourceDefinition } from '#apiserver/registry/generic/interfaces.ts'
import { ALL_VERBS } from '#apiserver/registry/generic/interfaces.ts'
import type { ApiServerOptions, ApiServerParts } from '#apiserver/server/api-server.ts'
import { createApiServer } from '#apiserver/server/api-server.ts'
import { createCacher } from '#apiserver/storage/cacher/cacher.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import type { ObjectSchema } from '#machinery/schema/interfaces.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'

export const ADMIN: UserInfo = {
  name: 'admin',
  uid: '',
  groups: ['system:masters', 'system:authenticated'],
  extra: new Map(),
}

const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0+knarr-test',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '',
  goVersion: '',
  compiler: '',
  platform: '',
}

const allowAll: Authorizer = { authorize: () => ({ decision: 'Allow', reason: '' }) }
const asAdmin: Authenticator = { authenticate: () => ({ user: ADMIN }) }

/** Knows the usual top-level members and nothing about their insides. */
export function openSchema(...members: readonly string[]): ObjectSchema {
  const known = new Set(['kind', 'apiVersion', 'metadata', 'spec', 'status', 'data', ...members])
  return {
    decode(value) {
      const unknown = Object.keys(value).filter((key) => !known.has(key))
      for (const key of unknown) delete (value as unknown as Record<string, unknown>)[key]
      return { unknownFields: unknown.map((key) => `unknown field "${key}"`) }
    },
    applyDefaults() {},
    strategicMerge: undefined,
  }
}

export function plainResource(overrides: Partial<ResourceDefinition> = {}): ResourceDefinition {
  return {
    group: '',
    resource: 'configmaps',
    singular: 'configmap',
    kind: 'ConfigMap',
    listKind: 'ConfigMapList',
    namespaced: true,
    shortNames: ['cm'],
    categories: [],
    verbs: ALL_VERBS,
    versions: [{ version: 'v1', served: true, schema: openSchema(), table: undefined }],
    storageVersion: 'v1',
    strategy: {},
    subresources: [],
    ...overrides,
  }
}

export interface TestServerOptions extends Partial<ApiServerOptions> {
  readonly admission?: readonly AdmissionPlugin[]
}

export function startTestServer(options: TestServerOptions = {}): ApiServerParts {
  const clock = options.clock ?? systemClock
  const cacher = createCacher(new MemoryStorage({ clock }), clock, { freeze: true })
  return createApiServer({
    cacher,
    resources: [plainResource()],
    authenticator: asAdmin,
    authorizer: allowAll,
    admission: [],
    openApi: { v2: () => ({ swagger: '2.0' }), v3: () => ({ openapi: '3.0.0' }) },
    openApiV2ToProtobuf: () => Buffer.from('protobuf'),
    version: VERSION,
    clock,
    random: systemRandom,
    logger: discardLogger,
    metricsRegistry: new Registry(),
    ...options,
  })
}

export interface TestCertificates {
  readonly ca: string
  readonly server: { readonly certificate: string; readonly key: string }
  readonly client: { readonly certificate: string; readonly key: string }
}

/** One CA, a server certificate for 127.0.0.1 and a client certificate. */
export function makeCertificates(dns: readonly string[] = ['localhost']): TestCertificates {
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) }
  const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const serialNumber = () => systemRandom.bytes(16)
  const caKey = newKey()
  const subject = (commonName: string) => ({ commonName, organizations: [] })
  const ca = createCaCertificate(
    {
      subject: subject('test-ca'),
      usage: 'ca',
      publicKey: createPublicKey(caKey),
      serialNumber: serialNumber(),
      ...validity,
    },
    caKey,
  )
  const issue = (name: string, usage: 'server' | 'client') => {
    const key = newKey()
    const certificate = issueCertificate(
      {
        subject: subject(name),
        usage,
        publicKey: createPublicKey(key),
        serialNumber: serialNumber(),
        ...validity,
        altNames: { dns, ips: ['127.0.0.1'] },
      },
      { key: createPrivateKey(caKey.export({ type: 'pkcs8', format: 'pem' })), certificate: new X509Certificate(ca) },
    )
    return { certificate, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }
  return { ca, server: issue('localhost', 'server'), client: issue('jane', 'client') }
}
