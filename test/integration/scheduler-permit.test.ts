/** Bindings that wait: gangs by a plugin of somebody else's, and what takes a Pod back that is not bound yet. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_CONFIGURATION } from '#controllers/scheduler/config/configuration.ts'
import type { PermitPlugin, PluginDefinition, PreBindPlugin } from '#controllers/scheduler/framework/interfaces.ts'
import { unschedulable } from '#controllers/scheduler/framework/verdicts.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import { EVENTS, NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { PRIORITY_CLASSES } from '#machinery/api/scheduling/v1/resources.gen.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeNode } from '#test/support/scheduling.ts'

const namespace = 'default'
const GANG = 'example.com/gang'
const SIZE = 3
let plane: TestControlPlane
let waitMs: number

/** Pods with the label are bound three at a time. */
const gang: PluginDefinition = {
  name: 'Gang',
  create(_args, handle): PermitPlugin {
    return {
      name: 'Gang',
      events: [{ resource: 'pods', actions: ['delete'] }],
      permit({ pod }) {
        const name = pod.metadata.labels?.[GANG]
        if (name === undefined) return undefined
        const others = [...handle.waitingPods()].filter((waiting) => waiting.pod.metadata.labels?.[GANG] === name)
        if (others.length + 1 < SIZE) return { waitMs }
        for (const other of others) other.allow('Gang')
        return undefined
      },
    }
  },
}

/** Keeps Pods with the label until they are taken back. */
const slow: PluginDefinition = {
  name: 'Slow',
  create: (): PreBindPlugin => ({
    name: 'Slow',
    isNeeded: (_state, { pod }) => pod.metadata.labels?.['slow'] !== undefined,
    preBind: (_state, _pod, _node, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      }),
  }),
}

/** Refuses Pods with the label the first time. */
const reluctant: PluginDefinition = {
  name: 'Reluctant',
  create: (): PreBindPlugin => {
    const refused = new Set<string | undefined>()
    return {
      name: 'Reluctant',
      events: [],
      isNeeded: (_state, { pod }) => pod.metadata.labels?.['reluctant'] !== undefined,
      preBind(_state, { pod: { metadata } }) {
        const isFirst = !refused.has(metadata.uid)
        refused.add(metadata.uid)
        return Promise.resolve(isFirst ? unschedulable('not yet') : undefined)
      },
    }
  },
}

beforeEach(async () => {
  waitMs = 600_000
  const [profile] = DEFAULT_CONFIGURATION.profiles
  const plugins = [gang, slow, reluctant]
  const enabled = plugins.map(({ name }) => ({ name, weight: 0 }))
  const profiles = profile === undefined ? [] : [{ ...profile, multiPoint: { enabled, disabled: [] } }]
  const configuration = { ...DEFAULT_CONFIGURATION, profiles }
  plane = await startTestControlPlane({
    controllers: [schedulerComponent({ configuration, plugins })],
    featureGates: ['NominatedNodeNameForExpectation', 'ClearingNominatedNodeNameAfterBinding'],
  })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  await plane.client.create(PRIORITY_CLASSES, {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'high' },
    value: 1000,
  })
  const node = makeNode({ name: 'n1', allocatable: { cpu: '3' } })
  await plane.client.create(NODES, node)
  const body = { status: node.status }
  await plane.client.patch(NODES, { name: 'n1' }, { type: 'merge', body }, { subresource: 'status' })
  await plane.client.patch(NODES, { name: 'n1' }, { type: 'merge', body: { spec: { taints: null } } })
})
afterEach(() => plane.stop())

const addPod = (name: string, labels: Record<string, string> = {}, spec: Partial<Pod['spec']> = {}, cpu = '1') =>
  plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...spec },
  })
const read = (name: string) => plane.client.get(PODS, { namespace, name })
const nodeOf = async (name: string): Promise<string | undefined> => (await read(name)).spec.nodeName
const nominationOf = async (name: string): Promise<string | undefined> => (await read(name)).status?.nominatedNodeName
const condition = async (name: string) =>
  (await read(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled')
const preemptions = async (): Promise<(string | undefined)[]> => {
  const { items } = await plane.client.list(EVENTS, { namespace, fieldSelector: 'reason=Preempted' })
  return items.map(({ message }) => message)
}
/** How many Pods hold a place and wait. */
const waiting = async (count: number): Promise<void> =>
  eventually(async () => {
    const { body } = await plane.client.raw({ method: 'GET', path: '/debug/controllers' })
    expect(JSON.stringify(body)).toContain(`"waitingOnPermit":${count}`)
  })

describe('a gang', () => {
  it('is bound when its last member has a place, and not before', async () => {
    for (const name of ['a', 'b']) await addPod(name, { [GANG]: 'g' })
    await waiting(2)
    await addPod('alone', {}, {}, '0')
    await eventually(async () => expect(await nodeOf('alone')).toBe('n1'))
    expect([await nodeOf('a'), await nodeOf('b')]).toEqual([undefined, undefined])
    await addPod('c', { [GANG]: 'g' })
    for (const name of ['a', 'b', 'c']) await eventually(async () => expect(await nodeOf(name)).toBe('n1'))
  })

  it('that does not come together gives its places back, and says so', async () => {
    waitMs = 50
    await addPod('a', { [GANG]: 'g' })
    await eventually(async () =>
      expect(await condition('a')).toMatchObject({
        status: 'False',
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 rejected due to timeout after waiting 50ms at plugin Gang.',
      }),
    )
    await addPod('other', {}, {}, '3')
    await eventually(async () => expect(await nodeOf('other')).toBe('n1'))
  })

  it('loses a member that is deleted, whose place is free at once', async () => {
    for (const name of ['a', 'b']) await addPod(name, { [GANG]: 'g' })
    await waiting(2)
    await addPod('other', {}, {}, '2')
    await eventually(async () => expect((await condition('other'))?.reason).toBe('Unschedulable'))
    await plane.client.delete(PODS, { namespace, name: 'a' })
    await eventually(async () => expect(await nodeOf('other')).toBe('n1'))
    await waiting(1)
  })
})

describe('the node a Pod is about to be on', () => {
  it('is told while it waits on permit, and no longer when it is bound', async () => {
    for (const name of ['a', 'b']) await addPod(name, { [GANG]: 'g' })
    for (const name of ['a', 'b']) await eventually(async () => expect(await nominationOf(name)).toBe('n1'))
    await addPod('c', { [GANG]: 'g' })
    for (const name of ['a', 'b', 'c']) await eventually(async () => expect(await nodeOf(name)).toBe('n1'))
    expect([await nominationOf('a'), await nominationOf('c')]).toEqual([undefined, undefined])
  })

  it('is taken back when the Pod is', async () => {
    await addPod('slow', { slow: 'yes' }, {}, '3')
    await eventually(async () => expect(await nominationOf('slow')).toBe('n1'))
    await addPod('urgent', {}, { priorityClassName: 'high' }, '3')
    await eventually(async () => expect(await nodeOf('urgent')).toBe('n1'))
    await eventually(async () => expect(await nominationOf('slow')).toBeUndefined())
  })
})

describe('a Pod refused while it is being bound', () => {
  it('is told why, and tried again without waiting for an event', async () => {
    await addPod('a', { reluctant: 'yes' })
    await eventually(async () =>
      expect(await condition('a')).toMatchObject({ reason: 'Unschedulable', message: 'not yet' }),
    )
    await eventually(async () => expect(await nodeOf('a')).toBe('n1'))
  })
})

describe('preemption', () => {
  it('takes back who waits on permit, without deleting it', async () => {
    for (const name of ['a', 'b']) await addPod(name, { [GANG]: 'g' })
    await waiting(2)
    const urgent = await addPod('urgent', {}, { priorityClassName: 'high' }, '2')
    await eventually(async () => expect(await nodeOf('urgent')).toBe('n1'))
    const message = `Preempted by pod ${urgent.metadata.uid} on node n1 (in kube-scheduler memory).`
    await eventually(async () => expect(await preemptions()).toContain(message))
    for (const name of ['a', 'b']) expect((await read(name)).metadata.deletionTimestamp).toBeUndefined()
  })

  it('takes back whose binding is being prepared, without deleting it', async () => {
    await addPod('slow', { slow: 'yes' }, {}, '3')
    await addPod('next', {}, {}, '3')
    await eventually(async () => expect((await condition('next'))?.reason).toBe('Unschedulable'))
    await addPod('urgent', {}, { priorityClassName: 'high' }, '3')
    await eventually(async () => expect(await nodeOf('urgent')).toBe('n1'))
    expect((await read('slow')).metadata.deletionTimestamp).toBeUndefined()
    await eventually(async () =>
      expect(await condition('slow')).toMatchObject({ reason: expect.stringMatching('SchedulerError|Unschedulable') }),
    )
  })
})
