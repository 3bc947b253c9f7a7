/** ReplicaSets and ReplicationControllers against a real control plane; Pods are made ready by hand, as a kubelet would. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { replicaSetController, replicationController } from '#controllers/replicaset/reconciler.ts'
import { REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import {
  PODS,
  REPLICATION_CONTROLLERS,
  RESOURCE_QUOTAS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, ReplicationController } from '#machinery/api/core/v1/types.gen.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

const namespace = 'default'
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [replicaSetController, replicationController] })
  await plane.client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace },
  })
})
afterEach(() => plane.stop())

const template = (labels: Record<string, string>) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image: 'i' }] },
})

const KINDS: readonly {
  readonly kind: string
  readonly resource: Resource<ReplicaSet>
  make(name: string, replicas: number): ReplicaSet
}[] = [
  {
    kind: 'ReplicaSet',
    resource: REPLICA_SETS,
    make: (name, replicas) => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, namespace },
      spec: { replicas, selector: { matchLabels: { app: name } }, template: template({ app: name }) },
    }),
  },
  {
    kind: 'ReplicationController',
    resource: REPLICATION_CONTROLLERS as unknown as Resource<ReplicaSet>,
    make: (name, replicas) => {
      const spec: ReplicationController['spec'] = { replicas, template: template({ app: name }) }
      return { apiVersion: 'v1', kind: 'ReplicationController', metadata: { name, namespace }, spec } as never
    },
  },
]

async function podsOf(app: string): Promise<readonly DeepReadonly<Pod>[]> {
  const { items } = await plane.client.list(PODS, { namespace, labelSelector: `app=${app}` })
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
}

async function makeReady(pod: DeepReadonly<Pod>): Promise<void> {
  const draft = deepCopy<Pod>(pod)
  draft.status = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  }
  await plane.client.update(PODS, draft, { subresource: 'status' })
}

describe.each(KINDS)('a $kind', ({ kind, resource, make }) => {
  const key = (name: string) => ({ namespace, name })
  const scale = (name: string, replicas: number) =>
    plane.client.patch(resource, key(name), { type: 'merge', body: { spec: { replicas } } })

  it('has as many Pods as it says, and reports them', async () => {
    await plane.client.create(resource, make('web', 3))
    const pods = await eventually(async () => {
      const found = await podsOf('web')
      expect(found).toHaveLength(3)
      return found
    })
    expect(pods[0]?.metadata.name).toMatch(/^web-[a-z0-9]{5}$/)
    expect(pods[0]?.metadata.ownerReferences).toMatchObject([{ kind, name: 'web', controller: true }])
    await makeReady(pods[0] as DeepReadonly<Pod>)
    await eventually(async () =>
      expect((await plane.client.get(resource, key('web'))).status).toMatchObject({
        replicas: 3,
        fullyLabeledReplicas: 3,
        readyReplicas: 1,
        availableReplicas: 1,
        observedGeneration: 1,
      }),
    )
    await scale('web', 1)
    await eventually(async () => {
      expect((await podsOf('web')).map(({ metadata }) => metadata.name)).toEqual([pods[0]?.metadata.name])
      expect((await plane.client.get(resource, key('web'))).status).toMatchObject({
        replicas: 1,
        observedGeneration: 2,
      })
    })
  })

  it('replaces Pods that are deleted, fail, or lose its labels', async () => {
    await plane.client.create(resource, make('web', 1))
    const first = await eventually(async () => {
      const [pod] = await podsOf('web')
      expect(pod).toBeDefined()
      return pod as DeepReadonly<Pod>
    })
    await plane.client.patch(PODS, key(first.metadata.name ?? ''), {
      type: 'merge',
      body: { metadata: { labels: { app: 'other' } } },
    })
    const second = await eventually(async () => {
      expect((await plane.client.get(PODS, key(first.metadata.name ?? ''))).metadata.ownerReferences).toBeUndefined()
      const [pod] = await podsOf('web')
      expect(pod).toBeDefined()
      return pod as DeepReadonly<Pod>
    })
    await plane.client.delete(PODS, key(second.metadata.name ?? ''))
    await eventually(async () => {
      const [pod] = await podsOf('web')
      expect(pod?.metadata.name).toBeDefined()
      expect(pod?.metadata.name).not.toBe(second.metadata.name)
    })
  })

  it('adopts Pods that match it and belong to nobody', async () => {
    const orphan: Pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'orphan', namespace, labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    }
    await plane.client.create(PODS, orphan)
    await plane.client.create(resource, make('web', 2))
    await eventually(async () => {
      const pods = await podsOf('web')
      expect(pods).toHaveLength(2)
      for (const { metadata } of pods) expect(metadata.ownerReferences).toMatchObject([{ kind, name: 'web' }])
      expect(pods.map(({ metadata }) => metadata.name)).toContain('orphan')
    })
  })

  it('says in a condition when it cannot create Pods, and goes on when it can', async () => {
    await plane.client.create(RESOURCE_QUOTAS, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few', namespace },
      spec: { hard: { pods: '1' } },
    })
    await plane.client.create(resource, make('web', 3))
    await eventually(async () =>
      expect((await plane.client.get(resource, key('web'))).status?.conditions).toMatchObject([
        { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' },
      ]),
    )
    expect(await podsOf('web')).toHaveLength(1)
    await plane.client.delete(RESOURCE_QUOTAS, key('few'))
    await eventually(async () => {
      expect(await podsOf('web')).toHaveLength(3)
      expect((await plane.client.get(resource, key('web'))).status?.conditions).toBeUndefined()
    })
  })
})
