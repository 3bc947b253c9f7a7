import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENDPOINTS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { Storage, StorageEvent } from '../storage/interface.ts'
import { MemoryStorage } from '../storage/memory/storage.ts'
import { KubernetesService, type KubernetesServiceOptions } from './kubernetes-service.ts'
import { MasterLeases } from './master-leases.ts'

const KEY = { namespace: 'default', name: 'kubernetes' }
let plane: TestControlPlane
let clock: FakeClock
/** Of the leases alone: its time is the test's. */
let storage: MemoryStorage
let leases: MasterLeases
const stops: AbortController[] = []
beforeEach(async () => {
  plane = await startTestControlPlane()
  clock = new FakeClock()
  storage = new MemoryStorage({ clock })
  leases = new MasterLeases(storage)
})
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort()
  await storage.close()
  await plane.stop()
})

/** One of several servers on one datastore; `crash` ends it without a farewell. */
async function startServer(advertiseAddress: string, more: Partial<KubernetesServiceOptions> = {}) {
  const stop = new AbortController()
  stops.push(stop)
  const { client } = plane
  const options = { client, leases, clusterIp: '10.43.0.1', advertiseAddress, port: 6443, clock, logger: discardLogger }
  const service = new KubernetesService({ ...options, ...more })
  await service.start(stop.signal)
  return { stop: () => service.stop(), crash: () => stop.abort() }
}

async function published() {
  const { subsets = [] } = await plane.client.get(ENDPOINTS, KEY)
  const slice = await plane.client.get(ENDPOINT_SLICES, KEY)
  const addresses = subsets.flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip))
  expect(slice.endpoints?.flatMap((endpoint) => endpoint.addresses)).toEqual(addresses)
  expect(slice.ports?.map(({ port }) => port)).toEqual(subsets[0]?.ports?.map(({ port }) => port))
  return { addresses, ports: subsets[0]?.ports, slice }
}

describe('KubernetesService', () => {
  it('adds the address of each server, and takes it away when that stops', async () => {
    const one = await startServer('192.0.2.1')
    const two = await startServer('192.0.2.2')
    const { addresses, ports, slice } = await published()
    expect(addresses).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(ports).toEqual([{ name: 'https', port: 6443, protocol: 'TCP' }])
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      metadata: { labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      endpoints: [{ conditions: { ready: true } }, { conditions: { ready: true } }],
    })
    await one.stop()
    expect((await published()).addresses).toEqual(['192.0.2.2'])
    await two.stop()
    expect((await published()).addresses).toEqual(['192.0.2.2'])
  })

  it('drops a server that has not been heard of for fifteen seconds', async () => {
    await startServer('192.0.2.1')
    const two = await startServer('192.0.2.2')
    two.crash()
    await clock.advanceInSteps(14_000)
    expect((await published()).addresses).toEqual(['192.0.2.1', '192.0.2.2'])
    await eventually(async () => {
      clock.advance(1_000)
      expect((await published()).addresses).toEqual(['192.0.2.1'])
    })
  })

  it('lives through servers that start at once', async () => {
    const names = [1, 2, 3, 4, 5].map((number) => `192.0.2.${number}`)
    await Promise.all(names.map((name) => startServer(name)))
    await eventually(async () => {
      clock.advance(1_000)
      expect((await published()).addresses).toEqual(names)
    })
  })

  it('writes nothing when nothing has changed', async () => {
    await startServer('192.0.2.1')
    const versions = async () =>
      [await plane.client.get(ENDPOINTS, KEY), await plane.client.get(ENDPOINT_SLICES, KEY)].map(
        ({ metadata }) => metadata.resourceVersion,
      )
    const before = await versions()
    const revision = await storage.currentRevision()
    await eventually(async () => {
      clock.advance(1_000)
      expect(await storage.currentRevision()).toBeGreaterThan(revision + 1)
    })
    expect(await versions()).toEqual(before)
  })

  it('mends what somebody did to the endpoints', async () => {
    await startServer('192.0.2.1')
    await plane.client.delete(ENDPOINT_SLICES, KEY)
    const subsets = [{ addresses: [{ ip: '198.51.100.1' }], ports: [{ name: 'https', port: 6443 }] }]
    await plane.client.patch(ENDPOINTS, KEY, { type: 'merge', body: { subsets, metadata: { labels: { a: 'b' } } } })
    await eventually(async () => {
      clock.advance(1_000)
      expect((await published()).addresses).toEqual(['192.0.2.1'])
    })
    const { metadata } = await plane.client.get(ENDPOINTS, KEY)
    expect(metadata.labels).toEqual({ 'endpointslice.kubernetes.io/skip-mirror': 'true' })
  })

  it('brings the Service back, and follows another port at the next start only', async () => {
    const one = await startServer('192.0.2.1')
    await plane.client.delete(SERVICES, KEY)
    await eventually(async () => {
      clock.advance(1_000)
      expect((await plane.client.get(SERVICES, KEY)).spec).toMatchObject({ clusterIP: '10.43.0.1', type: 'ClusterIP' })
    })
    one.crash()
    await startServer('192.0.2.1', { port: 7443 })
    expect((await plane.client.get(SERVICES, KEY)).spec?.ports).toMatchObject([{ port: 443, targetPort: 7443 }])
    expect((await published()).ports).toMatchObject([{ port: 7443 }])
  })

  it('replaces a slice of the other address family', async () => {
    await startServer('192.0.2.1')
    await startServer('2001:db8::1', { clusterIp: '2001:db8:43::1' })
    expect((await published()).slice).toMatchObject({
      addressType: 'IPv6',
      endpoints: [{ addresses: ['2001:db8::1'] }],
    })
  })

  it('gives up taking its address away when the storage does not answer', async () => {
    const one = await startServer('192.0.2.1')
    leases.remove = () => new Promise(() => undefined)
    const stopping = one.stop()
    await eventually(() => {
      clock.advance(1_000)
      expect(clock.pendingTimers).toBe(0)
    })
    await stopping
  })
})

/** As another process sees it: nothing of the writer's memory comes with an event. */
const elsewhere = (shared: Storage): Storage => ({
  currentRevision: () => shared.currentRevision(),
  create: (key, value, options) => shared.create(key, value, options),
  update: (key, value, expectedRevision, options) => shared.update(key, value, expectedRevision, options),
  delete: (key, expectedRevision, options) => shared.delete(key, expectedRevision, options),
  get: (key) => shared.get(key),
  list: (prefix, options) => shared.list(prefix, options),
  watch: (prefix, afterRevision, watcher, signal) => {
    const onEvents = (events: readonly StorageEvent[]): void =>
      watcher.onEvents(events.map((event) => ({ ...event, attachment: undefined })))
    return shared.watch(prefix, afterRevision, { onEvents, onError: (error) => watcher.onError(error) }, signal)
  },
  compact: (revision) => shared.compact(revision),
  compactedRevision: () => shared.compactedRevision(),
  failure: () => shared.failure(),
  sizeBytes: () => shared.sizeBytes(),
  close: () => shared.close(),
})

describe('two control planes on one storage', () => {
  it('are both endpoints, each with an identity Lease of its own', async () => {
    const shared = new MemoryStorage({ clock })
    const addresses = async ({ client }: TestControlPlane) =>
      (await client.get(ENDPOINTS, KEY)).subsets?.[0]?.addresses?.map(({ ip }) => ip)
    const start = (hostname: string, advertiseAddress: string) =>
      startTestControlPlane({
        storage: elsewhere(shared),
        hostname,
        featureGates: ['APIServerIdentity'],
        advertise: { advertiseAddress, port: 6443 },
      })
    const one = await start('one', '192.0.2.1')
    const two = await start('two', '192.0.2.2')
    await eventually(async () => expect(await addresses(one)).toEqual(['192.0.2.1', '192.0.2.2']))
    const path = '/apis/coordination.k8s.io/v1/leases?labelSelector=apiserver.kubernetes.io/identity=kube-apiserver'
    await eventually(async () => {
      const { body } = await two.client.raw({ method: 'GET', path })
      expect((body as { items: object[] }).items).toHaveLength(2)
    })
    await two.stop()
    await eventually(async () => expect(await addresses(one)).toEqual(['192.0.2.1']))
    await one.stop()
    await shared.close()
  })
})
