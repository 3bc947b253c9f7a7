/** The scheduler against a real control plane: Pods get bound, wait, are woken, make way. */
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { SchedulerMetrics } from '#controllers/scheduler/metrics.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import { EVENTS, NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { PRIORITY_CLASSES } from '#machinery/api/scheduling/v1/resources.gen.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeNode, type NodeOptions } from '#test/support/scheduling.ts'

const namespace = 'default'
let plane: TestControlPlane

afterEach(() => plane.stop())

async function start(options: Parameters<typeof startTestControlPlane>[0] = {}): Promise<void> {
  plane = await startTestControlPlane({ controllers: [schedulerComponent()], ...options })
  const metadata = { name: 'default', namespace }
  await plane.client
    .create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    .catch(() => undefined)
}

async function addNode(options: NodeOptions): Promise<void> {
  const node: Node = makeNode(options)
  const key = { name: node.metadata.name ?? '' }
  await plane.client.create(NODES, node)
  const body = { status: node.status ?? {} }
  await plane.client.patch(NODES, key, { type: 'merge', body }, { subresource: 'status' })
  // The API server taints new nodes as not ready; the node lifecycle takes that back.
  const spec = { taints: node.spec.taints ?? null }
  await plane.client.patch(NODES, key, { type: 'merge', body: { spec } })
}

function addPod(name: string, spec: Partial<Pod['spec']> = {}, cpu = '100m'): Promise<DeepReadonly<Pod>> {
  return plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...spec },
  })
}

const pod = (name: string): Promise<DeepReadonly<Pod>> => plane.client.get(PODS, { namespace, name })
const nodeOf = async (name: string): Promise<string | undefined> => (await pod(name)).spec.nodeName

async function condition(name: string) {
  const { status } = await pod(name)
  return status?.conditions?.find(({ type }) => type === 'PodScheduled')
}

const eventsOf = async (name: string) => {
  const { items } = await plane.client.list(EVENTS, { namespace, fieldSelector: `involvedObject.name=${name}` })
  return items.map(({ reason, message, source }) => ({ reason, message, component: source?.component }))
}

describe('a Pod', () => {
  it('is bound, and the user is told', async () => {
    await start()
    await addNode({ name: 'n1' })
    await addPod('a')
    await eventually(async () => expect(await nodeOf('a')).toBe('n1'))
    expect(await condition('a')).toMatchObject({ status: 'True' })
    await eventually(async () =>
      expect(await eventsOf('a')).toEqual([
        {
          reason: 'Scheduled',
          message: 'Successfully assigned default/a to n1',
          component: 'default-scheduler',
        },
      ]),
    )
  })

  it('waits while there is no node, and goes to the first that comes', async () => {
    await start()
    await addPod('a')
    await eventually(async () =>
      expect(await condition('a')).toMatchObject({
        status: 'False',
        reason: 'Unschedulable',
        message: 'no nodes available to schedule pods',
        observedGeneration: 1,
      }),
    )
    await addNode({ name: 'n1' })
    await eventually(async () => expect(await nodeOf('a')).toBe('n1'))
  })

  it('that fits nowhere is told why for every node, and fits when a node is made larger', async () => {
    await start()
    await addNode({ name: 'small', allocatable: { cpu: '50m' } })
    await addNode({ name: 'tainted', spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } })
    await addNode({ name: 'cordoned', spec: { unschedulable: true } })
    await addPod('a')
    const message =
      '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. ' +
      'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'
    await eventually(async () =>
      expect(await condition('a')).toMatchObject({ status: 'False', reason: 'Unschedulable', message }),
    )
    await eventually(async () =>
      expect(await eventsOf('a')).toContainEqual({
        reason: 'FailedScheduling',
        message,
        component: 'default-scheduler',
      }),
    )
    const body = { spec: { unschedulable: false } }
    await plane.client.patch(NODES, { name: 'cordoned' }, { type: 'merge', body })
    await eventually(async () => expect(await nodeOf('a')).toBe('cordoned'))
  })

  it('takes the place of one that ends', async () => {
    await start()
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    await addPod('first', {}, '800m')
    await eventually(async () => expect(await nodeOf('first')).toBe('n1'))
    await addPod('second', {}, '800m')
    await eventually(async () => expect((await condition('second'))?.reason).toBe('Unschedulable'))
    const done = deepCopy<Pod>(await pod('first'))
    done.status = { ...done.status, phase: 'Succeeded' }
    await plane.client.update(PODS, done, { subresource: 'status' })
    await eventually(async () => expect(await nodeOf('second')).toBe('n1'))
  })

  it('with gates waits until they are gone', async () => {
    await start()
    await addNode({ name: 'n1' })
    await addPod('gated', { schedulingGates: [{ name: 'example.com/a' }] })
    await addPod('free')
    await eventually(async () => expect(await nodeOf('free')).toBe('n1'))
    expect(await condition('gated')).toMatchObject({ status: 'False', reason: 'SchedulingGated' })
    const body = { spec: { schedulingGates: null } }
    await plane.client.patch(PODS, { namespace, name: 'gated' }, { type: 'merge', body })
    await eventually(async () => expect(await nodeOf('gated')).toBe('n1'))
  })

  it('of another scheduler is left alone', async () => {
    await start()
    await addNode({ name: 'n1' })
    await addPod('other', { schedulerName: 'somebody-else' })
    await addPod('ours')
    await eventually(async () => expect(await nodeOf('ours')).toBe('n1'))
    expect(await nodeOf('other')).toBeUndefined()
  })
})

describe('priority', () => {
  const priorityClass = (name: string, value: number) =>
    plane.client.create(PRIORITY_CLASSES, {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
    })

  it('decides who gets the place that comes free', async () => {
    await start()
    await priorityClass('high', 1000)
    await addPod('low', { terminationGracePeriodSeconds: 0 }, '800m')
    await addPod('high', { priorityClassName: 'high' }, '800m')
    await eventually(async () => expect((await condition('low'))?.reason).toBe('Unschedulable'))
    await eventually(async () => expect((await condition('high'))?.reason).toBe('Unschedulable'))
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    await eventually(async () => expect(await nodeOf('high')).toBe('n1'))
    // Where a second of backoff ends between the two, the other comes first and has to leave again.
    const low = await pod('low').catch(() => undefined)
    expect(low?.spec.nodeName).toBeUndefined()
  })

  it('makes others leave', async () => {
    await start()
    await priorityClass('high', 1000)
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    await addPod('victim', { terminationGracePeriodSeconds: 0 }, '800m')
    await eventually(async () => expect(await nodeOf('victim')).toBe('n1'))
    await addPod('high', { priorityClassName: 'high' }, '800m')
    await eventually(async () => expect(await nodeOf('high')).toBe('n1'))
    await expect(pod('victim')).rejects.toMatchObject({ reason: 'NotFound' })
  })
})

describe('preemption', () => {
  type Context = Parameters<ReturnType<typeof schedulerComponent>['createComponent']>[0]
  /** The scheduler, with deletions as `remove` does them. */
  function withDeletes(remove: (really: () => Promise<unknown>) => Promise<unknown>) {
    const component = schedulerComponent()
    const createComponent = (context: Context) => {
      const client = {
        ...context.client,
        delete: (...request: Parameters<typeof context.client.delete>) =>
          remove(() => context.client.delete(...request)),
      } as typeof context.client
      return component.createComponent({ ...context, client })
    }
    return { ...component, createComponent }
  }
  const high = { priorityClassName: 'high' }
  beforeEach(() => {
    deletions = 0
  })
  let deletions: number

  async function startWith(component: ReturnType<typeof withDeletes>): Promise<void> {
    await start({ controllers: [component] })
    const metadata = { name: 'high' }
    const apiVersion = 'scheduling.k8s.io/v1'
    await plane.client.create(PRIORITY_CLASSES, { apiVersion, kind: 'PriorityClass', metadata, value: 1000 })
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    for (const name of ['v1', 'v2']) await addPod(name, { terminationGracePeriodSeconds: 0 }, '500m')
    for (const name of ['v1', 'v2']) await eventually(async () => expect(await nodeOf(name)).toBe('n1'))
  }

  it('does not hold up other Pods, and its own Pod waits until it is done', async () => {
    let goOn = (): void => undefined
    const isAllowed = new Promise<void>((resolve) => {
      goOn = resolve
    })
    await startWith(
      withDeletes(async (really) => {
        deletions++
        // The second victim takes its time; the end of the first alone would wake the Pod.
        if (deletions === 2) await isAllowed
        return really()
      }),
    )
    await addPod('urgent', high, '1')
    await eventually(() => expect(deletions).toBe(2))
    await addNode({ name: 'n2', allocatable: { cpu: '500m' } })
    await addPod('other', {}, '500m')
    await eventually(async () => expect(await nodeOf('other')).toBe('n2'))
    await eventually(async () => {
      expect((await pod('urgent')).status?.nominatedNodeName).toBe('n1')
      const { body } = await plane.client.raw({ method: 'GET', path: '/debug/controllers' })
      expect(JSON.stringify(body)).toContain('"gated":1')
    })
    goOn()
    await eventually(async () => expect(await nodeOf('urgent')).toBe('n1'))
    expect(deletions).toBe(2)
  })

  it('that fails is tried again', async () => {
    await startWith(
      withDeletes((really) => {
        deletions++
        return deletions === 1 ? Promise.reject(new Error('the wire is cut')) : really()
      }),
    )
    await addPod('urgent', high, '1')
    await eventually(async () => expect(await nodeOf('urgent')).toBe('n1'))
    expect(deletions).toBeGreaterThan(2)
  })
})

describe('a binding that fails', () => {
  it('gives the place back and is tried again', async () => {
    let refusals = 2
    const component = schedulerComponent()
    const flaky = {
      ...component,
      createComponent: (context: Parameters<typeof component.createComponent>[0]) =>
        component.createComponent({
          ...context,
          client: {
            ...context.client,
            createSubresource: (...request: Parameters<typeof context.client.createSubresource>) => {
              if (request[2] === 'binding' && refusals > 0) {
                refusals--
                return Promise.reject(new Error('the wire is cut'))
              }
              return context.client.createSubresource(...request)
            },
          } as typeof context.client,
        }),
    }
    await start({ controllers: [flaky] })
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    await addPod('a', {}, '800m')
    await eventually(async () =>
      expect(await condition('a')).toMatchObject({ reason: 'SchedulerError', message: 'the wire is cut' }),
    )
    await eventually(async () => expect(await nodeOf('a')).toBe('n1'))
    expect(refusals).toBe(0)
  })
})

describe('the metrics', () => {
  it('tell what the plugins did at every point', async () => {
    const registry = new Registry()
    await start({ controllers: [schedulerComponent({ metrics: new SchedulerMetrics(registry) })] })
    await addNode({ name: 'n1' })
    await addNode({ name: 'n2', spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })
    await addNode({ name: 'n3' })
    await addPod('a')
    await eventually(async () => expect(await nodeOf('a')).toBeDefined())
    await addPod('large', {}, '64')
    await eventually(async () => expect((await condition('large'))?.reason).toBe('Unschedulable'))
    const text = await registry.metrics()
    const profile = 'profile="default-scheduler"'
    const points = ['PreFilter', 'Filter', 'PreScore', 'Score', 'Reserve', 'Permit', 'Bind', 'PostBind']
    for (const point of points) {
      const labels = `extension_point="${point}",status="Success",${profile}`
      expect(text).toMatch(new RegExp(`scheduler_framework_extension_point_duration_seconds_count\\{${labels}\\} [12]`))
    }
    expect(text).toContain(
      `scheduler_framework_extension_point_duration_seconds_count{extension_point="PreBindPreFlight",status="Skip",${profile}} 1`,
    )
    const evaluated = (plugin: string, point: string, count: number) =>
      `scheduler_plugin_evaluation_total{plugin="${plugin}",extension_point="${point}",${profile}} ${count}`
    // The second Pod's NodeResourcesFit refuses both nodes that the taint leaves.
    for (const line of [
      evaluated('TaintToleration', 'Filter', 6),
      evaluated('NodeResourcesFit', 'Filter', 4),
      evaluated('NodeResourcesFit', 'Score', 2),
      `scheduler_unschedulable_pods{plugin="NodeResourcesFit",${profile}} 1`,
      'scheduler_plugin_execution_duration_seconds_count{plugin="TaintToleration",extension_point="Filter",status="Success"} 1',
      'scheduler_plugin_execution_duration_seconds_count{plugin="DefaultBinder",extension_point="Bind",status="Success"} 1',
      'scheduler_queue_incoming_pods_total{queue="active",event="UnschedulablePodAdd"} 2',
    ])
      expect(text).toContain(line)
  })
})

describe('two schedulers for one name', () => {
  it('bind every Pod once, and tell nobody that they met', async () => {
    const second = { ...schedulerComponent(), name: 'kube-scheduler-2' }
    await start({ controllers: [schedulerComponent(), second] })
    for (const name of ['n1', 'n2', 'n3']) await addNode({ name })
    const names = Array.from({ length: 60 }, (_, i) => `p${i}`)
    await Promise.all(names.map((name) => addPod(name)))
    await eventually(async () => {
      const { items } = await plane.client.list(PODS, { namespace })
      expect(items.filter(({ spec }) => spec.nodeName === undefined)).toEqual([])
    })
    const { items } = await plane.client.list(EVENTS, { namespace })
    expect(items.filter(({ reason }) => reason === 'FailedScheduling')).toEqual([])
  })
})

describe('a restart', () => {
  it('finds what was placed before, and what was left', async () => {
    const storage = new MemoryStorage({ clock: systemClock })
    await start({ storage })
    await addNode({ name: 'n1', allocatable: { cpu: '1' } })
    await addPod('placed', {}, '800m')
    await eventually(async () => expect(await nodeOf('placed')).toBe('n1'))
    await addPod('left', {}, '800m')
    await eventually(async () => expect((await condition('left'))?.reason).toBe('Unschedulable'))
    await plane.stop()
    await start({ storage })
    await addPod('new', {}, '100m')
    await eventually(async () => expect(await nodeOf('new')).toBe('n1'))
    expect(await nodeOf('left')).toBeUndefined()
    await plane.client.delete(PODS, { namespace, name: 'placed' }, { gracePeriodSeconds: 0 })
    await eventually(async () => expect(await nodeOf('left')).toBe('n1'))
  })
})
