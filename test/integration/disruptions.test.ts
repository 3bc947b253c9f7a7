/** PodDisruptionBudgets and evictions against a whole control plane; Pods are made ready by hand. */
import { afterEach, describe, expect, it } from 'vitest'
import { deploymentController } from '#controllers/deployment/reconciler.ts'
import { disruptionController } from '#controllers/disruption/reconciler.ts'
import { replicaSetController } from '#controllers/replicaset/reconciler.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { DEPLOYMENTS, REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { EVENTS, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject, Status } from '#machinery/api/meta/v1.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { Eviction, PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isStatusError } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TestControlPlane } from '../support/control-plane.ts'
import { startTestControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { seededRandom } from '../support/random-object.ts'

const namespace = 'default'
const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const BUDGET = { namespace, name: 'budget' }
let plane: TestControlPlane

afterEach(() => plane.stop())

async function start(clock?: FakeClock): Promise<void> {
  const controllers = [deploymentController, replicaSetController, disruptionController]
  plane = await startTestControlPlane({ controllers, clock: clock ?? systemClock })
  await plane.client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace },
  })
}

const createBudget = (spec: PodDisruptionBudget['spec']) =>
  plane.client.create(POD_DISRUPTION_BUDGETS, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: BUDGET,
    spec: { selector: { matchLabels: labels }, ...spec },
  })

const budget = (): Promise<DeepReadonly<PodDisruptionBudget>> => plane.client.get(POD_DISRUPTION_BUDGETS, BUDGET)
const pods = async (): Promise<readonly DeepReadonly<Pod>[]> =>
  (await plane.client.list(PODS, { namespace, labelSelector: 'app=web' })).items
const isReady = ({ metadata, status }: DeepReadonly<Pod>): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false)

async function setReady(pod: DeepReadonly<Pod>, status: 'True' | 'False' = 'True'): Promise<void> {
  const draft = deepCopy<Pod>(pod)
  draft.status = { phase: 'Running', conditions: [{ type: 'Ready', status }] }
  await plane.client.update(PODS, draft, { subresource: 'status' })
}

const createPod = (name: string, more: Partial<Pod['metadata']> = {}): Promise<DeepReadonly<Pod>> =>
  plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, ...more },
    spec: template.spec,
  })

async function createReplicas(
  kind: 'ReplicaSet' | 'Deployment',
  replicas: number,
): Promise<readonly DeepReadonly<Pod>[]> {
  const resource = (kind === 'ReplicaSet' ? REPLICA_SETS : DEPLOYMENTS) as Resource
  const spec = { replicas, selector: { matchLabels: labels }, template }
  await plane.client.create(resource, {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'web', namespace },
    spec,
  } as KubeObject)
  return eventually(async () => {
    const found = await pods()
    expect(found).toHaveLength(replicas)
    return found
  })
}

/** undefined: granted. */
async function evict(pod: string, more: Partial<Eviction> = {}): Promise<Status | undefined> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace }, ...more }
  try {
    await plane.client.createSubresource(PODS, { namespace, name: pod }, 'eviction', eviction)
    return undefined
  } catch (err: unknown) {
    if (!isStatusError(err)) throw err
    return err.status as Status
  }
}

describe('a PodDisruptionBudget', () => {
  it.each<[string, 'ReplicaSet' | 'Deployment', PodDisruptionBudget['spec'], object]>([
    ['minAvailable of a ReplicaSet', 'ReplicaSet', { minAvailable: 1 }, { desiredHealthy: 1, disruptionsAllowed: 2 }],
    ['minAvailable in percent', 'ReplicaSet', { minAvailable: '50%' }, { desiredHealthy: 2, disruptionsAllowed: 1 }],
    [
      'maxUnavailable of a Deployment',
      'Deployment',
      { maxUnavailable: 1 },
      { desiredHealthy: 3, disruptionsAllowed: 0 },
    ],
    [
      'maxUnavailable in percent',
      'Deployment',
      { maxUnavailable: '50%' },
      { desiredHealthy: 2, disruptionsAllowed: 1 },
    ],
  ])('%s', async (_name, kind, spec, expected) => {
    await start()
    const made = await createReplicas(kind, 4)
    for (const pod of made.slice(0, 3)) await setReady(pod)
    await createBudget(spec)
    const expectedPods = typeof spec.minAvailable === 'number' ? made.length : 4
    await eventually(async () =>
      expect((await budget()).status).toMatchObject({
        expectedPods,
        currentHealthy: 3,
        observedGeneration: 1,
        ...expected,
      }),
    )
  })

  it('asks the scale of custom resources', async () => {
    await start()
    await plane.client.create(CUSTOM_RESOURCE_DEFINITIONS, FLEETS)
    const fleet = await eventually(() =>
      plane.client.create(FLEET, {
        apiVersion: 'example.dev/v1',
        kind: 'Fleet',
        metadata: { name: 'f', namespace },
        spec: { ships: 6 },
      } as KubeObject),
    )
    const owner = {
      apiVersion: 'example.dev/v1',
      kind: 'Fleet',
      name: 'f',
      uid: fleet.metadata.uid ?? '',
      controller: true,
    }
    for (const name of ['a', 'b', 'c', 'd']) await setReady(await createPod(name, { ownerReferences: [owner] }))
    await createBudget({ minAvailable: '50%' })
    await eventually(async () =>
      expect((await budget()).status).toMatchObject({ expectedPods: 6, desiredHealthy: 3, disruptionsAllowed: 1 }),
    )
  })

  it('says when Pods have no controller, and allows nothing when one cannot be found', async () => {
    await start()
    await setReady(await createPod('alone'))
    await createBudget({ maxUnavailable: 1 })
    const reasons = async () => (await plane.client.list(EVENTS, { namespace })).items.map(({ reason }) => reason)
    await eventually(async () => expect(await reasons()).toContain('UnmanagedPods'))
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'gone', uid: 'x', controller: true }
    await createPod('lost', { ownerReferences: [owner] })
    await eventually(async () => {
      expect((await budget()).status).toMatchObject({
        disruptionsAllowed: 0,
        conditions: [{ status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "lost"' }],
      })
      expect(await reasons()).toContain('CalculateExpectedPodCountFailed')
    })
  })

  it('remembers an eviction for two minutes, then reports that the Pod is still there', async () => {
    const clock = new FakeClock()
    await start(clock)
    for (const name of ['a', 'b']) await setReady(await createPod(name))
    await createBudget({ minAvailable: 1 })
    await eventually(async () => {
      clock.advance(100)
      expect((await budget()).status?.disruptionsAllowed).toBe(1)
    })
    // As an eviction does that then crashes before the delete.
    const draft = deepCopy<PodDisruptionBudget>(await budget())
    draft.status = { ...draft.status, disruptionsAllowed: 0, disruptedPods: { a: '2026-01-01T00:00:00Z' } }
    await plane.client.update(POD_DISRUPTION_BUDGETS, draft, { subresource: 'status' })
    await eventually(async () =>
      expect((await budget()).status).toMatchObject({ currentHealthy: 1, disruptionsAllowed: 0 }),
    )
    clock.advance(121_000)
    await eventually(async () => {
      const { status } = await budget()
      expect(status).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1 })
      expect(status?.disruptedPods).toBeUndefined()
    })
  })

  it('resets a DisruptionTarget condition that came to nothing', async () => {
    const clock = new FakeClock()
    await start(clock)
    const draft = deepCopy<Pod>(await createPod('a'))
    const target = { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'm' }
    draft.status = { phase: 'Running', conditions: [{ ...target, lastTransitionTime: '2026-01-01T00:00:00Z' }] }
    await plane.client.update(PODS, draft, { subresource: 'status' })
    await eventually(async () => {
      clock.advance(30_000)
      const [pod] = await pods()
      expect(pod?.status?.conditions).toMatchObject([{ type: 'DisruptionTarget', status: 'False' }])
    })
  })
})

describe('an eviction', () => {
  it('is granted from the budget, refused without one left, and tells the Pod why it goes', async () => {
    await start()
    for (const name of ['a', 'b']) await setReady(await createPod(name, { finalizers: ['example.dev/keep'] }))
    await createBudget({ minAvailable: 1 })
    await eventually(async () => expect((await budget()).status?.disruptionsAllowed).toBe(1))
    expect(await evict('a', { metadata: { name: 'b', namespace } })).toMatchObject({ reason: 'BadRequest' })
    expect(await evict('a')).toBeUndefined()
    const pod = await plane.client.get(PODS, { namespace, name: 'a' })
    expect(pod.metadata.deletionTimestamp).toBeDefined()
    expect(pod.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
      }),
    )
    expect((await budget()).status?.conditions).toMatchObject([{ status: 'False', reason: 'InsufficientPods' }])
    const refusal = await eventually(async () => {
      const status = await evict('b')
      expect(status?.details?.causes?.[0]?.message).toContain('needs 1 healthy pods and has')
      return status
    })
    expect(refusal).toMatchObject({ code: 429, reason: 'TooManyRequests' })
    for (const name of ['a', 'b'])
      await plane.client.patch(PODS, { namespace, name }, { type: 'merge', body: { metadata: { finalizers: null } } })
  })

  it.each<[string, string | undefined, boolean]>([
    ['AlwaysAllow', 'AlwaysAllow', true],
    ['IfHealthyBudget', 'IfHealthyBudget', false],
    ['nothing said', undefined, false],
  ])('of a Pod that is not ready, below the budget: %s', async (_name, unhealthyPodEvictionPolicy, isGranted) => {
    await start()
    await setReady(await createPod('sick'), 'False')
    await createBudget({
      minAvailable: 1,
      ...(unhealthyPodEvictionPolicy === undefined ? {} : { unhealthyPodEvictionPolicy }),
    })
    await eventually(async () =>
      expect((await budget()).status).toMatchObject({ observedGeneration: 1, desiredHealthy: 1 }),
    )
    const status = await evict('sick')
    if (isGranted) expect(status).toBeUndefined()
    else expect(status).toMatchObject({ code: 429 })
  })

  it('is only a trial when its body says so', async () => {
    await start()
    await setReady(await createPod('a'))
    await createBudget({ minAvailable: 0 })
    await eventually(async () => expect((await budget()).status?.disruptionsAllowed).toBe(1))
    expect(await evict('a', { deleteOptions: { dryRun: ['All'] } })).toBeUndefined()
    const { metadata, status } = await plane.client.get(PODS, { namespace, name: 'a' })
    expect(metadata.deletionTimestamp).toBeUndefined()
    expect(status?.conditions?.map(({ type }) => type)).not.toContain('DisruptionTarget')
    expect((await budget()).status?.disruptionsAllowed).toBe(1)
  })

  it('is refused for a Pod of two budgets, in the words clients know', async () => {
    await start()
    await setReady(await createPod('a'))
    for (const name of ['first', 'second']) {
      const metadata = { name, namespace }
      const spec = { selector: { matchLabels: labels }, maxUnavailable: 1 }
      const budgetOf = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec }
      await plane.client.create(POD_DISRUPTION_BUDGETS, budgetOf)
    }
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    expect(await evict('a')).toMatchObject({ code: 500, message })
  })

  it('honours the preconditions of its caller', async () => {
    await start()
    const pod = await createPod('a')
    const preconditions = { uid: 'other' }
    expect(await evict('a', { deleteOptions: { preconditions } })).toMatchObject({ reason: 'Conflict' })
    const right = { uid: pod.metadata.uid ?? '', resourceVersion: pod.metadata.resourceVersion ?? '' }
    expect(await evict('a', { deleteOptions: { preconditions: right } })).toBeUndefined()
  })
})

describe.each([1, 2, 3])('many evictions at the same time, seed %i', (seed) => {
  it('never leave fewer healthy Pods than the budget says', async () => {
    await start()
    const next = seededRandom(seed)
    const int = (max: number): number => Math.floor(next() * max)
    const [replicas, minAvailable] = [8, 5]
    for (const pod of await createReplicas('ReplicaSet', replicas)) await setReady(pod)
    await createBudget({ minAvailable })
    await eventually(async () => expect((await budget()).status?.disruptionsAllowed).toBe(replicas - minAvailable))
    let granted = 0
    const evictOne = async (pod: DeepReadonly<Pod>): Promise<void> => {
      const status = await evict(pod.metadata.name ?? '')
      if (status === undefined) granted++
      else expect([404, 409, 429]).toContain(status.code)
      expect((await pods()).filter(isReady).length).toBeGreaterThanOrEqual(minAvailable)
    }
    // The budget grows again only when its controller has seen replacements: twelve rounds can be over before that.
    for (let round = 0; round < 12 || granted <= replicas - minAvailable; round++) {
      const present = await pods()
      const chosen = Array.from({ length: 1 + int(replicas) }, () => present[int(present.length)])
      await Promise.all(chosen.filter((pod) => pod !== undefined).map(evictOne))
      for (const pod of await pods()) if (!isReady(pod) && int(2) === 0) await setReady(pod).catch(() => undefined)
      // Calls within the process may all be answered at once: the controllers need their turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    // Whatever was disturbed comes back to rest.
    await eventually(async () => {
      for (const pod of await pods()) if (!isReady(pod)) await setReady(await plane.client.get(PODS, objectKeyOf(pod)))
      expect((await budget()).status).toMatchObject({
        currentHealthy: replicas,
        disruptionsAllowed: replicas - minAvailable,
      })
      expect((await budget()).status?.disruptedPods).toBeUndefined()
    })
  })
})

const FLEET: Resource = { group: 'example.dev', version: 'v1', resource: 'fleets', kind: 'Fleet', namespaced: true }
const FLEETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'fleets.example.dev' },
  spec: {
    group: 'example.dev',
    scope: 'Namespaced',
    names: { plural: 'fleets', kind: 'Fleet' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { ships: { type: 'integer' } } } },
          },
        },
        subresources: { scale: { specReplicasPath: '.spec.ships', statusReplicasPath: '.status.ships' } },
      },
    ],
  },
} as CustomResourceDefinition
