/** Claims that go with the Pod before them, when the cache has not heard of it: seed 30389 of the simulation. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PodWriter } from '#controllers/statefulset/pod-writer.ts'
import type { PodView, SetView } from '#controllers/statefulset/pod-identity.ts'
import { PERSISTENT_VOLUME_CLAIMS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { EventRecorder } from '#sdk'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'

const namespace = 'default'
const key = { namespace, name: 'data-web-0' }
const { signal } = new AbortController()
const emptyCache = { get: () => undefined } as unknown as Lister<PersistentVolumeClaim>
const silent = { record: () => undefined } as unknown as EventRecorder
const pod: PodView = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', namespace }, spec: { containers: [] } }
const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }

const setThat = (whenScaled: 'Delete' | 'Retain'): SetView => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace, uid: 'set' },
  spec: {
    serviceName: 'web',
    selector: { matchLabels: { app: 'web' } },
    template: { spec: { containers: [] } },
    volumeClaimTemplates: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec }],
    persistentVolumeClaimRetentionPolicy: { whenScaled },
  },
})

let plane: TestControlPlane
let writer: PodWriter

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [] })
  writer = new PodWriter(plane.client, silent, emptyCache)
})
afterEach(() => plane.stop())

const createClaim = (ownedByUid?: string, finalizers: string[] = []) =>
  plane.client.create(PERSISTENT_VOLUME_CLAIMS, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...key,
      finalizers,
      ...(ownedByUid === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: ownedByUid }] }),
    },
    spec,
  })

it('is doomed when it belongs to an earlier Pod of the name', async () => {
  await createClaim('earlier')
  expect(await writer.hasDoomedClaim(setThat('Delete'), pod, signal)).toBe(true)
  expect(await writer.hasDoomedClaim(setThat('Retain'), pod, signal)).toBe(false)
})

it('is doomed when it is being deleted', async () => {
  await createClaim(undefined, ['example.com/hold'])
  await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, key)
  expect(await writer.hasDoomedClaim(setThat('Delete'), pod, signal)).toBe(true)
})

it('is not when it is free, or not there', async () => {
  expect(await writer.hasDoomedClaim(setThat('Delete'), pod, signal)).toBe(false)
  await createClaim()
  expect(await writer.hasDoomedClaim(setThat('Delete'), pod, signal)).toBe(false)
})
