/** What the namespace controller makes of Pods that stop while it looks: a node takes them away in a moment. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { deleteAllContent } from '#controllers/namespace/content.ts'
import { NAMESPACES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'

const namespace = 'going'
const key = { namespace, name: 'p' }
const { signal } = new AbortController()
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [] })
  await plane.client.create(NAMESPACES, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
    spec: {},
  })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  await plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: key,
    spec: { nodeName: 'node-0', containers: [{ name: 'c', image: 'i' }] },
  })
  await say('Running')
})
afterEach(() => plane.stop())

const say = (phase: string) =>
  plane.client.patch(PODS, key, { type: 'merge', body: { status: { phase } } }, { subresource: 'status' })

/** The Pod stops as soon as it is told to. */
function withQuickNode(client: Client): Client {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      if (name !== 'deleteCollection') return member.bind(target) as unknown
      return async (...args: Parameters<Client['deleteCollection']>) => {
        const answer = await target.deleteCollection(...args)
        if (args[0].resource === PODS.resource) await say('Succeeded')
        return answer
      }
    },
  })
}

it('waits for a Pod that has stopped and is about to be taken away', async () => {
  const pass = await deleteAllContent(withQuickNode(plane.client), namespace, 0, signal)
  expect(pass.contentErrors).toEqual([])
  expect(pass.estimateSeconds).toBe(30)
  expect([...pass.remaining]).toEqual([['pods.', 1]])
})
