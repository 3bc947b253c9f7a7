/** Deployments against a real control plane; the test makes Pods ready, as a kubelet would. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deploymentController } from '#controllers/deployment/reconciler.ts'
import { replicaSetController } from '#controllers/replicaset/reconciler.ts'
import { DEPLOYMENTS, REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment, DeploymentSpec } from '#machinery/api/apps/v1/types.gen.ts'
import { EVENTS, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

const namespace = 'default'
const key = { namespace, name: 'web' }
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [deploymentController, replicaSetController] })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
})
afterEach(() => plane.stop())

const deployment = (spec: Partial<DeploymentSpec> = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'one' }] } },
    ...spec,
  },
})

const patch = (body: object) => plane.client.patch(DEPLOYMENTS, key, { type: 'strategic', body })
const withImage = (image: string): object => ({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } })

async function makeReady(): Promise<void> {
  const { items } = await plane.client.list(PODS, { namespace })
  for (const pod of items) {
    if (pod.status?.phase === 'Running' || pod.metadata.deletionTimestamp !== undefined) continue
    const draft = deepCopy<Pod>(pod)
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
    draft.status = { phase: 'Running', conditions: [ready] }
    await plane.client.update(PODS, draft, { subresource: 'status' }).catch(() => undefined)
  }
}

async function sets(): Promise<Record<string, number | undefined>> {
  const { items } = await plane.client.list(REPLICA_SETS, { namespace })
  return Object.fromEntries(items.map(({ spec }) => [spec?.template?.spec?.containers[0]?.image ?? '', spec?.replicas]))
}

/** Pods become ready as they appear, until the rollout is complete. */
async function complete(image: string, replicas = 3): Promise<DeepReadonly<Deployment>> {
  return eventually(async () => {
    await makeReady()
    const live = await plane.client.get(DEPLOYMENTS, key)
    expect((await sets())[image]).toBe(replicas)
    expect(live.status).toMatchObject({
      observedGeneration: live.metadata.generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    })
    return live
  })
}

const condition = (live: DeepReadonly<Deployment>, type: string) =>
  live.status?.conditions?.find((found) => found.type === type)

describe('a Deployment', () => {
  it('rolls out, says so, and keeps the old ReplicaSet', async () => {
    await plane.client.create(DEPLOYMENTS, deployment())
    const first = await complete('one')
    expect(first.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
    await eventually(async () => {
      const live = await plane.client.get(DEPLOYMENTS, key)
      expect(condition(live, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' })
      expect(condition(live, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' })
    })
    await patch(withImage('two'))
    const second = await complete('two')
    expect(await sets()).toEqual({ one: 0, two: 3 })
    expect(second.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2')
    const { items } = await plane.client.list(EVENTS, { namespace })
    const messages = items.filter(({ reason }) => reason === 'ScalingReplicaSet').map(({ message }) => message)
    expect(messages).toContainEqual(expect.stringMatching(/^Scaled up replica set web-[a-z0-9]+ from 0 to 3$/))
  })

  it('never has fewer available or more Pods than its strategy allows', async () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } }
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 4, strategy }))
    await complete('one', 4)
    await patch(withImage('two'))
    await eventually(async () => {
      const { items } = await plane.client.list(PODS, { namespace })
      const ready = items.filter(({ status }) => status?.phase === 'Running')
      expect(ready.length, 'available').toBeGreaterThanOrEqual(3)
      expect(items.length, 'in all').toBeLessThanOrEqual(5)
      await makeReady()
      expect(await sets()).toEqual({ one: 0, two: 4 })
    })
  })

  it('goes back to an old template by its old ReplicaSet, which gets a new revision', async () => {
    await plane.client.create(DEPLOYMENTS, deployment())
    await complete('one')
    await patch(withImage('two'))
    await complete('two')
    await patch({ metadata: { annotations: { 'deprecated.deployment.rollback.to': '1' } } })
    const back = await complete('one')
    expect(back.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '3' })
    const { items } = await plane.client.list(REPLICA_SETS, { namespace })
    expect(items).toHaveLength(2)
    const old = items.find(({ spec }) => spec?.template?.spec?.containers[0]?.image === 'one')
    expect(old?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    })
  })

  it('goes back to the template before the one that came with the wish to go back', async () => {
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1 }))
    await complete('one', 1)
    await patch(withImage('two'))
    await complete('two', 1)
    await patch({ ...withImage('three'), metadata: { annotations: { 'deprecated.deployment.rollback.to': '0' } } })
    await eventually(async () => {
      const { metadata, spec } = await plane.client.get(DEPLOYMENTS, key)
      expect(metadata.annotations?.['deprecated.deployment.rollback.to']).toBeUndefined()
      expect(spec.template.spec?.containers[0]?.image).toBe('two')
    })
  })

  it('stands still while it is paused, but scales', async () => {
    await plane.client.create(DEPLOYMENTS, deployment())
    await complete('one')
    await patch({ spec: { paused: true } })
    await patch(withImage('two'))
    await patch({ spec: { replicas: 5 } })
    await eventually(async () => {
      expect(await sets()).toEqual({ one: 5 })
      const live = await plane.client.get(DEPLOYMENTS, key)
      expect(condition(live, 'Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' })
    })
    await patch({ spec: { paused: false } })
    await complete('two', 5)
  })

  it('ends all old Pods before it starts new ones when it recreates', async () => {
    await plane.client.create(DEPLOYMENTS, deployment({ strategy: { type: 'Recreate' } }))
    await complete('one')
    const [held] = (await plane.client.list(PODS, { namespace })).items
    const name = held?.metadata.name ?? ''
    const hold = (finalizers: string[]) =>
      plane.client.patch(PODS, { namespace, name }, { type: 'merge', body: { metadata: { finalizers } } })
    await hold(['example.com/wait'])
    await patch(withImage('two'))
    await eventually(async () => expect(await sets()).toEqual({ one: 0 }))
    await eventually(async () => expect((await plane.client.list(PODS, { namespace })).items).toHaveLength(1))
    expect(await sets()).toEqual({ one: 0 })
    await hold([])
    await complete('two')
  })

  it('forgets old templates beyond its history limit, the oldest first', async () => {
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1, revisionHistoryLimit: 1 }))
    for (const image of ['one', 'two', 'three']) {
      await patch(withImage(image))
      await complete(image, 1)
    }
    await eventually(async () => expect(await sets()).toEqual({ two: 0, three: 1 }))
  })

  it('reports a rollout that does not get on within its deadline', async () => {
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1, progressDeadlineSeconds: 1 }))
    await eventually(async () => {
      const live = await plane.client.get(DEPLOYMENTS, key)
      expect(condition(live, 'Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' })
      expect(condition(live, 'Available')).toMatchObject({ status: 'False' })
    })
    await complete('one', 1)
  })

  it('rolls out with the longest of names', async () => {
    const name = 'w'.repeat(253)
    const long = deployment({ replicas: 1 })
    long.metadata.name = name
    await plane.client.create(DEPLOYMENTS, long)
    await eventually(async () => {
      await makeReady()
      expect((await plane.client.get(DEPLOYMENTS, { namespace, name })).status).toMatchObject({ availableReplicas: 1 })
      const { items } = await plane.client.list(EVENTS, { namespace })
      const kinds = items.map(({ involvedObject, reason }) => `${involvedObject.kind} ${reason}`)
      expect(kinds).toEqual(expect.arrayContaining(['Deployment ScalingReplicaSet', 'ReplicaSet SuccessfulCreate']))
    })
  })

  it("gets on by another name when its ReplicaSet's is taken", async () => {
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1 }))
    await complete('one', 1)
    const [taken] = (await plane.client.list(REPLICA_SETS, { namespace })).items
    // Nobody collects garbage here: the set stays, and belongs to one that is gone.
    await plane.client.delete(DEPLOYMENTS, key)
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1 }))
    await eventually(async () => {
      const live = await plane.client.get(DEPLOYMENTS, key)
      expect(live.status).toMatchObject({ collisionCount: 1, replicas: 1 })
      const { items } = await plane.client.list(REPLICA_SETS, { namespace })
      const owners = items.map(({ metadata }) => [metadata.name, metadata.ownerReferences?.[0]?.uid])
      expect(owners).toHaveLength(2)
      expect(owners.filter(([name]) => name !== taken?.metadata.name)).toEqual([[expect.anything(), live.metadata.uid]])
    })
  })

  it('grows in proportion while a rollout is under way', async () => {
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } }
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 10, strategy }))
    await complete('one', 10)
    await patch(withImage('broken'))
    await eventually(async () => {
      expect(await sets()).toEqual({ one: 8, broken: 5 })
      const { status } = await plane.client.get(DEPLOYMENTS, key)
      expect(status).toMatchObject({ availableReplicas: 8, updatedReplicas: 5 })
    })
    await patch({ spec: { replicas: 30 } })
    // Upstream's e2e test: 33 in all, 20 new ones divided 8 to 5.
    await eventually(async () => expect(await sets()).toEqual({ one: 20, broken: 13 }))
  })

  it('counts Pods that are going', async () => {
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 2 }))
    await complete('one', 2)
    const [held] = (await plane.client.list(PODS, { namespace })).items
    const name = held?.metadata.name ?? ''
    const hold = (finalizers: string[]) =>
      plane.client.patch(PODS, { namespace, name }, { type: 'merge', body: { metadata: { finalizers } } })
    await hold(['example.com/wait'])
    await plane.client.delete(PODS, { namespace, name })
    await eventually(async () =>
      expect((await plane.client.get(DEPLOYMENTS, key)).status).toMatchObject({ replicas: 2, terminatingReplicas: 1 }),
    )
    const relabel = (app: string) =>
      plane.client.patch(PODS, { namespace, name }, { type: 'merge', body: { metadata: { labels: { app } } } })
    const going = async () => (await plane.client.get(DEPLOYMENTS, key)).status?.terminatingReplicas
    await relabel('other')
    await eventually(async () => expect(await going()).toBe(0))
    await relabel(held?.metadata.labels?.['app'] ?? '')
    await eventually(async () => expect(await going()).toBe(1))
    await hold([])
    await eventually(async () => expect(await going()).toBe(0))
  })

  it('adopts a ReplicaSet of its template, and releases one that no longer matches', async () => {
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1 }))
    await complete('one', 1)
    const [set] = (await plane.client.list(REPLICA_SETS, { namespace })).items
    const name = set?.metadata.name ?? ''
    const relabel = (app: string, more: object = {}) =>
      plane.client.patch(
        REPLICA_SETS,
        { namespace, name },
        { type: 'merge', body: { metadata: { labels: { app }, ...more } } },
      )
    await plane.client.delete(DEPLOYMENTS, key)
    await relabel('web', { ownerReferences: null })
    const { metadata } = await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1 }))
    await eventually(async () => {
      const found = await plane.client.get(REPLICA_SETS, { namespace, name })
      expect(found.metadata.ownerReferences).toMatchObject([{ uid: metadata.uid }])
    })
    expect((await plane.client.list(REPLICA_SETS, { namespace })).items).toHaveLength(1)
    await relabel('other')
    await eventually(async () => {
      const found = await plane.client.get(REPLICA_SETS, { namespace, name })
      expect(found.metadata.ownerReferences).toBeUndefined()
    })
  })

  it('counts revisions in 64 bits, as it finds them on a ReplicaSet it adopts', async () => {
    const labels = { app: 'web', pod: 'old' }
    await plane.client.create(REPLICA_SETS, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: 'old',
        namespace,
        labels,
        annotations: { 'deployment.kubernetes.io/revision': '3546343826724305832' },
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { ...deployment().spec.template, metadata: { labels } },
      },
    })
    await plane.client.create(DEPLOYMENTS, deployment({ replicas: 1 }))
    const live = await eventually(async () => {
      await makeReady()
      const found = await plane.client.get(DEPLOYMENTS, key)
      expect(found.status).toMatchObject({ updatedReplicas: 1, replicas: 1 })
      return found
    })
    expect(live.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3546343826724305833')
  })
})
