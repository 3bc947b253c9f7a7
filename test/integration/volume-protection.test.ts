/** What keeps claims, volumes and their classes from going too early; claims of ephemeral volumes; who expands. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ephemeralVolumeController } from '#controllers/ephemeral-volume/reconciler.ts'
import { persistentVolumeBinderController } from '#controllers/persistent-volume-binder/reconciler.ts'
import { attributesClassProtectionController } from '#controllers/storage-protection/attributes-classes.ts'
import { claimProtectionController } from '#controllers/storage-protection/claims.ts'
import { volumeProtectionController } from '#controllers/storage-protection/volumes.ts'
import { volumeExpandController } from '#controllers/volume-expand/reconciler.ts'
import {
  EVENTS,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES, VOLUME_ATTRIBUTES_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import { isForbidden, isNotFound } from '#machinery/meta/errors.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeClaim, makeClass, makePodWithClaim, makeVolume, VOLUME_NAMESPACE } from '#test/support/volumes.ts'

const namespace = VOLUME_NAMESPACE
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({
    controllers: [
      persistentVolumeBinderController,
      claimProtectionController,
      volumeProtectionController,
      attributesClassProtectionController,
      ephemeralVolumeController,
      volumeExpandController,
    ],
  })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
  await plane.client.create(SERVICE_ACCOUNTS, account)
})
afterEach(() => plane.stop())

const claimKey = (name: string) => ({ namespace, name })
const getClaim = (name: string) => plane.client.get(PERSISTENT_VOLUME_CLAIMS, claimKey(name))
const deleteNow = (name: string) => plane.client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0 })

async function isGone(get: () => Promise<unknown>): Promise<void> {
  await eventually(async () => expect(isNotFound(await get().catch((err: unknown) => err))).toBe(true))
}

async function boundClaim(volume: Partial<PersistentVolume['spec']> = {}): Promise<void> {
  await plane.client.create(PERSISTENT_VOLUMES, makeVolume('pv', volume))
  await plane.client.create(
    PERSISTENT_VOLUME_CLAIMS,
    makeClaim('data', { storageClassName: volume.storageClassName ?? '' }),
  )
  await eventually(async () => expect((await getClaim('data')).status?.phase).toBe('Bound'))
}

async function eventsOf(name: string, reason: string) {
  const { items } = await plane.client.list(EVENTS, { fieldSelector: `involvedObject.name=${name},reason=${reason}` })
  return items
}

describe('protection', () => {
  it('keeps a claim until its last scheduled Pod is gone, then its volume', async () => {
    await boundClaim()
    expect((await getClaim('data')).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
    await plane.client.create(PODS, makePodWithClaim('one', 'data', 'node'))
    await plane.client.create(PODS, makePodWithClaim('two', 'data', 'node'))
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, claimKey('data'))
    await plane.client.delete(PERSISTENT_VOLUMES, { name: 'pv' })
    await deleteNow('one')
    await isGone(() => plane.client.get(PODS, { namespace, name: 'one' }))
    // The claim is looked at again because of the Pod; a second one proves that look is over.
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim('other'))
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, claimKey('other'))
    await isGone(() => getClaim('other'))
    expect((await getClaim('data')).metadata.deletionTimestamp).toBeDefined()
    expect((await plane.client.get(PERSISTENT_VOLUMES, { name: 'pv' })).status?.phase).toBe('Bound')
    await deleteNow('two')
    await isGone(() => getClaim('data'))
    await isGone(() => plane.client.get(PERSISTENT_VOLUMES, { name: 'pv' }))
  })

  it('does not wait for Pods that no node has', async () => {
    await boundClaim()
    await plane.client.create(PODS, makePodWithClaim('pending', 'data'))
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, claimKey('data'))
    await isGone(() => getClaim('data'))
  })

  it('gives the finalizer to what came without it', async () => {
    await plane.client.create(PERSISTENT_VOLUMES, makeVolume('pv'))
    const body = { metadata: { finalizers: null } }
    await plane.client.patch(PERSISTENT_VOLUMES, { name: 'pv' }, { type: 'merge', body })
    await eventually(async () => {
      const { metadata } = await plane.client.get(PERSISTENT_VOLUMES, { name: 'pv' })
      expect(metadata.finalizers).toEqual(['kubernetes.io/pv-protection'])
    })
  })

  it('lets a thousand claims of one namespace go', async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `data-${i}`)
    await Promise.all(names.map((name) => plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim(name))))
    await plane.client.deleteCollection(PERSISTENT_VOLUME_CLAIMS, { namespace })
    await eventually(async () => {
      expect((await plane.client.list(PERSISTENT_VOLUME_CLAIMS, { namespace })).items).toEqual([])
    }, 30_000)
  }, 60_000)

  it('keeps a VolumeAttributesClass while a claim names it', async () => {
    const key = { name: 'gold' }
    const meta = { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttributesClass', metadata: { name: 'gold' } }
    const parameters = { iops: '1' }
    await plane.client.create(VOLUME_ATTRIBUTES_CLASSES, { ...meta, driverName: 'example.com', parameters })
    await eventually(async () => {
      const { metadata } = await plane.client.get(VOLUME_ATTRIBUTES_CLASSES, key)
      expect(metadata.finalizers).toEqual(['kubernetes.io/vac-protection'])
    })
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim('data', { volumeAttributesClassName: 'gold' }))
    await eventually(async () => expect((await eventsOf('data', 'FailedBinding')).length).toBe(1))
    await plane.client.delete(VOLUME_ATTRIBUTES_CLASSES, key)
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, claimKey('data'))
    await isGone(() => plane.client.get(VOLUME_ATTRIBUTES_CLASSES, key))
    await isGone(() => getClaim('data'))
  })
})

describe('ephemeral volumes', () => {
  const pod = (name: string): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      volumes: [
        {
          name: 'scratch',
          ephemeral: {
            volumeClaimTemplate: {
              metadata: { labels: { app: 'web' } },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            },
          },
        },
      ],
    },
  })

  it('have a claim that their Pod owns, made anew when it is deleted', async () => {
    const created = await plane.client.create(PODS, pod('web'))
    const first = await eventually(() => getClaim('web-scratch'))
    expect(first.metadata).toMatchObject({
      labels: { app: 'web' },
      ownerReferences: [{ kind: 'Pod', name: 'web', uid: created.metadata.uid, controller: true }],
    })
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, claimKey('web-scratch'))
    await eventually(async () => expect((await getClaim('web-scratch')).metadata.uid).not.toBe(first.metadata.uid))
  })

  it('do not take over a claim somebody else made', async () => {
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim('web-scratch'))
    await plane.client.create(PODS, pod('web'))
    await eventually(async () => {
      const message =
        'ephemeral volume scratch: PVC default/web-scratch was not created for pod default/web (pod is not owner)'
      expect((await eventsOf('web', 'FailedBinding'))[0]?.message).toBe(message)
    })
  })
})

describe('expansion', () => {
  const grow = () =>
    plane.client.patch(PERSISTENT_VOLUME_CLAIMS, claimKey('data'), {
      type: 'merge',
      body: { spec: { resources: { requests: { storage: '5Gi' } } } },
    })

  it('is left to the resizer where the class allows it', async () => {
    await plane.client.create(STORAGE_CLASSES, makeClass('elastic', { allowVolumeExpansion: true }))
    const { hostPath: _none, ...spec } = makeVolume('pv').spec
    const csi = { driver: 'example.com', volumeHandle: 'h' }
    await plane.client.create(PERSISTENT_VOLUMES, {
      ...makeVolume('pv'),
      spec: { ...spec, csi, storageClassName: 'elastic' },
    })
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim('data', { storageClassName: 'elastic' }))
    await eventually(async () => expect((await getClaim('data')).status?.phase).toBe('Bound'))
    await grow()
    await eventually(async () => {
      const [event] = await eventsOf('data', 'ExternalExpanding')
      expect(event).toMatchObject({ type: 'Normal', message: 'waiting for an external controller to expand this PVC' })
    })
    expect((await getClaim('data')).status?.capacity).toEqual({ storage: '1Gi' })
  })

  it('is refused where the class does not allow it', async () => {
    await plane.client.create(STORAGE_CLASSES, makeClass('fixed'))
    await boundClaim({ storageClassName: 'fixed' })
    expect(isForbidden(await grow().catch((err: unknown) => err))).toBe(true)
  })
})
