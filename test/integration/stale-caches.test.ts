/** Controllers whose watch of their own kind is late, next to a garbage collector that is not. */
import { describe, expect, it } from 'vitest'
import { cronJobController } from '#controllers/cronjob/reconciler.ts'
import { daemonSetController } from '#controllers/daemonset/reconciler.ts'
import { deploymentController } from '#controllers/deployment/reconciler.ts'
import { garbageCollectorController } from '#controllers/garbage-collector/controller.ts'
import { jobController } from '#controllers/job/reconciler.ts'
import { SHARED_INFORMERS_IDENTITY } from '#controllers/manager/identity.ts'
import { createControllerManager } from '#controllers/manager/manager.ts'
import { replicaSetController } from '#controllers/replicaset/reconciler.ts'
import { PodWriter } from '#controllers/statefulset/pod-writer.ts'
import { statefulSetController } from '#controllers/statefulset/reconciler.ts'
import { claimProtectionController } from '#controllers/storage-protection/claims.ts'
import { DAEMON_SETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { NODES, PERSISTENT_VOLUME_CLAIMS, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { systemRandom } from '#machinery/util/random.ts'
import type { EventRecorder } from '#sdk'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { HandRunPods } from '#test/support/hand-run-pods.ts'

const namespace = 'default'
const TEMPLATE = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const CLAIM = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data-web-0', namespace } }
const CLAIM_SPEC = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const key = { namespace, name: 'web' }
const definitions = [
  garbageCollectorController,
  deploymentController,
  replicaSetController,
  statefulSetController({ honoursMaxUnavailable: true }),
  daemonSetController,
  jobController,
  cronJobController,
  claimProtectionController,
]

/** A client whose watches of one resource show nothing more once it is held. */
class HeldWatch {
  readonly #resource: Resource
  #isHeld = false

  constructor(resource: Resource) {
    this.#resource = resource
  }

  /** A live list of the resource. */
  onList: () => void = () => undefined

  hold(): void {
    this.#isHeld = true
  }

  of(client: Client, isWatcher: boolean): Client {
    const isHeld = (resource: Resource) => this.#isHeld && resource === this.#resource
    return {
      ...client,
      list: (resource, options) => {
        if (!isWatcher && isHeld(resource)) this.onList()
        return client.list(resource, options)
      },
      async *watch(resource, options) {
        for await (const event of client.watch(resource, options)) if (!isWatcher || !isHeld(resource)) yield event
      },
    }
  }
}

async function startWorld(
  held: HeldWatch,
  clock: Clock = systemClock,
): Promise<{ plane: TestControlPlane; stop(): Promise<void> }> {
  const plane = await startTestControlPlane({ clock, controllers: definitions, controllerSelection: [] })
  const { client, server } = plane
  const manager = createControllerManager({
    definitions,
    clientFor: (identity) => held.of(server.clientFor(identity), identity === SHARED_INFORMERS_IDENTITY),
    clock,
    random: systemRandom,
    logger: discardLogger,
  })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
  await client.create(SERVICE_ACCOUNTS, account)
  await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node' }, spec: {} })
  // Every new node has a taint until it is ready.
  await client.patch(NODES, { name: 'node' }, { type: 'merge', body: { spec: { taints: null } } })
  const running = new AbortController()
  const stopped = manager.start(running.signal)
  const stop = async (): Promise<void> => {
    running.abort()
    await stopped
    await plane.stop()
  }
  return { plane, stop }
}

const KINDS = [
  { resource: DEPLOYMENTS, spec: { replicas: 1 } },
  { resource: REPLICA_SETS, spec: { replicas: 1 } },
  { resource: STATEFUL_SETS, spec: { replicas: 1, serviceName: 'web' } },
  { resource: DAEMON_SETS, spec: {} },
] as unknown as readonly { resource: Resource; spec: object }[]

describe.each(KINDS)('a $resource.kind whose deletion in the foreground its controller does not see', (row) => {
  it('ends, and its Pods are not made again and again', async () => {
    const { resource } = row
    const held = new HeldWatch(resource)
    const { plane, stop } = await startWorld(held)
    const { client } = plane
    try {
      const spec = { ...row.spec, selector: { matchLabels: { app: 'web' } }, template: TEMPLATE }
      const object = { apiVersion: 'apps/v1', kind: resource.kind, metadata: key, spec }
      const made = await client.create(resource, object)
      const pods = async () => (await client.list(PODS, { namespace })).items
      await eventually(async () => expect(await pods()).toHaveLength(1))
      await eventually(async () =>
        expect((await client.get(resource, key)).metadata.resourceVersion).not.toBe(made.metadata.resourceVersion),
      )
      held.hold()
      await client.delete(resource, key, { propagationPolicy: 'Foreground' })
      await eventually(
        async () => await expect(client.get(resource, key)).rejects.toMatchObject({ status: { code: 404 } }),
      )
      await eventually(async () => expect(await pods()).toEqual([]))
    } finally {
      await stop()
    }
  })
})

it('a StatefulSet that was deleted without its dependents does not become the owner of claims again', async () => {
  const plane = await startTestControlPlane({ controllers: [] })
  const { client } = plane
  try {
    const metadata = { ...key, uid: 'gone' }
    const policy = { whenDeleted: 'Delete' }
    const claims = [{ metadata: { name: 'data' }, spec: CLAIM_SPEC }]
    const spec = { replicas: 1, persistentVolumeClaimRetentionPolicy: policy, volumeClaimTemplates: claims }
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec } as unknown as StatefulSet
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', namespace } } as Pod
    const claim = await client.create(PERSISTENT_VOLUME_CLAIMS, { ...CLAIM, spec: CLAIM_SPEC })
    const cache = { get: () => claim } as unknown as Lister<PersistentVolumeClaim>
    const writer = new PodWriter(client, { record: () => undefined } as unknown as EventRecorder, cache)
    await writer.updateClaimOwners(set, pod, new AbortController().signal)
    expect((await client.get(PERSISTENT_VOLUME_CLAIMS, CLAIM.metadata)).metadata.ownerReferences).toBeUndefined()
    const live = await client.create(STATEFUL_SETS, {
      ...set,
      metadata: key,
      spec: { ...spec, selector: { matchLabels: { app: 'web' } }, template: TEMPLATE },
    } as unknown as StatefulSet)
    await writer.updateClaimOwners(live, pod, new AbortController().signal)
    const owned = await client.get(PERSISTENT_VOLUME_CLAIMS, CLAIM.metadata)
    expect(owned.metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', uid: live.metadata.uid }])
  } finally {
    await plane.stop()
  }
})

it('a claim goes after a Pod that its protector never saw', { timeout: 20_000 }, async () => {
  const held = new HeldWatch(PODS)
  const { plane, stop } = await startWorld(held)
  const { client } = plane
  try {
    const finalizers = ['kubernetes.io/pvc-protection']
    const metadata = { ...CLAIM.metadata, finalizers }
    await client.create(PERSISTENT_VOLUME_CLAIMS, { ...CLAIM, metadata, spec: CLAIM_SPEC })
    held.hold()
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: CLAIM.metadata.name } }]
    const spec = { nodeName: 'node', containers: [{ name: 'c', image: 'i' }], volumes }
    await client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: key, spec } as Pod)
    let lists = 0
    held.onList = () => lists++
    await client.delete(PERSISTENT_VOLUME_CLAIMS, CLAIM.metadata)
    await eventually(() => expect(lists).toBeGreaterThan(0))
    expect((await client.get(PERSISTENT_VOLUME_CLAIMS, CLAIM.metadata)).metadata.finalizers).toEqual(finalizers)
    await client.delete(PODS, key, { gracePeriodSeconds: 0 })
    await eventually(
      async () =>
        await expect(client.get(PERSISTENT_VOLUME_CLAIMS, CLAIM.metadata)).rejects.toMatchObject({
          status: { code: 404 },
        }),
      15_000,
    )
  } finally {
    await stop()
  }
})

it('a Job that its controller sees as it was before the last count gets no further Pod', async () => {
  const clock = new FakeClock()
  const held = new HeldWatch(JOBS)
  const { plane, stop } = await startWorld(held, clock)
  const { client } = plane
  const pods = new HandRunPods(client)
  try {
    const spec = { template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } }
    await client.create(JOBS, { apiVersion: 'batch/v1', kind: 'Job', metadata: key, spec })
    await clock.advanceInSteps(1_000)
    const [first] = await pods.list()
    expect((await client.get(JOBS, key)).status).toMatchObject({ active: 1 })
    held.hold()
    if (first !== undefined) await pods.end(first, 'Succeeded')
    await clock.advanceInSteps(5_000)
    const { status } = await client.get(JOBS, key)
    expect(status).toMatchObject({ succeeded: 1, uncountedTerminatedPods: {} })
    expect(await pods.list()).toMatchObject([
      { metadata: { uid: first?.metadata.uid }, status: { phase: 'Succeeded' } },
    ])
  } finally {
    await stop()
  }
})

it('a CronJob that its controller sees as it was before the last run does not run again for the same time', async () => {
  const clock = new FakeClock()
  const held = new HeldWatch(CRON_JOBS)
  const { plane, stop } = await startWorld(held, clock)
  const { client } = plane
  const jobs = async () => (await client.list(JOBS, { namespace })).items
  try {
    const jobTemplate = { spec: { template: { spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } } }
    const spec = { schedule: '* * * * *', successfulJobsHistoryLimit: 0, jobTemplate }
    await client.create(CRON_JOBS, { apiVersion: 'batch/v1', kind: 'CronJob', metadata: key, spec })
    await clock.advanceInSteps(1_000)
    held.hold()
    await clock.advanceInSteps(60_000)
    const [first] = await jobs()
    if (first === undefined) throw new Error('the first Job was not started')
    const time = first.metadata.creationTimestamp ?? ''
    const condition = { status: 'True', lastTransitionTime: time, lastProbeTime: time }
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({ type, ...condition }))
    const status = { startTime: time, completionTime: time, succeeded: 1, conditions }
    await client.update(JOBS, { ...deepCopy<Job>(first), status }, { subresource: 'status' })
    await clock.advanceInSteps(10_000)
    expect((await jobs()).map(({ metadata }) => metadata.uid)).toEqual([first.metadata.uid])
  } finally {
    await stop()
  }
})

describe('a DaemonSet that does not see that its Pod has become ready', () => {
  it('does not take it for one that does not work', async () => {
    const held = new HeldWatch(PODS)
    const { plane, stop } = await startWorld(held)
    try {
      const { client } = plane
      const selector = { matchLabels: TEMPLATE.metadata.labels }
      const spec = { selector, template: TEMPLATE }
      await client.create(DAEMON_SETS, { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: key, spec })
      const pods = async (): Promise<readonly Pod[]> => (await client.list(PODS, { namespace })).items as readonly Pod[]
      await eventually(async () => {
        const { status } = await client.get(DAEMON_SETS, key)
        expect(status).toMatchObject({ currentNumberScheduled: 1, numberReady: 0 })
      })
      held.hold()
      const [pod] = await pods()
      const ready = [{ type: 'Ready', status: 'True' }]
      const body = { status: { phase: 'Running', conditions: ready } }
      const name = pod?.metadata.name ?? ''
      await client.patch(PODS, { namespace, name }, { type: 'merge', body }, { subresource: 'status' })
      const template = { spec: { template: { metadata: { annotations: { version: '2' } } } } }
      await client.patch(DAEMON_SETS, key, { type: 'merge', body: template })
      await eventually(async () => {
        const { status } = await client.get(DAEMON_SETS, key)
        expect(status?.observedGeneration).toBe(2)
      })
      const [left] = await pods()
      expect(left?.metadata).toMatchObject({ uid: pod?.metadata.uid })
      expect(left?.metadata.deletionTimestamp).toBeUndefined()
    } finally {
      await stop()
    }
  })
})

describe('a ReplicaSet that does not see that the Pod it has deleted is gone', () => {
  it('does not count it any more', async () => {
    const held = new HeldWatch(PODS)
    const { plane, stop } = await startWorld(held)
    try {
      const { client } = plane
      const spec = { replicas: 2, selector: { matchLabels: TEMPLATE.metadata.labels }, template: TEMPLATE }
      await client.create(REPLICA_SETS, { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: key, spec })
      const status = async () => (await client.get(REPLICA_SETS, key)).status
      await eventually(async () => expect(await status()).toMatchObject({ replicas: 2, fullyLabeledReplicas: 2 }))
      held.hold()
      await client.patch(REPLICA_SETS, key, { type: 'merge', body: { spec: { replicas: 1 } } })
      await eventually(async () => expect(await status()).toMatchObject({ observedGeneration: 2 }))
      expect(await status()).toMatchObject({ replicas: 1, fullyLabeledReplicas: 1, terminatingReplicas: 1 })
    } finally {
      await stop()
    }
  })
})
