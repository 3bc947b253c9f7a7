/**
 * One pass over a namespace that is going: what it makes of Pods that take their time.
 * Upstream: pkg/controller/namespace/deletion/namespaced_resources_deleter_test.go.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { deleteAllContent } from '#controllers/namespace/content.ts'
import { CONFIG_MAPS, NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'

const namespace = 'default'
const STUCK = `unexpected items still remain in namespace: ${namespace} for gvr: /v1, Resource=pods`
let plane: TestControlPlane
beforeEach(async () => {
  plane = await startTestControlPlane()
  const meta = (name: string) => ({ apiVersion: 'v1', metadata: { name, namespace } })
  await plane.client.create(SERVICE_ACCOUNTS, { ...meta('default'), kind: 'ServiceAccount' })
  await plane.client.create(CONFIG_MAPS, { ...meta('settings'), kind: 'ConfigMap' })
  await plane.client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: {} })
})
afterEach(() => plane.stop())

it.each<[string, number, readonly string[], { estimateSeconds: number; contentErrors: string[] }]>([
  ['within its grace', 29_000, [], { estimateSeconds: 30, contentErrors: [] }],
  ['beyond its grace', 30_000, [], { estimateSeconds: 0, contentErrors: [STUCK] }],
  ['beyond its grace, held by a finalizer', 30_000, ['a.com/b'], { estimateSeconds: 15, contentErrors: [] }],
])('a Pod %s keeps everything else', async (_name, deletingMs, finalizers, expected) => {
  await plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace, finalizers: [...finalizers] },
    spec: { nodeName: 'n', terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: 'i' }] },
  })
  const pass = await deleteAllContent(plane.client, namespace, deletingMs, new AbortController().signal)
  expect(pass).toMatchObject(expected)
  expect((await plane.client.list(CONFIG_MAPS, { namespace })).items).toHaveLength(1)
})
