/** Legacy ServiceAccount tokens over the years: the server is started anew on the same storage at later dates. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { legacyTokenCleanerController } from '#controllers/legacy-token-cleaner/controller.ts'
import { serviceAccountTokenController } from '#controllers/serviceaccount-token/reconciler.ts'
import { CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { TestControlPlane } from '../support/control-plane.ts'
import { startTestControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'

const namespace = 'default'
const TYPE = 'kubernetes.io/service-account-token'
const LAST_USED = 'kubernetes.io/legacy-token-last-used'
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
const TRACKING = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' }
let storage: MemoryStorage
let plane: TestControlPlane

async function startAt(date: string): Promise<void> {
  const clock = new FakeClock(`${date}T12:00:00Z`)
  plane = await startTestControlPlane({
    clock,
    storage,
    controllers: ({ tokenIssuer }) => [
      serviceAccountTokenController({
        rootCa: 'PEM',
        generatesForEveryAccount: false,
        issueLegacyToken: ({ metadata }, secret) =>
          tokenIssuer.issueLegacy({
            namespace: metadata.namespace ?? '',
            serviceAccount: { name: metadata.name ?? '', uid: metadata.uid ?? '' },
            secretName: secret.metadata.name ?? '',
          }),
      }),
      legacyTokenCleanerController,
    ],
  })
}

async function restartAt(date: string): Promise<void> {
  await plane.stop()
  await startAt(date)
}

async function newToken(name: string): Promise<string> {
  const annotations = { 'kubernetes.io/service-account.name': 'robot' }
  const metadata = { namespace, name, annotations }
  await plane.client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', type: TYPE, metadata })
  return eventually(async () => {
    const { data } = await plane.client.get(SECRETS, { namespace, name })
    expect(data?.['token']).toBeDefined()
    return Buffer.from(data?.['token'] ?? '', 'base64').toString()
  })
}

async function statusWith(token: string): Promise<number> {
  const { status } = await plane.server.dispatch({
    method: 'GET',
    path: '/api',
    query: '',
    headers: { authorization: `Bearer ${token}` },
    body: undefined,
    remoteAddress: '',
    peerCertificate: undefined,
    user: undefined,
    signal: new AbortController().signal,
  })
  return status
}

const labelsOf = async (name: string) => (await plane.client.get(SECRETS, { namespace, name })).metadata.labels ?? {}
const exists = (name: string) =>
  plane.client.get(SECRETS, { namespace, name }).then(
    () => true,
    (err: unknown) => !isNotFound(err),
  )

beforeEach(async () => {
  storage = new MemoryStorage({ clock: new FakeClock('2026-01-01T12:00:00Z') })
  await startAt('2026-01-01')
  await plane.client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name: 'robot' },
    secrets: ['used', 'unused', 'mounted'].map((name) => ({ name })),
  })
})

afterEach(async () => {
  await plane.stop()
  await storage.close()
})

describe('legacy tokens', () => {
  it('are tracked from the first start on; a broken date is put right', async () => {
    expect((await plane.client.get(CONFIG_MAPS, TRACKING)).data).toEqual({ since: '2026-01-01' })
    await restartAt('2026-03-01')
    expect((await plane.client.get(CONFIG_MAPS, TRACKING)).data).toEqual({ since: '2026-01-01' })
    await plane.client.patch(CONFIG_MAPS, TRACKING, { type: 'merge', body: { data: { since: 'long ago' } } })
    await restartAt('2026-04-01')
    expect((await plane.client.get(CONFIG_MAPS, TRACKING)).data).toEqual({ since: '2026-04-01' })
  })

  it('note the day of their last use', async () => {
    const token = await newToken('used')
    expect(await statusWith(token)).toBe(200)
    await eventually(async () => expect(await labelsOf('used')).toEqual({ [LAST_USED]: '2026-01-01' }))
    const { metadata } = await plane.client.get(SECRETS, { namespace, name: 'used' })
    expect(await statusWith(token)).toBe(200)
    await restartAt('2026-01-02')
    expect((await plane.client.get(SECRETS, { namespace, name: 'used' })).metadata.resourceVersion).toBe(
      metadata.resourceVersion,
    )
    expect(await statusWith(token)).toBe(200)
    await eventually(async () => expect(await labelsOf('used')).toEqual({ [LAST_USED]: '2026-01-02' }))
  })

  it('end when they are generated, not mounted and unused for a year', async () => {
    const token = await newToken('unused')
    const used = await newToken('used')
    await newToken('mounted')
    await newToken('by-hand')
    const spec = { containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'mounted' } }] }] }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'p' }, spec }
    await plane.client.create(PODS, { ...pod, spec: { ...spec, serviceAccountName: 'robot' } } as Pod)
    await restartAt('2026-12-31')
    expect(await statusWith(used)).toBe(200)
    await eventually(async () => expect(await labelsOf('used')).toHaveProperty([LAST_USED]))
    await restartAt('2027-01-04')
    await eventually(async () => expect(await labelsOf('unused')).toEqual({ [INVALID_SINCE]: '2027-01-04' }))
    expect(await statusWith(token)).toBe(401)
    expect(await statusWith(used)).toBe(200)
    for (const name of ['mounted', 'by-hand', 'used']) expect(await labelsOf(name)).not.toHaveProperty([INVALID_SINCE])
    await restartAt('2028-01-06')
    await eventually(async () => expect(await exists('unused')).toBe(false))
    for (const name of ['mounted', 'by-hand']) expect(await exists(name)).toBe(true)
  })
})
