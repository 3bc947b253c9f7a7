/** Attaching and detaching CSI volumes against a real control plane; the driver's attacher and the kubelet are played here. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { attachDetachController } from '#controllers/attach-detach/reconciler.ts'
import { persistentVolumeBinderController } from '#controllers/persistent-volume-binder/reconciler.ts'
import {
  EVENTS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import { CSI_DRIVERS, VOLUME_ATTACHMENTS } from '#machinery/api/storage/v1/resources.gen.ts'
import type { VolumeAttachment } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { makeClaim, makePodWithClaim, makeVolume, VOLUME_NAMESPACE } from '#test/support/volumes.ts'

const namespace = VOLUME_NAMESPACE
const DRIVER = 'example.com'
const UNIQUE_NAME = `kubernetes.io/csi/${DRIVER}^h-pv`
let plane: TestControlPlane
let clock: FakeClock
let storage: MemoryStorage

async function start(): Promise<void> {
  const controllers = [persistentVolumeBinderController, attachDetachController]
  plane = await startTestControlPlane({ clock, storage, controllers })
}

beforeEach(async () => {
  clock = new FakeClock()
  storage = new MemoryStorage({ clock })
  await start()
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
  await plane.client.create(SERVICE_ACCOUNTS, account)
  for (const name of ['n1', 'n2']) {
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
    await plane.client.create(NODES, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, annotations },
      spec: {},
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    })
  }
})
afterEach(async () => {
  await plane.stop()
  await storage.close()
})

async function bindVolume(accessModes = ['ReadWriteOnce']): Promise<void> {
  const { hostPath: _none, ...spec } = makeVolume('pv', { accessModes }).spec
  const csi = { driver: DRIVER, volumeHandle: 'h-pv' }
  await plane.client.create(PERSISTENT_VOLUMES, { ...makeVolume('pv'), spec: { ...spec, csi } })
  await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim('data', { accessModes }))
}

const attachments = async (): Promise<readonly DeepReadonly<VolumeAttachment>[]> =>
  (await plane.client.list(VOLUME_ATTACHMENTS)).items

const attachmentOn = (node: string) =>
  eventually(async () => {
    const found = (await attachments()).find(({ spec }) => spec.nodeName === node)
    expect(found).toBeDefined()
    return found as DeepReadonly<VolumeAttachment>
  })

/** What the driver's attacher does. */
async function report(node: string, status: VolumeAttachment['status']): Promise<void> {
  const { metadata } = await attachmentOn(node)
  const key = { name: metadata.name ?? '' }
  await plane.client.patch(VOLUME_ATTACHMENTS, key, { type: 'merge', body: { status } }, { subresource: 'status' })
}

const volumesAttached = async (node: string) =>
  ((await plane.client.get(NODES, { name: node })).status?.volumesAttached ?? []).map(({ name }) => name)

const patchNode = (name: string, body: object, subresource?: string) =>
  plane.client.patch(NODES, { name }, { type: 'merge', body }, subresource === undefined ? {} : { subresource })

const reportInUse = (node: string, volumesInUse: string[]) => patchNode(node, { status: { volumesInUse } }, 'status')

const runPod = (name: string, node: string) => plane.client.create(PODS, makePodWithClaim(name, 'data', node))
const removePod = (name: string) => plane.client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0 })

async function eventOf(name: string, reason: string): Promise<string> {
  return eventually(async () => {
    const { items } = await plane.client.list(EVENTS, { fieldSelector: `involvedObject.name=${name},reason=${reason}` })
    expect(items.map((event) => event.reason)).toContain(reason)
    return items[0]?.message ?? ''
  })
}

async function attachTo(node: string): Promise<void> {
  await bindVolume()
  await runPod('web', node)
  await report(node, { attached: true })
  await eventually(async () => expect(await volumesAttached(node)).toEqual([UNIQUE_NAME]))
}

describe('a Pod with a CSI volume', () => {
  it('gets it attached, and detached when it is gone', async () => {
    await bindVolume()
    await runPod('web', 'n1')
    const { spec } = await attachmentOn('n1')
    expect(spec).toEqual({ attacher: DRIVER, nodeName: 'n1', source: { persistentVolumeName: 'pv' } })
    expect(await volumesAttached('n1')).toEqual([])
    await report('n1', { attached: true })
    expect(await eventOf('web', 'SuccessfulAttachVolume')).toBe('AttachVolume.Attach succeeded for volume "pv" ')
    await eventually(async () => expect(await volumesAttached('n1')).toEqual([UNIQUE_NAME]))
    await removePod('web')
    await eventually(async () => {
      expect(await attachments()).toEqual([])
      expect(await volumesAttached('n1')).toEqual([])
    })
  })

  it('is told why it is not attached', async () => {
    await bindVolume()
    await runPod('web', 'n1')
    await report('n1', { attached: false, attachError: { message: 'no such disk', time: '2026-01-01T00:00:00Z' } })
    expect(await eventOf('web', 'FailedAttachVolume')).toBe('AttachVolume.Attach failed for volume "pv" : no such disk')
  })

  it('waits while another node has it, and gets it afterwards', async () => {
    await attachTo('n1')
    await runPod('other', 'n2')
    expect(await eventOf('other', 'FailedAttachVolume')).toBe(
      'Multi-Attach error for volume "pv" Volume is already used by pod(s) web',
    )
    expect(await attachments()).toHaveLength(1)
    await removePod('web')
    await attachmentOn('n2')
    expect(await attachments()).toHaveLength(1)
  })

  it('shares it with other nodes where the volume allows it', async () => {
    await bindVolume(['ReadWriteMany'])
    await runPod('web', 'n1')
    await runPod('other', 'n2')
    await attachmentOn('n1')
    await attachmentOn('n2')
  })

  it('needs no attachment where the driver says so, or where the node attaches itself', async () => {
    const driver = { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: DRIVER } }
    await plane.client.create(CSI_DRIVERS, { ...driver, spec: { attachRequired: false } })
    await bindVolume()
    await runPod('web', 'n1')
    await patchNode('n2', { metadata: { annotations: null } })
    await runPod('other', 'n2')
    await eventually(async () => {
      const claim = await plane.client.get(PERSISTENT_VOLUME_CLAIMS, { namespace, name: 'data' })
      expect(claim.status?.phase).toBe('Bound')
    })
    await plane.client.delete(CSI_DRIVERS, { name: DRIVER })
    await attachmentOn('n1')
    expect(await attachments()).toHaveLength(1)
  })
})

describe('a volume that is mounted', () => {
  it('is not detached before the node says it is not', async () => {
    await attachTo('n1')
    await reportInUse('n1', [UNIQUE_NAME])
    await removePod('web')
    await runPod('other', 'n2')
    expect(await eventOf('other', 'FailedAttachVolume')).toContain('already exclusively attached to one node')
    await clock.advanceInSteps(600_000, 30_000)
    expect((await attachmentOn('n1')).metadata.deletionTimestamp).toBeUndefined()
    await reportInUse('n1', [])
    await attachmentOn('n2')
  })

  it('is taken from a node that is not ready after six minutes', async () => {
    await attachTo('n1')
    await reportInUse('n1', [UNIQUE_NAME])
    await patchNode('n1', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, 'status')
    await removePod('web')
    await runPod('other', 'n2')
    await eventOf('other', 'FailedAttachVolume')
    await eventually(async () => {
      await clock.advanceInSteps(60_000, 10_000)
      expect((await attachments()).map(({ spec }) => spec.nodeName)).toEqual(['n2'])
    })
    expect(clock.monotonicMs()).toBeGreaterThan(360_000)
  })

  it('is taken at once from a node that is out of service', async () => {
    await attachTo('n1')
    await reportInUse('n1', [UNIQUE_NAME])
    await patchNode('n1', {
      spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] },
    })
    await removePod('web')
    await eventually(async () => expect(await attachments()).toEqual([]))
  })
})

it('goes on with what it finds after a restart', async () => {
  await attachTo('n1')
  await eventOf('web', 'SuccessfulAttachVolume')
  await plane.stop()
  await start()
  await runPod('late', 'n1') // Needs no other attachment; its own reconcile finds the volume attached.
  await runPod('other', 'n2')
  await eventOf('other', 'FailedAttachVolume')
  expect(await attachments()).toHaveLength(1)
  const { items } = await plane.client.list(EVENTS, { fieldSelector: 'reason=SuccessfulAttachVolume' })
  expect(items.map(({ count }) => count)).toEqual([1])
  await removePod('web')
  await removePod('late')
  await attachmentOn('n2')
  await eventually(async () => expect(await volumesAttached('n1')).toEqual([]))
})

it('leaves attachments alone that somebody made by hand', async () => {
  await attachTo('n1')
  await plane.client.create(VOLUME_ATTACHMENTS, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: 'by-hand' },
    spec: { attacher: 'other', nodeName: 'n2', source: { persistentVolumeName: 'pv' } },
  })
  await removePod('web')
  await eventually(async () => {
    expect((await attachments()).map(({ metadata }) => metadata.name)).toEqual(['by-hand'])
  })
})
