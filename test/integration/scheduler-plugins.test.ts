/** The scheduler's larger plugins against a real control plane: preemption, spreading, affinity, volumes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { persistentVolumeBinderController } from '#controllers/persistent-volume-binder/reconciler.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import {
  EVENTS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import { PRIORITY_CLASSES } from '#machinery/api/scheduling/v1/resources.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE } from '#machinery/volume/binding.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeNode, type NodeOptions } from '#test/support/scheduling.ts'
import { claimVolumes, makeLocalClaim, makeLocalClass, makeLocalVolume } from '#test/support/volumes.ts'

const namespace = 'default'
const ZONE = 'topology.kubernetes.io/zone'
const HOST = 'kubernetes.io/hostname'
const app = { app: 'a' }
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [schedulerComponent()] })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
})
afterEach(() => plane.stop())

async function addNode(options: NodeOptions): Promise<void> {
  const node = makeNode(options)
  const key = { name: node.metadata.name ?? '' }
  await plane.client.create(NODES, node)
  await plane.client.patch(NODES, key, { type: 'merge', body: { status: node.status } }, { subresource: 'status' })
  // The API server taints new nodes as not ready; the node lifecycle takes that back.
  const body = { spec: { taints: node.spec.taints ?? null } }
  await plane.client.patch(NODES, key, { type: 'merge', body })
}

interface NewPod {
  readonly labels?: Record<string, string>
  readonly cpu?: string
  readonly spec?: Partial<Pod['spec']>
}

const addPod = (name: string, { labels = {}, cpu = '100m', spec = {} }: NewPod = {}) =>
  plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...spec },
  })

const pod = (name: string): Promise<DeepReadonly<Pod>> => plane.client.get(PODS, { namespace, name })
const nodeOf = async (name: string): Promise<string | undefined> => (await pod(name)).spec.nodeName

async function bound(...names: string[]): Promise<(string | undefined)[]> {
  await eventually(async () => {
    for (const name of names) expect(await nodeOf(name), name).toBeDefined()
  })
  return Promise.all(names.map(nodeOf))
}

const unschedulable = async (name: string): Promise<string | undefined> => {
  const condition = (await pod(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled')
  return condition?.status === 'False' ? condition.message : undefined
}

describe('preemption', () => {
  beforeEach(async () => {
    for (const [name, value] of [
      ['low', 1],
      ['high', 1000],
    ] as const)
      await plane.client.create(PRIORITY_CLASSES, {
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name },
        value,
      })
  })
  const priority = (priorityClassName: string, labels: Record<string, string> = {}): NewPod => ({
    labels,
    cpu: '1',
    spec: { priorityClassName, terminationGracePeriodSeconds: 0 },
  })

  it('takes the node whose pods no budget protects, says so, and puts the pod there', async () => {
    await plane.client.create(POD_DISRUPTION_BUDGETS, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b', namespace },
      spec: { minAvailable: 1, selector: { matchLabels: app } },
    })
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    await addPod('guarded', priority('low', app))
    expect(await bound('guarded')).toEqual(['n1'])
    await addNode({ name: 'n2', allocatable: { cpu: '1' } })
    await addPod('victim', {
      ...priority('low'),
      spec: { priorityClassName: 'low', terminationGracePeriodSeconds: 30 },
    })
    expect(await bound('victim')).toEqual(['n2'])
    const { metadata } = await addPod('urgent', priority('high'))

    // Nobody runs it, so it stays until its node has it gone.
    await eventually(async () => expect((await pod('victim')).metadata.deletionTimestamp).toBeDefined())
    const condition = (await pod('victim')).status?.conditions?.find(({ type }) => type === 'DisruptionTarget')
    expect(condition).toMatchObject({
      status: 'True',
      reason: 'PreemptionByScheduler',
      observedGeneration: 1,
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    })
    await eventually(async () => expect((await pod('urgent')).status?.nominatedNodeName).toBe('n2'))
    await eventually(async () => {
      const { items } = await plane.client.list(EVENTS, { namespace, fieldSelector: 'reason=Preempted' })
      expect(items.map(({ message }) => message)).toEqual([`Preempted by pod ${metadata.uid} on node n2`])
    })
    await plane.client.delete(PODS, { namespace, name: 'victim' }, { gracePeriodSeconds: 0 })
    expect(await bound('urgent')).toEqual(['n2'])
    expect((await pod('guarded')).metadata.deletionTimestamp).toBeUndefined()
  })

  it('is not tried where it does not help', async () => {
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    await addNode({ name: 'n2', spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } })
    await addPod('same', priority('high'))
    await bound('same')
    await addPod('urgent', priority('high'))
    await eventually(async () =>
      expect(await unschedulable('urgent')).toBe(
        '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). ' +
          'no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
      ),
    )
  })
})

describe('spreading', () => {
  const spec: Partial<Pod['spec']> = {
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: app } },
    ],
  }
  it('keeps zones even, however large they are', async () => {
    for (const [name, zone] of Object.entries({ a1: 'a', a2: 'a', a3: 'a', b1: 'b', c1: 'c' }))
      await addNode({ name, labels: { [ZONE]: zone } })
    const names = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6']
    for (const name of names) await addPod(name, { labels: app, spec })
    const zones = (await bound(...names)).map((node) => node?.charAt(0)).sort()
    expect(zones).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
  })

  it('with matchLabelKeys counts only the pods of the same revision, as the selector says', async () => {
    for (const [name, zone] of Object.entries({ a1: 'a', b1: 'b' })) await addNode({ name, labels: { [ZONE]: zone } })
    const [constraint] = spec.topologySpreadConstraints ?? []
    const revised = { topologySpreadConstraints: [{ ...constraint, matchLabelKeys: ['rev'] }] } as Partial<Pod['spec']>
    for (const name of ['old1', 'old2']) await addPod(name, { labels: { ...app, rev: '1' }, spec: { nodeName: 'a1' } })
    for (const name of ['new1', 'new2']) await addPod(name, { labels: { ...app, rev: '2' }, spec: revised })
    expect((await bound('new1', 'new2')).sort()).toEqual(['a1', 'b1'])
    expect((await pod('new1')).spec.topologySpreadConstraints?.[0]?.labelSelector).toEqual({
      matchLabels: app,
      matchExpressions: [{ key: 'rev', operator: 'In', values: ['2'] }],
    })
  })

  it('waits for another zone, and takes it when it comes', async () => {
    await addNode({ name: 'a1', labels: { [ZONE]: 'a' } })
    await addNode({ name: 'b1', labels: { [ZONE]: 'b' }, allocatable: { cpu: '100m' } })
    for (const name of ['p1', 'p2', 'p3']) await addPod(name, { labels: app, spec })
    await bound('p1', 'p2', 'p3')
    await addPod('p4', { labels: app, spec })
    await eventually(async () =>
      expect(await unschedulable('p4')).toMatch(
        /^0\/2 nodes are available: 1 Insufficient cpu, 1 node\(s\) didn't match pod topology spread constraints\./,
      ),
    )
    await addNode({ name: 'b2', labels: { [ZONE]: 'b' } })
    expect(await bound('p4')).toEqual(['b2'])
  })
})

describe('affinity', () => {
  const term = { topologyKey: HOST, labelSelector: { matchLabels: app } }
  const apart: NewPod = {
    labels: app,
    spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
  }
  const near: NewPod = {
    spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
  }

  it('keeps pods apart, and lets the next one in when one goes', async () => {
    await addNode({ name: 'n1' })
    await addNode({ name: 'n2' })
    await addPod('p1', apart)
    await addPod('p2', apart)
    expect((await bound('p1', 'p2')).sort()).toEqual(['n1', 'n2'])
    await addPod('p3', apart)
    await eventually(async () =>
      expect(await unschedulable('p3')).toMatch(
        /^0\/2 nodes are available: 2 node\(s\) didn't match pod anti-affinity rules\./,
      ),
    )
    const free = await nodeOf('p1')
    await plane.client.delete(PODS, { namespace, name: 'p1' }, { gracePeriodSeconds: 0 })
    expect(await bound('p3')).toEqual([free])
  })

  it('brings a pod to the one it wants, once that is there', async () => {
    await addNode({ name: 'n1' })
    await addNode({ name: 'n2' })
    await addPod('follower', near)
    await eventually(async () => expect(await unschedulable('follower')).toContain("didn't match pod affinity rules"))
    await addPod('leader', { labels: app, spec: { nodeSelector: { [HOST]: 'n2' } } })
    expect(await bound('leader', 'follower')).toEqual(['n2', 'n2'])
  })
})

describe('claims that wait for a pod', () => {
  /** What the volume binder does when it sees the scheduler's write. */
  async function completeBinding(claim: string, volume: string): Promise<void> {
    const key = { namespace, name: claim }
    const draft = deepCopy<PersistentVolumeClaim>(await plane.client.get(PERSISTENT_VOLUME_CLAIMS, key))
    draft.spec.volumeName = volume
    draft.metadata.annotations = { ...draft.metadata.annotations, [BIND_COMPLETED]: 'yes' }
    await plane.client.update(PERSISTENT_VOLUME_CLAIMS, draft)
  }
  const addVolume = async (volume: PersistentVolume): Promise<void> => {
    const key = { name: volume.metadata.name ?? '' }
    await plane.client.create(PERSISTENT_VOLUMES, volume)
    const body = { status: { phase: 'Available' } }
    await plane.client.patch(PERSISTENT_VOLUMES, key, { type: 'merge', body }, { subresource: 'status' })
  }
  const local = (name: string, host: string) =>
    makeLocalVolume(name, { host, spec: { hostPath: { path: `/${name}` } } })

  it('are matched with a volume of the node, which waits until they are bound', async () => {
    await plane.client.create(STORAGE_CLASSES, makeLocalClass())
    await addNode({ name: 'n1' })
    await addNode({ name: 'n2' })
    await addVolume(local('v', 'n2'))
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeLocalClaim('c'))
    await addPod('p', { spec: { volumes: claimVolumes('c') } })
    await eventually(async () => {
      const { metadata, spec } = await plane.client.get(PERSISTENT_VOLUMES, { name: 'v' })
      expect(spec.claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', namespace, name: 'c' })
      expect(metadata.annotations).toMatchObject({ [BOUND_BY_CONTROLLER]: 'yes' })
    })
    expect(await nodeOf('p')).toBeUndefined()
    await completeBinding('c', 'v')
    expect(await bound('p')).toEqual(['n2'])
  })

  it('tell the provisioner the node, and the pod is scheduled again when it gives up', async () => {
    await plane.client.create(STORAGE_CLASSES, makeLocalClass('fast', { provisioner: 'csi.example' }))
    await addNode({ name: 'n1' })
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeLocalClaim('c', { storageClass: 'fast' }))
    await addPod('p', { spec: { volumes: claimVolumes('c') } })
    const key = { namespace, name: 'c' }
    const selected = async () =>
      (await plane.client.get(PERSISTENT_VOLUME_CLAIMS, key)).metadata.annotations?.[SELECTED_NODE]
    await eventually(async () => expect(await selected()).toBe('n1'))
    const body = { metadata: { annotations: { [SELECTED_NODE]: null } } }
    await plane.client.patch(PERSISTENT_VOLUME_CLAIMS, key, { type: 'merge', body })
    await eventually(async () => expect(await selected()).toBe('n1'))
    await addVolume(local('made', 'n1'))
    await completeBinding('c', 'made')
    expect(await bound('p')).toEqual(['n1'])
  })

  it('say what is missing, and are bound when it comes', async () => {
    await plane.client.create(STORAGE_CLASSES, makeLocalClass())
    await addNode({ name: 'n1' })
    await addPod('p', { spec: { volumes: claimVolumes('c') } })
    await eventually(async () => expect(await unschedulable('p')).toContain('persistentvolumeclaim "c" not found'))
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeLocalClaim('c'))
    await eventually(async () =>
      expect(await unschedulable('p')).toContain("1 node(s) didn't find available persistent volumes to bind"),
    )
    await addVolume(local('v', 'n1'))
    await eventually(async () =>
      expect((await plane.client.get(PERSISTENT_VOLUMES, { name: 'v' })).spec.claimRef?.name).toBe('c'),
    )
    await completeBinding('c', 'v')
    expect(await bound('p')).toEqual(['n1'])
  })

  it('get a volume each, on the node of their pod, together with the volume binder', async () => {
    await plane.stop()
    plane = await startTestControlPlane({ controllers: [schedulerComponent(), persistentVolumeBinderController] })
    const metadata = { name: 'default', namespace }
    await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    await plane.client.create(STORAGE_CLASSES, makeLocalClass())
    for (const name of ['n1', 'n2']) await addNode({ name })
    const numbers = [0, 1, 2, 3, 4, 5]
    for (const i of numbers) await plane.client.create(PERSISTENT_VOLUMES, local(`v${i}`, i % 2 === 0 ? 'n1' : 'n2'))
    for (const i of numbers) {
      await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeLocalClaim(`c${i}`))
      await addPod(`p${i}`, { spec: { volumes: claimVolumes(`c${i}`) } })
    }
    await bound(...numbers.map((i) => `p${i}`))
    const used = new Set<string>()
    for (const i of numbers) {
      const { spec } = await plane.client.get(PERSISTENT_VOLUME_CLAIMS, { namespace, name: `c${i}` })
      const name = spec.volumeName ?? ''
      const volume = await plane.client.get(PERSISTENT_VOLUMES, { name })
      const [term] = volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? []
      expect(term?.matchExpressions?.[0]?.values).toEqual([await nodeOf(`p${i}`)])
      used.add(name)
    }
    expect(used.size).toBe(numbers.length)
  })
})
