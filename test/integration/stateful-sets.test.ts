/** StatefulSets against a real control plane; the test runs the Pods by hand. The upstream e2e tests' assertions are among these. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { garbageCollectorController } from '#controllers/garbage-collector/controller.ts'
import { statefulSetController } from '#controllers/statefulset/reconciler.ts'
import { claimProtectionController } from '#controllers/storage-protection/claims.ts'
import { CONTROLLER_REVISIONS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { StatefulSet, StatefulSetSpec } from '#machinery/api/apps/v1/types.gen.ts'
import {
  EVENTS,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  RESOURCE_QUOTAS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { systemClock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AnyControllerDefinition } from '#sdk'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { HandRunPods, isGoing } from '#test/support/hand-run-pods.ts'

const namespace = 'default'
const key = { namespace, name: 'web' }
let plane: TestControlPlane
let pods: HandRunPods

async function start(
  controllers: readonly AnyControllerDefinition[] = [statefulSetController()],
  featureGates: readonly string[] = [],
): Promise<void> {
  plane = await startTestControlPlane({ controllers, featureGates })
  pods = new HandRunPods(plane.client)
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
}

beforeEach(() => start())
afterEach(() => plane.stop())

const statefulSet = (spec: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 3,
    serviceName: 'headless',
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'one' }] } },
    ...spec,
  },
})

const create = (spec: Partial<StatefulSetSpec> = {}) => plane.client.create(STATEFUL_SETS, statefulSet(spec))
const patch = (body: object) => plane.client.patch(STATEFUL_SETS, key, { type: 'merge', body })
const setImage = (image: string) => patch({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } })
const get = () => plane.client.get(STATEFUL_SETS, key)
const names = async (): Promise<(string | undefined)[]> => (await pods.list()).map(({ metadata }) => metadata.name)
const imageOf = ({ spec }: DeepReadonly<Pod>): string | undefined => spec.containers[0]?.image
const images = async (): Promise<(string | undefined)[]> => (await pods.list()).map(imageOf)

/** Pods become ready and go as they are asked to, until the set has this state. */
async function settled(replicas: number): Promise<DeepReadonly<StatefulSet>> {
  return eventually(async () => {
    await pods.runAll()
    const live = await get()
    expect(live.status).toMatchObject({ replicas, observedGeneration: live.metadata.generation })
    expect(live.status?.readyReplicas ?? 0).toBe(replicas)
    expect(live.status?.currentRevision).toBe(live.status?.updateRevision)
    expect(await pods.list()).toHaveLength(replicas)
    return live
  })
}

/** What the controller is done with: it has seen the state the API has, and nothing follows. */
async function observed(): Promise<DeepReadonly<StatefulSet>> {
  await patch({ spec: { revisionHistoryLimit: 9 } })
  const { metadata } = await patch({ spec: { revisionHistoryLimit: 10 } })
  return eventually(async () => {
    const live = await get()
    expect(live.status?.observedGeneration).toBe(metadata.generation)
    return live
  })
}

async function messages(reason: string): Promise<(string | undefined)[]> {
  const { items } = await plane.client.list(EVENTS, { namespace })
  return items.filter((event) => event.reason === reason).map(({ message }) => message)
}

describe('a StatefulSet that keeps order', () => {
  it('makes its Pods one after the other, each when the one before is ready', async () => {
    await create()
    await eventually(async () => expect(await names()).toEqual(['web-0']))
    await observed()
    expect(await names()).toEqual(['web-0'])
    await pods.setReady(await pods.get('web-0'))
    await eventually(async () => expect(await names()).toEqual(['web-0', 'web-1']))
    await observed()
    expect(await names()).toEqual(['web-0', 'web-1'])
    const { status } = await settled(3)
    const currentRevision = status?.currentRevision ?? ''
    expect(status).toEqual({
      observedGeneration: expect.any(Number),
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      currentRevision,
      updateRevision: currentRevision,
      collisionCount: 0,
    })
    await eventually(async () =>
      expect(await messages('SuccessfulCreate')).toEqual(
        expect.arrayContaining(['Create Pod web-0 in StatefulSet web successful']),
      ),
    )
  })

  it('gives each Pod its identity', async () => {
    await create({ replicas: 1, ordinals: { start: 5 } })
    const pod = await eventually(() => pods.get('web-5'))
    const revision = await eventually(async () => {
      const { currentRevision } = (await get()).status ?? {}
      expect(currentRevision).toMatch(/^web-[a-z0-9]+$/)
      return currentRevision
    })
    expect(pod.metadata).toMatchObject({
      generateName: 'web-',
      labels: {
        app: 'web',
        'controller-revision-hash': revision,
        'statefulset.kubernetes.io/pod-name': 'web-5',
        'apps.kubernetes.io/pod-index': '5',
      },
      ownerReferences: [{ kind: 'StatefulSet', name: 'web', controller: true, blockOwnerDeletion: true }],
    })
    expect(pod.spec).toMatchObject({ hostname: 'web-5', subdomain: 'headless' })
    await plane.client.patch(
      PODS,
      { namespace, name: 'web-5' },
      {
        type: 'merge',
        body: {
          metadata: { labels: { 'apps.kubernetes.io/pod-index': null, 'statefulset.kubernetes.io/pod-name': 'x' } },
        },
      },
    )
    await pods.runAll()
    await eventually(async () =>
      expect((await pods.get('web-5')).metadata.labels).toMatchObject({
        'statefulset.kubernetes.io/pod-name': 'web-5',
        'apps.kubernetes.io/pod-index': '5',
      }),
    )
  })

  it('scales down from the highest ordinal, and halts while a Pod is not ready', async () => {
    await create()
    await settled(3)
    await pods.setReady(await pods.get('web-0'), false)
    await patch({ spec: { replicas: 1 } })
    await observed()
    expect(await names()).toEqual(['web-0', 'web-1', 'web-2'])
    await pods.setReady(await pods.get('web-0'))
    await settled(1)
    await pods.setReady(await pods.get('web-0'), false)
    await patch({ spec: { replicas: 3 } })
    await observed()
    expect(await names()).toEqual(['web-0'])
    await pods.setReady(await pods.get('web-0'))
    await settled(3)
  })

  it('makes a Pod anew that was deleted, failed, succeeded or evicted, and waits for one that is going', async () => {
    await create({ replicas: 2 })
    await settled(2)
    for (const phase of ['Failed', 'Succeeded'] as const) {
      const before = await pods.get('web-1')
      await pods.end(before, phase)
      await eventually(async () => expect((await pods.get('web-1')).metadata.uid).not.toBe(before.metadata.uid))
      await settled(2)
    }
    const bound = await pods.get('web-0')
    await pods.bind(bound, 'node-1')
    await plane.client.delete(PODS, { namespace, name: 'web-0' })
    expect(isGoing(await pods.get('web-0'))).toBe(true)
    await observed()
    expect((await pods.get('web-0')).metadata.uid).toBe(bound.metadata.uid)
    await pods.finish(bound)
    await eventually(async () => expect((await pods.get('web-0')).metadata.uid).not.toBe(bound.metadata.uid))
  })

  it('does not count a Pod as available before its time', async () => {
    await create({ replicas: 2, minReadySeconds: 3600 })
    const first = await eventually(() => pods.get('web-0'))
    await pods.setReady(first, true, new Date().toISOString().replace(/\.\d+/, ''))
    await eventually(async () => expect((await get()).status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 }))
    expect(await names()).toEqual(['web-0'])
    await pods.setReady(await pods.get('web-0'))
    await eventually(async () => expect(await names()).toEqual(['web-0', 'web-1']))
  })
})

describe('a rolling update of a StatefulSet', () => {
  it('goes from the highest ordinal down, one at a time, and back by its history', async () => {
    await create()
    const before = await settled(3)
    await setImage('two')
    await eventually(async () => expect(await images()).toEqual(['one', 'one', 'two']))
    const during = await observed()
    expect(during.status).toMatchObject({
      currentRevision: before.status?.currentRevision,
      updatedReplicas: 1,
      currentReplicas: 2,
    })
    expect(during.status?.updateRevision).not.toBe(before.status?.updateRevision)
    const after = await settled(3)
    expect(await images()).toEqual(['two', 'two', 'two'])
    expect(after.status?.currentRevision).toBe(during.status?.updateRevision)
    await setImage('one')
    const back = await settled(3)
    expect(back.status?.currentRevision).toBe(before.status?.currentRevision)
    const { items } = await plane.client.list(CONTROLLER_REVISIONS, { namespace })
    expect(items.map(({ revision }) => revision).sort()).toEqual([2, 3])
    const revived = items.find(({ metadata }) => metadata.name === back.status?.currentRevision)
    expect(revived?.revision).toBe(3)
    expect(revived?.metadata).toMatchObject({
      labels: { app: 'web', 'controller.kubernetes.io/hash': back.status?.currentRevision?.slice('web-'.length) },
      ownerReferences: [{ kind: 'StatefulSet', name: 'web', controller: true }],
    })
    expect(revived?.data).toMatchObject({
      spec: { template: { $patch: 'replace', spec: { containers: [{ image: 'one' }] } } },
    })
  })

  it('leaves Pods below the partition as they are, and makes them anew as they were', async () => {
    await create({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } })
    await settled(3)
    await setImage('two')
    await eventually(async () => {
      await pods.runAll()
      expect(await images()).toEqual(['one', 'one', 'two'])
      expect((await get()).status).toMatchObject({ updatedReplicas: 1, readyReplicas: 3, currentReplicas: 2 })
    })
    await plane.client.delete(PODS, { namespace, name: 'web-0' })
    await eventually(async () => {
      await pods.runAll()
      expect(await images()).toEqual(['one', 'one', 'two'])
      expect((await get()).status).toMatchObject({ readyReplicas: 3 })
    })
    await patch({ spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } })
    await settled(3)
    expect(await images()).toEqual(['two', 'two', 'two'])
  })

  it('waits for Pods to be deleted with OnDelete', async () => {
    await create({ updateStrategy: { type: 'OnDelete' } })
    await eventually(async () => {
      await pods.runAll()
      expect((await get()).status).toMatchObject({ readyReplicas: 3 })
    })
    await setImage('two')
    await observed()
    expect(await images()).toEqual(['one', 'one', 'one'])
    await plane.client.delete(PODS, { namespace, name: 'web-1' })
    await eventually(async () => expect(await images()).toEqual(['one', 'two', 'one']))
  })

  it('stops at a Pod that does not become ready, also when the template is put right', async () => {
    await create()
    await settled(3)
    await setImage('broken')
    await eventually(async () => expect(await images()).toEqual(['one', 'one', 'broken']))
    await setImage('mended')
    await observed()
    expect(await images()).toEqual(['one', 'one', 'broken'])
    await plane.client.delete(PODS, { namespace, name: 'web-2' })
    await settled(3)
    expect(await images()).toEqual(['mended', 'mended', 'mended'])
  })

  it('forgets old templates beyond its limit, never one in use', async () => {
    await create({ replicas: 1, revisionHistoryLimit: 1 })
    for (const image of ['one', 'two', 'three', 'four']) {
      await setImage(image)
      await settled(1)
    }
    await eventually(async () => {
      const { items } = await plane.client.list(CONTROLLER_REVISIONS, { namespace })
      expect(items.map(({ revision }) => revision).sort()).toEqual([3, 4])
    })
  })

  it('does not keep maxUnavailable while the gate is off', async () => {
    const rollingUpdate = { partition: 1, maxUnavailable: 2 }
    const made = await create({ replicas: 0, updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
    expect(made.spec.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { partition: 1 } })
    const patched = await patch({ spec: { updateStrategy: { rollingUpdate } } })
    expect(patched.spec.updateStrategy?.rollingUpdate).toEqual({ partition: 1 })
    expect(patched.metadata.generation).toBe(1)
  })

  it('keeps maxUnavailable where it is stored when the gate goes off', async () => {
    await plane.stop()
    const storage = new MemoryStorage({ clock: systemClock })
    plane = await startTestControlPlane({ storage, featureGates: ['MaxUnavailableStatefulSet'] })
    const made = await create({ replicas: 0 })
    expect(made.spec.updateStrategy?.rollingUpdate).toEqual({ partition: 0, maxUnavailable: 1 })
    await plane.stop()
    plane = await startTestControlPlane({ storage })
    const patched = await patch({ spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 3 } } } })
    expect(patched.spec.updateStrategy?.rollingUpdate).toEqual({ partition: 0, maxUnavailable: 3 })
  })

  it('takes as many Pods as maxUnavailable says when the gate is on', async () => {
    await plane.stop()
    await start([statefulSetController({ honoursMaxUnavailable: true })], ['MaxUnavailableStatefulSet'])
    const rollingUpdate = { partition: 1, maxUnavailable: 2 }
    await create({
      replicas: 4,
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate },
    })
    await settled(4)
    await setImage('two')
    await eventually(async () => expect(await images()).toEqual(['one', 'one', 'two', 'two']))
    await observed()
    expect(await images()).toEqual(['one', 'one', 'two', 'two'])
    await eventually(async () => {
      await pods.runAll()
      expect(await images()).toEqual(['one', 'two', 'two', 'two'])
    })
  })
})

describe('a StatefulSet that may do all at once', () => {
  it('makes and removes its Pods without waiting, and fills gaps', async () => {
    await create({ podManagementPolicy: 'Parallel' })
    await eventually(async () => expect(await names()).toEqual(['web-0', 'web-1', 'web-2']))
    await patch({ spec: { replicas: 5 } })
    await eventually(async () => expect(await names()).toHaveLength(5))
    await plane.client.delete(PODS, { namespace, name: 'web-1' })
    await eventually(async () => expect(await names()).toContain('web-1'))
    await patch({ spec: { replicas: 0 } })
    await eventually(async () => expect(await names()).toEqual([]))
  })

  it('moves to other ordinals', async () => {
    await create({ podManagementPolicy: 'Parallel', replicas: 2 })
    await settled(2)
    await patch({ spec: { ordinals: { start: 1 } } })
    await settled(2)
    expect(await names()).toEqual(['web-1', 'web-2'])
  })
})

describe('what belongs to a StatefulSet', () => {
  it('adopts orphans of its name and labels, and releases Pods that lose theirs', async () => {
    const orphan = (name: string): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'one' }] },
    })
    await plane.client.create(PODS, orphan('web-0'))
    await plane.client.create(PODS, orphan('other-0'))
    await create({ replicas: 1 })
    await eventually(async () =>
      expect((await pods.get('web-0')).metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'web' }]),
    )
    expect((await pods.get('other-0')).metadata.ownerReferences).toBeUndefined()
    await plane.client.patch(
      PODS,
      { namespace, name: 'web-0' },
      { type: 'merge', body: { metadata: { labels: { app: 'x' } } } },
    )
    await eventually(async () => expect((await pods.get('web-0')).metadata.ownerReferences).toBeUndefined())
  })

  it('takes its revisions over from one of its name that was deleted without them', async () => {
    await create({ replicas: 1 })
    const before = await settled(1)
    await plane.client.patch(
      CONTROLLER_REVISIONS,
      { namespace, name: before.status?.currentRevision ?? '' },
      {
        type: 'merge',
        body: { metadata: { ownerReferences: null } },
      },
    )
    await eventually(async () => {
      await observed()
      const { items } = await plane.client.list(CONTROLLER_REVISIONS, { namespace })
      expect(items).toHaveLength(1)
      expect(items[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'web' }])
    })
  })

  it('makes no template again for a set that is being deleted', async () => {
    await create({ replicas: 1 })
    const { status } = await settled(1)
    await plane.client.delete(STATEFUL_SETS, key, { propagationPolicy: 'Foreground' })
    await plane.client.delete(CONTROLLER_REVISIONS, { namespace, name: status?.currentRevision ?? '' })
    expect((await observed()).status).toMatchObject({ updateRevision: status?.updateRevision })
    expect((await plane.client.list(CONTROLLER_REVISIONS, { namespace })).items).toEqual([])
  })

  const claims = async () => (await plane.client.list(PERSISTENT_VOLUME_CLAIMS, { namespace })).items
  const volumeClaimTemplates = [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', labels: { own: 'label' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ] satisfies StatefulSetSpec['volumeClaimTemplates']

  it('has claims of its own for every Pod, which outlive it', async () => {
    await create({ replicas: 2, volumeClaimTemplates })
    await settled(2)
    expect((await claims()).map(({ metadata }) => metadata.name).sort()).toEqual(['data-web-0', 'data-web-1'])
    const [claim] = await claims()
    expect(claim?.metadata).toMatchObject({ labels: { app: 'web', own: 'label' } })
    expect(claim?.metadata.ownerReferences).toBeUndefined()
    expect((await pods.get('web-1')).spec.volumes?.[0]).toMatchObject({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-web-1' },
    })
    await eventually(async () =>
      expect(await messages('SuccessfulCreate')).toContain(
        'Create Claim data-web-0 Pod web-0 in StatefulSet web success',
      ),
    )
    await patch({ spec: { replicas: 1 } })
    await settled(1)
    expect(await claims()).toHaveLength(2)
  })

  it('makes Pods anew beside one whose claim is about to go', async () => {
    await create({ podManagementPolicy: 'Parallel', replicas: 2, volumeClaimTemplates })
    await eventually(async () => expect((await names()).sort()).toEqual(['web-0', 'web-1']))
    const claim = { namespace, name: 'data-web-1' }
    await plane.client.patch(PERSISTENT_VOLUME_CLAIMS, claim, {
      type: 'merge',
      body: { metadata: { finalizers: ['example.com/keep'] } },
    })
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, claim)
    const { uid } = (await pods.get('web-0')).metadata
    await plane.client.delete(PODS, { namespace, name: 'web-0' }, { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await pods.get('web-0')).metadata.uid).not.toBe(uid))
  })

  it('makes the claims it can, and says of the Pod which it cannot', async () => {
    await plane.client.create(RESOURCE_QUOTAS, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few', namespace },
      spec: { hard: { 'fast.storageclass.storage.k8s.io/persistentvolumeclaims': '0' } },
    })
    const [data] = volumeClaimTemplates
    const refused = { ...data, metadata: { name: 'aaa' }, spec: { ...data?.spec, storageClassName: 'fast' } } as never
    await create({ replicas: 1, volumeClaimTemplates: [refused, ...volumeClaimTemplates] })
    const why = 'failed error: failed to create PVC aaa-web-0: persistentvolumeclaims "aaa-web-0" is forbidden'
    await eventually(async () => {
      const failures = await messages('FailedCreate')
      expect(failures.join()).toContain(`Create Pod web-0 in StatefulSet web ${why}`)
      expect((await claims()).map(({ metadata }) => metadata.name)).toEqual(['data-web-0'])
    })
    await plane.client.delete(RESOURCE_QUOTAS, { namespace, name: 'few' })
    await settled(1)
  })

  it('lets claims go with what persistentVolumeClaimRetentionPolicy says', async () => {
    await plane.stop()
    await start([statefulSetController(), garbageCollectorController, claimProtectionController])
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete', whenScaled: 'Delete' }
    await create({ replicas: 2, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy })
    await settled(2)
    await eventually(async () => {
      for (const { metadata } of await claims()) {
        expect(metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'web', controller: true }])
      }
    })
    await patch({ spec: { replicas: 1 } })
    await eventually(async () => {
      await pods.runAll()
      expect((await claims()).map(({ metadata }) => metadata.name)).toEqual(['data-web-0'])
    })
    await patch({ spec: { replicas: 2 } })
    await settled(2)
    await patch({ spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' } } })
    await eventually(async () => {
      for (const { metadata } of await claims()) expect(metadata.ownerReferences ?? []).toEqual([])
    })
    await patch({ spec: { persistentVolumeClaimRetentionPolicy } })
    await eventually(async () => {
      for (const { metadata } of await claims()) expect(metadata.ownerReferences).toHaveLength(1)
      expect(await messages('SuccessfulUpdate')).toContain('Update Pod web-0 in StatefulSet web successful')
    })
    await plane.client.delete(STATEFUL_SETS, key, { propagationPolicy: 'Foreground' })
    await eventually(async () => {
      await pods.runAll()
      expect(await claims()).toEqual([])
    })
  })
})
