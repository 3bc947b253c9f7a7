/** An extender over HTTP filters, scores and binds; a profile of the configuration is used. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseSchedulerConfiguration } from '#controllers/scheduler/config/parse.ts'
import { createHttpExtender } from '#controllers/scheduler/extender/http-extender.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import { NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import { PRIORITY_CLASSES } from '#machinery/api/scheduling/v1/resources.gen.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeNode } from '#test/support/scheduling.ts'

type Answer = (body: Record<string, unknown>) => { readonly status?: number; readonly body: unknown }

const namespace = 'default'
let http: Server
let plane: TestControlPlane
let answers: Record<string, Answer>
let asked: string[]

beforeEach(async () => {
  answers = {}
  asked = []
  http = createServer((request, response) => {
    void textOf(request).then((text) => {
      const verb = request.url?.split('/').pop() ?? ''
      asked.push(verb)
      const answer = answers[verb]?.(JSON.parse(text) as Record<string, unknown>) ?? { status: 404, body: {} }
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer.body))
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  await plane.stop()
  http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
})

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function start(extender: string): Promise<void> {
  const { port } = http.address() as AddressInfo
  const configuration = parseSchedulerConfiguration(`
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles: [{ schedulerName: default-scheduler }, { schedulerName: packing }]
extenders:
- urlPrefix: http://127.0.0.1:${port}/scheduler
  ${extender}
`)
  const extenders = configuration.extenders.map((config) => createHttpExtender(config, {}, systemClock))
  plane = await startTestControlPlane({ controllers: [schedulerComponent({ configuration, extenders })] })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }).catch(() => 0)
  for (const name of ['n1', 'n2', 'n3']) {
    const node = makeNode({ name })
    await plane.client.create(NODES, node)
    const body = { status: node.status ?? {} }
    await plane.client.patch(NODES, { name }, { type: 'merge', body }, { subresource: 'status' })
    // The API server taints new nodes as not ready; the node lifecycle takes that back.
    await plane.client.patch(NODES, { name }, { type: 'merge', body: { spec: { taints: null } } })
  }
}

const addPod = (
  name: string,
  schedulerName = 'default-scheduler',
  resources: object = {},
  schedulingGates: { name: string }[] = [],
) =>
  plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { schedulerName, schedulingGates, containers: [{ name: 'c', image: 'i', resources }] },
  })

const read = (name: string) => plane.client.get(PODS, { namespace, name })
const names = (body: Record<string, unknown>): string[] => body['NodeNames'] as string[]

describe('an extender', () => {
  it('filters and scores, for every profile', async () => {
    await start('filterVerb: filter\n  prioritizeVerb: prioritize\n  weight: 100\n  nodeCacheCapable: true')
    answers['filter'] = (body) => ({
      body: { NodeNames: names(body).filter((name) => name !== 'n1'), FailedNodes: { n1: 'not for me' } },
    })
    answers['prioritize'] = (body) => ({
      body: names(body).map((name) => ({ Host: name, Score: name === 'n3' ? 10 : 0 })),
    })
    await addPod('a')
    await addPod('b', 'packing')
    await eventually(async () => expect((await read('a')).spec.nodeName).toBe('n3'))
    await eventually(async () => expect((await read('b')).spec.nodeName).toBe('n3'))
  })

  it('that strikes out the nominated node sends the Pod to another', async () => {
    await start('filterVerb: filter\n  nodeCacheCapable: true')
    const rounds: string[][] = []
    answers['filter'] = (body) => {
      rounds.push(names(body).toSorted())
      return { body: { NodeNames: names(body).filter((name) => name === 'n3') } }
    }
    const key = { namespace, name: 'a' }
    await addPod('a', 'default-scheduler', {}, [{ name: 'example.com/wait' }])
    const nominated = { status: { nominatedNodeName: 'n2' } }
    await plane.client.patch(PODS, key, { type: 'merge', body: nominated }, { subresource: 'status' })
    await plane.client.patch(PODS, key, { type: 'merge', body: { spec: { schedulingGates: null } } })
    await eventually(async () => expect((await read('a')).spec.nodeName).toBe('n3'))
    expect(rounds).toEqual([['n2'], ['n1', 'n2', 'n3']])
  })

  it('is asked with whole nodes, and its words reach the user', async () => {
    await start('filterVerb: filter')
    answers['filter'] = (body) => {
      const { items } = body['Nodes'] as { items: { metadata: { name: string } }[] }
      const failed = Object.fromEntries(items.map(({ metadata }) => [metadata.name, 'licence used up']))
      return { body: { nodes: { items: [] }, failedNodes: failed } }
    }
    await addPod('a')
    await eventually(async () =>
      expect((await read('a')).status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message).toMatch(
        /^0\/3 nodes are available: 3 licence used up\./,
      ),
    )
  })

  it('binds', async () => {
    await start('bindVerb: bind')
    answers['bind'] = ({ PodName, Node }) => {
      const target = { kind: 'Node', name: String(Node) }
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: String(PodName), namespace }, target }
      void plane.client.createSubresource(PODS, { namespace, name: String(PodName) }, 'binding', binding)
      return { body: { Error: '' } }
    }
    await addPod('a')
    await eventually(async () => expect((await read('a')).spec.nodeName).toMatch(/^n[123]$/))
    expect(asked).toEqual(['bind'])
  })

  it('that fails fails the Pod', async () => {
    await start('filterVerb: filter')
    answers['filter'] = () => ({ status: 500, body: {} })
    await addPod('a')
    await eventually(async () =>
      expect((await read('a')).status?.conditions?.find(({ type }) => type === 'PodScheduled')).toMatchObject({
        reason: 'SchedulerError',
        message: expect.stringMatching(/^failed filter with extender at URL .*, code 500$/),
      }),
    )
  })

  it('that fails is passed over when it is ignorable, and not asked about Pods without its resources', async () => {
    await start(
      'filterVerb: filter\n  ignorable: true\n  managedResources: [{ name: example.com/a, ignoredByScheduler: true }]',
    )
    answers['filter'] = () => ({ status: 500, body: {} })
    await addPod('plain')
    await eventually(async () => expect((await read('plain')).spec.nodeName).toBeDefined())
    expect(asked).toEqual([])
    const amount = { 'example.com/a': '1' }
    await addPod('managed', 'default-scheduler', { limits: amount, requests: amount })
    await eventually(async () => expect((await read('managed')).spec.nodeName).toBeDefined())
    expect(asked).toEqual(['filter'])
  })
})

describe('an extender at preemption', () => {
  const priorityClass = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' } }
  type Victims = Record<string, { Pods: { UID?: string; metadata?: { uid: string } }[]; NumPDBViolations: number }>
  const fill = { requests: { cpu: '4' } }

  /** Every node is full of one Pod, `v-<node>`. */
  async function startFull(extender: string): Promise<void> {
    await start(extender)
    await plane.client.create(PRIORITY_CLASSES, { ...priorityClass, value: 1000 })
    for (const name of ['v1', 'v2', 'v3']) await addPod(name, 'default-scheduler', fill)
    for (const name of ['v1', 'v2', 'v3'])
      await eventually(async () => expect((await read(name)).spec.nodeName).toBeDefined())
  }
  const addUrgent = () =>
    plane.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'urgent', namespace },
      spec: { priorityClassName: 'high', containers: [{ name: 'c', image: 'i', resources: fill }] },
    })
  const nominated = async () => (await read('urgent')).status?.nominatedNodeName
  const message = async () =>
    (await read('urgent')).status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message

  it.each([
    ['whole Pods', 'preemptVerb: preempt', 'NodeNameToVictims'],
    ['UIDs', 'preemptVerb: preempt\n  nodeCacheCapable: true', 'NodeNameToMetaVictims'],
  ])('is told the candidates by %s, and strikes out some', async (_what, extender, field) => {
    answers['preempt'] = (body) => {
      const { n2 } = body[field] as Victims
      const [victim] = n2?.Pods ?? []
      const UID = victim?.UID ?? victim?.metadata?.uid
      return { body: { NodeNameToMetaVictims: { n2: { Pods: [{ UID }], NumPDBViolations: 0 } } } }
    }
    await startFull(extender)
    await addUrgent()
    await eventually(async () => expect(await nominated()).toBe('n2'))
    expect(asked).toEqual(['preempt'])
  })

  it('that agrees to no node leaves the Pod waiting', async () => {
    answers['preempt'] = () => ({ body: { NodeNameToMetaVictims: {} } })
    await startFull('preemptVerb: preempt')
    await addUrgent()
    await eventually(async () => expect(await message()).toContain('preemption: no candidate node for preemption'))
    expect(await nominated()).toBeUndefined()
  })

  it('that names who is not there fails, or is passed over when it is ignorable', async () => {
    answers['preempt'] = () => ({ body: { NodeNameToMetaVictims: { n1: { Pods: [{ UID: 'nobody' }] } } } })
    await startFull('preemptVerb: preempt')
    await addUrgent()
    await eventually(async () =>
      expect(await message()).toContain('claims to preempt pod (UID: nobody) on node: n1, but the pod is not found'),
    )
    await plane.stop()
    await startFull('preemptVerb: preempt\n  ignorable: true')
    await addUrgent()
    await eventually(async () => expect(await nominated()).toMatch(/^n[123]$/))
  })
})
