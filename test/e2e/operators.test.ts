/** Operators built on packages of others, unmodified, as processes of their own. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { eventually } from '#test/support/eventually.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'

interface Greeting extends KubeObject {
  spec: { name: string }
  status?: { text?: string; observedGeneration?: number }
}

const GREETINGS: Resource<Greeting> = {
  group: 'operators.example.com',
  version: 'v1',
  resource: 'greetings',
  kind: 'Greeting',
  namespaced: true,
}
const WAIT_MS = 30_000

let server: ServerProcess
let client: Client
const running: ChildProcess[] = []

beforeAll(async () => {
  server = await startServerProcess()
  client = clientFromKubeconfig(server.kubeconfig)
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
afterAll(() => server.dispose())

/** Resolves when the operator says that it is running. */
async function startOperator(script: string, ...args: string[]): Promise<void> {
  const env = { ...process.env, KUBECONFIG: server.kubeconfig }
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  await eventually(() => {
    expect(child.exitCode, output).toBeNull()
    expect(output).toContain('operator is running')
  }, WAIT_MS)
}

describe('an operator on @dot-i/k8s-operator', () => {
  it('registers its CRD, follows its resources, writes status and cleans up by its finalizer', async () => {
    await startOperator('test/e2e/operators/dot-i-operator.mjs', 'test/e2e/operators/greeting-crd.yaml')
    const key = { namespace: 'default', name: 'world' }
    const metadata = { ...key }
    await client.create(GREETINGS, {
      apiVersion: 'operators.example.com/v1',
      kind: 'Greeting',
      metadata,
      spec: { name: 'world' },
    })
    await eventually(async () => {
      const greeting = await client.get(GREETINGS, key)
      expect(greeting.status).toEqual({ text: 'Hello, world', observedGeneration: 1 })
      expect(greeting.metadata.finalizers).toEqual(['greetings.operators.example.com'])
    }, WAIT_MS)
    await client.patch(GREETINGS, key, { type: 'merge', body: { spec: { name: 'moon' } } })
    await eventually(async () => {
      const { status } = await client.get(GREETINGS, key)
      expect(status).toEqual({ text: 'Hello, moon', observedGeneration: 2 })
    }, WAIT_MS)
    await client.delete(GREETINGS, key)
    await eventually(async () => {
      expect(await client.get(GREETINGS, key).catch(undefinedIfNotFound)).toBeUndefined()
      expect((await client.get(CONFIG_MAPS, key)).data).toEqual({ text: 'Goodbye, moon' })
    }, WAIT_MS)
  })
})
