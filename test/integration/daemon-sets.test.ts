/** DaemonSets against a real control plane; the test binds and runs the Pods by hand. Upstream's e2e assertions are among these. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { daemonSetController } from '#controllers/daemonset/reconciler.ts'
import { CONTROLLER_REVISIONS, DAEMON_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { ControllerRevision, DaemonSet, DaemonSetSpec } from '#machinery/api/apps/v1/types.gen.ts'
import { EVENTS, NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { HandRunPods, isGoing } from '#test/support/hand-run-pods.ts'

const namespace = 'default'
const key = { namespace, name: 'agent' }
let plane: TestControlPlane
let pods: HandRunPods

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [daemonSetController] })
  pods = new HandRunPods(plane.client)
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  for (const name of ['node-1', 'node-2', 'node-3']) await addNode(name)
})
afterEach(() => plane.stop())

/** Without the taint that every new node has until it is ready. */
async function addNode(name: string): Promise<void> {
  await plane.client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} })
  await patchNode(name, { spec: { taints: null } })
}

const patchNode = (name: string, body: object) => plane.client.patch(NODES, { name }, { type: 'merge', body })

const daemonSet = (podSpec: Partial<PodSpec> = {}, spec: Partial<DaemonSetSpec> = {}): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent', namespace },
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: {
      metadata: { labels: { app: 'agent' } },
      spec: { containers: [{ name: 'c', image: 'one' }], ...podSpec },
    },
    ...spec,
  },
})

const create = (podSpec: Partial<PodSpec> = {}, spec: Partial<DaemonSetSpec> = {}) =>
  plane.client.create(DAEMON_SETS, daemonSet(podSpec, spec))
const patch = (body: object) => plane.client.patch(DAEMON_SETS, key, { type: 'merge', body })
const setImage = (image: string) => patch({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } })
const get = () => plane.client.get(DAEMON_SETS, key)
const imageOf = ({ spec }: DeepReadonly<Pod>): string | undefined => spec.containers[0]?.image
const nodesOf = (found: readonly DeepReadonly<Pod>[]): (string | undefined)[] =>
  found.map(({ spec }) => spec.nodeName).sort()
const livePods = async () => (await pods.list()).filter((pod) => !isGoing(pod))

async function settled(nodes: readonly string[], image = 'one'): Promise<DeepReadonly<DaemonSet>> {
  return eventually(async () => {
    await pods.runAll(true)
    const found = await pods.list()
    expect(nodesOf(found)).toEqual(nodes)
    for (const pod of found) expect(imageOf(pod)).toBe(image)
    const live = await get()
    const count = nodes.length
    expect(live.status).toEqual({
      observedGeneration: live.metadata.generation,
      currentNumberScheduled: count,
      desiredNumberScheduled: count,
      numberMisscheduled: 0,
      numberReady: count,
      ...(count === 0 ? {} : { numberAvailable: count, updatedNumberScheduled: count }),
    })
    return live
  })
}

/** The controller is done with what the API shows. */
async function observed(): Promise<DeepReadonly<DaemonSet>> {
  await patch({ spec: { revisionHistoryLimit: 9 } })
  const { metadata } = await patch({ spec: { revisionHistoryLimit: 10 } })
  return eventually(async () => {
    const live = await get()
    expect(live.status?.observedGeneration).toBe(metadata.generation)
    return live
  })
}

const ALL = ['node-1', 'node-2', 'node-3']

describe('a DaemonSet', () => {
  it('has a Pod on every node, new ones included, that the scheduler can bind nowhere else', async () => {
    await create()
    const made = await eventually(async () => {
      const found = await pods.list()
      expect(found).toHaveLength(3)
      return found
    })
    const [revision] = (await plane.client.list(CONTROLLER_REVISIONS, { namespace })).items
    const hash = revision?.metadata.labels?.['controller-revision-hash'] ?? ''
    expect(revision?.metadata.name).toBe(`agent-${hash}`)
    for (const { metadata, spec } of made) {
      expect(metadata.name).toMatch(/^agent-[a-z0-9]{5}$/)
      expect(metadata.labels).toEqual({
        app: 'agent',
        'controller-revision-hash': hash,
        'pod-template-generation': '1',
      })
      expect(metadata.ownerReferences).toMatchObject([{ kind: 'DaemonSet', name: 'agent', controller: true }])
      const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      expect(required?.nodeSelectorTerms).toEqual([
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: [expect.stringMatching(/^node-[123]$/)] }] },
      ])
      expect(spec.tolerations).toEqual(
        expect.arrayContaining([
          { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
          { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
        ]),
      )
    }
    await settled(ALL)
    await addNode('node-4')
    await settled([...ALL, 'node-4'])
    await plane.client.delete(NODES, { name: 'node-4' })
    await eventually(async () => expect((await get()).status?.desiredNumberScheduled).toBe(3))
  })

  it('follows node labels and affinity, and leaves nodes that no longer match', async () => {
    await create({ nodeSelector: { color: 'blue' } })
    await observed()
    expect(await pods.list()).toEqual([])
    expect((await get()).status).toMatchObject({ desiredNumberScheduled: 0, currentNumberScheduled: 0 })
    await patchNode('node-2', { metadata: { labels: { color: 'blue' } } })
    await settled(['node-2'])
    await patchNode('node-2', { metadata: { labels: { color: 'green' } } })
    await settled([])
    await patch({ spec: { template: { spec: { nodeSelector: { color: 'green' } } } } })
    await settled(['node-2'])
  })

  it('keeps off tainted nodes, and leaves only those whose taint evicts', async () => {
    await patchNode('node-3', { spec: { taints: [{ key: 'only', value: 'gpu', effect: 'NoSchedule' }] } })
    await create()
    await settled(['node-1', 'node-2'])
    await patchNode('node-1', { spec: { taints: [{ key: 'full', effect: 'NoSchedule' }] } })
    await eventually(async () =>
      expect((await get()).status).toMatchObject({ desiredNumberScheduled: 1, numberMisscheduled: 1 }),
    )
    expect(nodesOf(await livePods())).toEqual(['node-1', 'node-2'])
    await patchNode('node-1', { spec: { taints: [{ key: 'down', effect: 'NoExecute' }] } })
    await settled(['node-2'])
    await patchNode('node-2', {
      spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
    })
    await settled(['node-2'])
  })

  it('makes a Pod anew that was deleted, failed or succeeded', async () => {
    await create()
    await settled(ALL)
    for (const end of ['Failed', 'Succeeded', 'deleted'] as const) {
      const [victim] = await pods.list()
      if (victim === undefined) throw new Error('there is a Pod')
      if (end === 'deleted') await plane.client.delete(PODS, { namespace, name: victim.metadata.name ?? '' })
      else await pods.end(victim, end)
      await eventually(async () => {
        await pods.runAll(true)
        expect((await pods.list()).map(({ metadata }) => metadata.uid)).not.toContain(victim.metadata.uid)
      })
      await settled(ALL)
    }
    await eventually(async () => {
      const reasons = (await plane.client.list(EVENTS, { namespace })).items.map(({ reason }) => reason)
      expect(reasons).toEqual(expect.arrayContaining(['SuccessfulCreate', 'FailedDaemonPod', 'SucceededDaemonPod']))
    })
  })

  it('adopts Pods and history of one that was deleted without them', async () => {
    await create()
    await settled(ALL)
    const before = (await pods.list()).map(({ metadata }) => metadata.uid)
    const orphan = { type: 'merge', body: { metadata: { ownerReferences: null } } } as const
    // Without a garbage collector in this plane nothing orphans them but the test.
    await plane.client.delete(DAEMON_SETS, key, { propagationPolicy: 'Background' })
    await eventually(async () => await expect(get()).rejects.toMatchObject({ status: { code: 404 } }))
    for (const { metadata } of await pods.list()) {
      await plane.client.patch(PODS, { namespace, name: metadata.name ?? '' }, orphan)
    }
    for (const { metadata } of (await plane.client.list(CONTROLLER_REVISIONS, { namespace })).items) {
      await plane.client.patch(CONTROLLER_REVISIONS, { namespace, name: metadata.name ?? '' }, orphan)
    }
    const { metadata } = await create()
    await settled(ALL)
    expect((await pods.list()).map(({ metadata: { uid } }) => uid)).toEqual(before)
    const { items } = await plane.client.list(CONTROLLER_REVISIONS, { namespace })
    expect(items).toMatchObject([{ metadata: { ownerReferences: [{ uid: metadata.uid }] } }])
  })
})

describe('a rolling update of a DaemonSet', () => {
  it('takes no more nodes than maxUnavailable, and goes back by its history', async () => {
    await create()
    await settled(ALL)
    await setImage('two')
    await eventually(async () => expect(await livePods()).toHaveLength(2))
    await observed()
    expect(await livePods()).toHaveLength(2)
    await settled(ALL, 'two')
    await setImage('one')
    await settled(ALL, 'one')
    const { items } = await plane.client.list(CONTROLLER_REVISIONS, { namespace })
    expect(items.map(({ revision }) => revision).sort()).toEqual([2, 3])
  })

  it('does not restart Pods that have the template a rollback goes back to', async () => {
    await create()
    await settled(ALL)
    const before = new Map((await pods.list()).map(({ metadata, spec }) => [spec.nodeName, metadata.uid]))
    await setImage('broken')
    await eventually(async () => {
      for (const pod of (await pods.list()).filter(isGoing)) await pods.finish(pod)
      expect((await livePods()).filter((pod) => imageOf(pod) === 'broken')).toHaveLength(1)
    })
    await setImage('one')
    await settled(ALL)
    const after = (await pods.list()).filter(({ metadata, spec }) => before.get(spec.nodeName) === metadata.uid)
    expect(after).toHaveLength(2)
  })

  it('lives with revisions somebody else makes and deletes, as the conformance test of ControllerRevisions does', async () => {
    await create()
    await settled(ALL)
    const revisions = async () => (await plane.client.list(CONTROLLER_REVISIONS, { namespace })).items
    const [initial] = await revisions()
    const { labels = {}, ownerReferences = [], name = '' } = initial?.metadata ?? {}
    const copy = deepCopy<ControllerRevision>(initial as ControllerRevision)
    copy.metadata = {
      name: 'copy',
      namespace,
      labels: { ...labels, 'controller-revision-hash': 'copy' },
      ownerReferences: [...ownerReferences],
    }
    await plane.client.create(CONTROLLER_REVISIONS, { ...copy, revision: 2 })
    expect(await revisions()).toHaveLength(2)
    await plane.client.delete(CONTROLLER_REVISIONS, { namespace, name })
    await settled(ALL)
    expect((await revisions()).map(({ metadata }) => metadata.name)).toEqual(['copy'])
    await setImage('two')
    await settled(ALL, 'two')
    await plane.client.delete(CONTROLLER_REVISIONS, { namespace, name: 'copy' })
    const [last] = await revisions()
    const named = { namespace, name: last?.metadata.name ?? '' }
    const body = { metadata: { labels: { 'controller-revision-hash': null } } }
    await plane.client.patch(CONTROLLER_REVISIONS, named, { type: 'merge', body })
    await eventually(async () =>
      expect((await revisions())[0]?.metadata.labels).toMatchObject({ 'controller-revision-hash': named.name }),
    )
    await observed()
    expect((await revisions()).map(({ revision }) => revision)).toEqual([3])
  })

  it('makes new Pods before the old ones go when it may surge', async () => {
    const rollingUpdate = { maxSurge: 1, maxUnavailable: 0 }
    await create({}, { updateStrategy: { type: 'RollingUpdate', rollingUpdate } })
    await settled(ALL)
    await setImage('two')
    await eventually(async () => expect(await pods.list()).toHaveLength(4))
    await observed()
    expect((await livePods()).filter((pod) => imageOf(pod) === 'one')).toHaveLength(3)
    expect(await pods.list()).toHaveLength(4)
    await settled(ALL, 'two')
  })

  it('waits for Pods to be deleted with OnDelete', async () => {
    await create({}, { updateStrategy: { type: 'OnDelete' } })
    await settled(ALL)
    await setImage('two')
    await observed()
    expect((await livePods()).map(imageOf)).toEqual(['one', 'one', 'one'])
    expect((await get()).status?.updatedNumberScheduled).toBeUndefined()
    for (const { metadata } of await pods.list()) {
      await plane.client.delete(PODS, { namespace, name: metadata.name ?? '' })
    }
    await settled(ALL, 'two')
  })

  it('forgets old templates beyond its limit', async () => {
    await create({}, { revisionHistoryLimit: 1 })
    for (const image of ['one', 'two', 'three', 'four']) {
      await setImage(image)
      await settled(ALL, image)
    }
    await eventually(async () => {
      const { items } = await plane.client.list(CONTROLLER_REVISIONS, { namespace })
      expect(items.map(({ revision }) => revision).sort()).toEqual([3, 4])
    })
  })

  it('does not count a Pod as available before minReadySeconds', async () => {
    await create({}, { minReadySeconds: 3600 })
    const found = await eventually(async () => {
      const list = await pods.list()
      expect(list).toHaveLength(3)
      return list
    })
    const now = new Date().toISOString().replace(/\.\d+/, '')
    for (const [i, pod] of found.entries()) {
      await pods.bind(pod)
      await eventually(async () => {
        const bound = await pods.get(pod.metadata.name ?? '')
        await pods.setReady(bound, true, i === 0 ? '2020-01-01T00:00:00Z' : now)
        expect(bound.status?.phase).toBe('Running')
      })
    }
    await eventually(async () =>
      expect((await get()).status).toMatchObject({ numberReady: 3, numberAvailable: 1, numberUnavailable: 2 }),
    )
  })
})
