/** Operators built on packages of others, unmodified, as processes of their own. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import {
  MUTATING_WEBHOOK_CONFIGURATIONS,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '#machinery/api/admissionregistration/v1/resources.gen.ts'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { eventually } from '#test/support/eventually.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { makeWebhookCertificates } from '#test/support/webhook-server.ts'

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

interface Operator {
  readonly output: string
  /** Resolves when it has said so. */
  says(text: string): Promise<void>
  stop(): Promise<void>
}

function startOperator(script: string, ...args: string[]): Operator {
  const env = { ...process.env, KUBECONFIG: server.kubeconfig }
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  return {
    get output() {
      return output
    },
    says: (text) =>
      eventually(() => {
        expect(child.exitCode, output).toBeNull()
        expect(output).toContain(text)
      }, WAIT_MS),
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

describe('an operator on @dot-i/k8s-operator', () => {
  it('registers its CRD, follows its resources, writes status and cleans up by its finalizer', async () => {
    const operator = startOperator('test/e2e/operators/dot-i-operator.mjs', 'test/e2e/operators/greeting-crd.yaml')
    await operator.says('operator is running')
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

interface Banner extends KubeObject {
  spec: { text: string; color?: string }
  status?: { shown?: string; observedGeneration?: number }
}

const BANNERS: Resource<Banner> = {
  group: 'operators.example.com',
  version: 'v1',
  resource: 'banners',
  kind: 'Banner',
  namespaced: true,
}

const banner = (name: string, spec: Banner['spec']): Banner => ({
  apiVersion: 'operators.example.com/v1',
  kind: 'Banner',
  metadata: { namespace: 'default', name },
  spec,
})

const saidBy = async (call: Promise<unknown>): Promise<string> => {
  const err: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return err instanceof Error ? err.message : 'it was taken'
}

describe('an operator on @kubernetes/client-node', () => {
  let certificates: string

  beforeAll(() => {
    certificates = mkdtempSync(join(tmpdir(), 'knarr-operator-'))
    const { ca, certificate, key } = makeWebhookCertificates()
    for (const [name, text] of Object.entries({ 'ca.crt': ca, 'tls.crt': certificate, 'tls.key': key }))
      writeFileSync(join(certificates, name), text)
  })
  afterEach(async () => {
    const key = { name: 'banner-operator' }
    await client.delete(MUTATING_WEBHOOK_CONFIGURATIONS, key).catch(undefinedIfNotFound)
    await client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, key).catch(undefinedIfNotFound)
  })
  afterAll(() => rmSync(certificates, { recursive: true }))

  const start = (identity: string): Operator =>
    startOperator(
      'test/e2e/operators/client-node-operator.mjs',
      identity,
      'test/e2e/operators/banner-crd.yaml',
      certificates,
    )

  async function shows(name: string, shown: string): Promise<void> {
    const key = { namespace: 'default', name }
    await eventually(async () => {
      const { metadata, status } = await client.get(BANNERS, key)
      expect(status).toEqual({ shown, observedGeneration: metadata.generation })
      expect(metadata.finalizers).toEqual(['banners.operators.example.com/cleanup'])
      expect((await client.get(CONFIG_MAPS, key)).data).toEqual({ shown })
    }, WAIT_MS)
  }

  it('follows its resources, writes status by server-side apply and cleans up by its finalizer', async () => {
    const operator = start('one')
    await operator.says('operator is running')
    const key = { namespace: 'default', name: 'b' }
    await eventually(() => client.create(BANNERS, banner('b', { text: 'hello', color: 'red' })), WAIT_MS)
    await shows('b', 'hello in red')
    const owners = (await client.get(BANNERS, key)).metadata.managedFields ?? []
    expect(owners.find(({ manager }) => manager === 'banner-operator')).toMatchObject({
      operation: 'Apply',
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:shown': {}, 'f:observedGeneration': {} } },
    })
    await client.patch(BANNERS, key, { type: 'merge', body: { spec: { text: 'bye' } } })
    await shows('b', 'bye in red')
    await client.delete(BANNERS, key)
    await eventually(async () => {
      expect(await client.get(BANNERS, key).catch(undefinedIfNotFound)).toBeUndefined()
      expect(await client.get(CONFIG_MAPS, key).catch(undefinedIfNotFound)).toBeUndefined()
    }, WAIT_MS)
    await operator.says('gone: b')
  })

  it('sets defaults and denies by its webhooks; without it, nothing is taken', async () => {
    const operator = start('one')
    await operator.says('operator is running')
    await eventually(() => client.create(BANNERS, banner('w', { text: 'hello' })), WAIT_MS)
    await shows('w', 'hello in green')
    const denial = 'admission webhook "validate.operators.example.com" denied the request: banners do not shout: HELLO'
    expect(await saidBy(client.create(BANNERS, banner('loud', { text: 'HELLO' })))).toBe(denial)
    const body = { spec: { text: 'HELLO' } }
    const key = { namespace: 'default', name: 'w' }
    expect(await saidBy(client.patch(BANNERS, key, { type: 'merge', body }))).toBe(denial)
    const port = /webhooks are on port (\d+)/.exec(operator.output)?.[1] ?? ''
    await operator.stop()
    expect(await saidBy(client.create(BANNERS, banner('late', { text: 'hello' })))).toBe(
      'Internal error occurred: failed calling webhook "mutate.operators.example.com": failed to call webhook: ' +
        `Post "https://127.0.0.1:${port}/mutate?timeout=10s": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    )
    const next = start('one')
    await next.says('operator is running')
    await client.delete(BANNERS, key)
    await eventually(async () => expect(await client.get(BANNERS, key).catch(undefinedIfNotFound)).toBeUndefined())
  })

  it('leads once: the second takes over when the first leaves', async () => {
    const first = start('one')
    await first.says('operator is running')
    const second = start('two')
    await second.says('standing by')
    expect(second.output).not.toContain('operator is running')
    await first.stop()
    await second.says('operator is running')
    const lease = await client.get(LEASES, { namespace: 'default', name: 'banner-operator' })
    expect(lease.spec?.holderIdentity).toBe('two')
    await client.create(BANNERS, banner('after', { text: 'hello' }))
    await shows('after', 'hello in green')
  })
})
