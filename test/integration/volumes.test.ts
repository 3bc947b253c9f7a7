/** Binding of claims and volumes against a real control plane. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { persistentVolumeBinderController } from '#controllers/persistent-volume-binder/reconciler.ts'
import {
  EVENTS,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeClaim, makeClass, makePodWithClaim, makeVolume, VOLUME_NAMESPACE } from '#test/support/volumes.ts'

const namespace = VOLUME_NAMESPACE
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [persistentVolumeBinderController] })
})
afterEach(() => plane.stop())

const getClaim = (name: string) => plane.client.get(PERSISTENT_VOLUME_CLAIMS, { namespace, name })
const getVolume = (name: string) => plane.client.get(PERSISTENT_VOLUMES, { name })
const createClaim = (claim: PersistentVolumeClaim) => plane.client.create(PERSISTENT_VOLUME_CLAIMS, claim)
const createVolume = (volume: PersistentVolume) => plane.client.create(PERSISTENT_VOLUMES, volume)

async function boundPair(claimName: string, volumeName: string): Promise<DeepReadonly<PersistentVolumeClaim>> {
  return eventually(async () => {
    const claim = await getClaim(claimName)
    expect(claim).toMatchObject({ spec: { volumeName }, status: { phase: 'Bound' } })
    const volume = await getVolume(volumeName)
    expect(volume.status?.phase).toBe('Bound')
    expect(volume.spec.claimRef).toMatchObject({ namespace, name: claimName, uid: claim.metadata.uid })
    return claim
  })
}

const phaseOf = async (name: string) => (await getVolume(name)).status?.phase

async function eventOf(name: string, reason: string): Promise<string> {
  return eventually(async () => {
    const { items } = await plane.client.list(EVENTS, { fieldSelector: `involvedObject.name=${name},reason=${reason}` })
    expect(items.map((event) => event.reason)).toContain(reason)
    return items[0]?.message ?? ''
  })
}

describe('static binding', () => {
  it('gives a claim the smallest volume that fits, and marks both', async () => {
    await createVolume(makeVolume('large', { capacity: { storage: '10Gi' } }))
    await createVolume(makeVolume('fitting', { capacity: { storage: '2Gi' } }))
    await createVolume(makeVolume('small', { capacity: { storage: '500Mi' } }))
    await eventually(async () => expect(await phaseOf('fitting')).toBe('Available'))
    await eventually(async () => expect(await phaseOf('large')).toBe('Available'))
    await createClaim(makeClaim('data', { storageClassName: '' }))
    const claim = await boundPair('data', 'fitting')
    expect(claim.metadata.annotations).toEqual({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    })
    expect(claim.status).toMatchObject({ accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' } })
    const volume = await getVolume('fitting')
    expect(volume.metadata.annotations).toEqual({ 'pv.kubernetes.io/bound-by-controller': 'yes' })
    expect(volume.status?.lastPhaseTransitionTime).toBeDefined()
    expect(await phaseOf('large')).toBe('Available')
  })

  it('tells why a claim waits, and binds it when a volume comes', async () => {
    await createClaim(makeClaim('data'))
    expect(await eventOf('data', 'FailedBinding')).toBe(
      'no persistent volumes available for this claim and no storage class is set',
    )
    await createVolume(makeVolume('late'))
    await boundPair('data', 'late')
  })

  it('honours selector, class, mode and access modes', async () => {
    await createVolume({ ...makeVolume('labelled'), metadata: { name: 'labelled', labels: { tier: 'fast' } } })
    await createVolume(makeVolume('classy', { storageClassName: 'gold' }))
    await createVolume(makeVolume('block', { volumeMode: 'Block' }))
    await createVolume(makeVolume('shared', { accessModes: ['ReadWriteMany', 'ReadWriteOnce'] }))
    await createClaim(makeClaim('by-label', { selector: { matchLabels: { tier: 'fast' } } }))
    await createClaim(makeClaim('by-class', { storageClassName: 'gold' }))
    await createClaim(makeClaim('by-volume-mode', { volumeMode: 'Block' }))
    await createClaim(makeClaim('by-access-mode', { accessModes: ['ReadWriteMany'] }))
    await boundPair('by-label', 'labelled')
    await boundPair('by-class', 'classy')
    await boundPair('by-volume-mode', 'block')
    await boundPair('by-access-mode', 'shared')
  })

  it('binds a claim to the volume it names, and says why it cannot', async () => {
    await createClaim(makeClaim('wants', { volumeName: 'named', storageClassName: '' }))
    await createVolume(makeVolume('named'))
    const claim = await boundPair('wants', 'named')
    expect(claim.metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes' })

    await createClaim(makeClaim('too-late', { volumeName: 'named', storageClassName: '' }))
    expect(await eventOf('too-late', 'FailedBinding')).toBe('volume "named" already bound to a different claim.')
    await createVolume(makeVolume('tiny', { capacity: { storage: '1Mi' } }))
    await createClaim(makeClaim('too-big', { volumeName: 'tiny', storageClassName: '' }))
    expect(await eventOf('too-big', 'VolumeMismatch')).toBe(
      'Cannot bind to requested volume "tiny": requested PV is too small',
    )
    expect((await getClaim('too-big')).status?.phase).toBe('Pending')
  })

  it('keeps a volume for the claim it was prepared for', async () => {
    await createVolume(makeVolume('reserved', { claimRef: { namespace, name: 'chosen' } }))
    await createClaim(makeClaim('other'))
    await eventOf('other', 'FailedBinding')
    expect(await phaseOf('reserved')).toBe('Available')
    await createClaim(makeClaim('chosen'))
    await boundPair('chosen', 'reserved')
    expect((await getVolume('reserved')).metadata.annotations).toBeUndefined()
  })
})

describe('the end of a claim or volume', () => {
  it.each([
    ['Retain', 'Released', undefined],
    ['Recycle', 'Failed', ['VolumeFailedRecycle', 'No recycler plugin found for the volume!']],
    [
      'Delete',
      'Failed',
      ['VolumeFailedDelete', 'host_path deleter only supports /tmp/.+ but received provided /data/pv'],
    ],
  ] as const)('leaves a %s volume %s', async (persistentVolumeReclaimPolicy, phase, event) => {
    await createVolume(makeVolume('pv', { persistentVolumeReclaimPolicy }))
    await createClaim(makeClaim('data'))
    await boundPair('data', 'pv')
    await deleteClaim('data')
    await eventually(async () => expect(await phaseOf('pv')).toBe(phase))
    if (event !== undefined) expect(await eventOf('pv', event[0])).toBe(event[1])
  })

  it('does not give a released volume to a new claim of the same name', async () => {
    await createVolume(makeVolume('pv'))
    await createClaim(makeClaim('data'))
    const first = await boundPair('data', 'pv')
    await deleteClaim('data')
    await eventually(async () => expect(await phaseOf('pv')).toBe('Released'))
    await createClaim(makeClaim('data'))
    await eventOf('data', 'FailedBinding')
    expect((await getVolume('pv')).spec.claimRef?.uid).toBe(first.metadata.uid)
    expect((await getClaim('data')).status?.phase).toBe('Pending')
  })

  it('leaves a volume to the provisioner that made it', async () => {
    const volume = makeVolume('pv', { persistentVolumeReclaimPolicy: 'Delete' })
    await createVolume({
      ...volume,
      metadata: { name: 'pv', annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disk' } },
    })
    await createClaim(makeClaim('data'))
    await boundPair('data', 'pv')
    await deleteClaim('data')
    await eventually(async () => expect(await phaseOf('pv')).toBe('Released'))
  })

  it('makes a claim Lost when its volume goes', async () => {
    await createVolume(makeVolume('pv'))
    await createClaim(makeClaim('data'))
    await boundPair('data', 'pv')
    await plane.client.delete(PERSISTENT_VOLUMES, { name: 'pv' })
    await dropFinalizers()
    await eventually(async () => expect((await getClaim('data')).status?.phase).toBe('Lost'))
    expect(await eventOf('data', 'ClaimLost')).toBe(
      'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    )
  })
})

describe('dynamic provisioning', () => {
  it('names the provisioner on the claim and waits for it', async () => {
    await plane.client.create(STORAGE_CLASSES, makeClass('fast'))
    await createClaim(makeClaim('data', { storageClassName: 'fast' }))
    expect(await eventOf('data', 'ExternalProvisioning')).toBe(
      "Waiting for a volume to be created either by the external provisioner 'example.com/disk' or manually by the system " +
        'administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.',
    )
    const claim = await getClaim('data')
    expect(claim.metadata.annotations).toEqual({
      'volume.beta.kubernetes.io/storage-provisioner': 'example.com/disk',
      'volume.kubernetes.io/storage-provisioner': 'example.com/disk',
    })
    const { uid } = claim.metadata
    const claimRef = { kind: 'PersistentVolumeClaim', namespace, name: 'data', ...(uid === undefined ? {} : { uid }) }
    await createVolume(makeVolume('made', { storageClassName: 'fast', claimRef }))
    await boundPair('data', 'made')
  })

  it('waits for the first consumer, then for it to be scheduled, then for the provisioner', async () => {
    await plane.client.create(STORAGE_CLASSES, makeClass('late', { volumeBindingMode: 'WaitForFirstConsumer' }))
    await createVolume(makeVolume('free', { storageClassName: 'late' }))
    await createClaim(makeClaim('data', { storageClassName: 'late' }))
    expect(await eventOf('data', 'WaitForFirstConsumer')).toBe(
      'waiting for first consumer to be created before binding',
    )
    await plane.client.create(SERVICE_ACCOUNTS, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace },
    })
    await plane.client.create(PODS, makePodWithClaim('web', 'data'))
    expect(await eventOf('data', 'WaitForPodScheduled')).toBe('waiting for pod web to be scheduled')
    const annotations = { 'volume.kubernetes.io/selected-node': 'node-1' }
    await plane.client.patch(
      PERSISTENT_VOLUME_CLAIMS,
      { namespace, name: 'data' },
      { type: 'merge', body: { metadata: { annotations } } },
    )
    await eventOf('data', 'ExternalProvisioning')
    expect(await phaseOf('free')).toBe('Available')
    expect((await getClaim('data')).status?.phase).toBe('Pending')
  })

  it('says that a class is missing, and goes on when it comes', async () => {
    await createClaim(makeClaim('data', { storageClassName: 'fast' }))
    expect(await eventOf('data', 'ProvisioningFailed')).toBe('storageclass.storage.k8s.io "fast" not found')
    await plane.client.create(STORAGE_CLASSES, makeClass('fast'))
    await eventOf('data', 'ExternalProvisioning')
  })

  it('gives the default class to claims that were there before it', async () => {
    await createClaim(makeClaim('data'))
    await createClaim(makeClaim('none', { storageClassName: '' }))
    await eventOf('data', 'FailedBinding')
    await plane.client.create(STORAGE_CLASSES, {
      ...makeClass('standard'),
      metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    })
    await eventually(async () => expect((await getClaim('data')).spec.storageClassName).toBe('standard'))
    await eventOf('data', 'ExternalProvisioning')
    expect((await getClaim('none')).spec.storageClassName).toBe('')
  })
})

describe('a thousand claims and a thousand volumes', () => {
  const count = 1_000
  const numbers = Array.from({ length: count }, (_, i) => i)
  const createVolumes = () => Promise.all(numbers.map((i) => createVolume(makeVolume(`pv-${i}`))))
  const createClaims = () => Promise.all(numbers.map((i) => createClaim(makeClaim(`data-${i}`))))

  it.each([
    ['volumes', [createVolumes, createClaims]],
    ['claims', [createClaims, createVolumes]],
  ])(
    'are bound one to one when the %s come first',
    async (_what, steps) => {
      for (const create of steps) await create()
      await eventually(async () => {
        const { items } = await plane.client.list(PERSISTENT_VOLUME_CLAIMS, { namespace })
        expect(items.filter(({ status }) => status?.phase === 'Bound')).toHaveLength(count)
        expect(new Set(items.map(({ spec }) => spec.volumeName)).size).toBe(count)
      }, 60_000)
    },
    120_000,
  )
})

async function deleteClaim(name: string): Promise<void> {
  await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace, name })
  await dropFinalizers()
}

/** The protection controllers do not run in these tests. */
async function dropFinalizers(): Promise<void> {
  for (const resource of [PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES] as const) {
    const { items } = await plane.client.list<PersistentVolume | PersistentVolumeClaim>(resource as never)
    for (const { metadata } of items) {
      if (metadata.deletionTimestamp === undefined) continue
      const key = metadata.namespace === undefined ? {} : { namespace: metadata.namespace }
      const body = { metadata: { finalizers: null } }
      await plane.client.patch(resource as never, { ...key, name: metadata.name ?? '' }, { type: 'merge', body })
    }
  }
}
