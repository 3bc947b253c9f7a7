/** An API group served by another server behind an APIService: availability, proxying, discovery, kubectl. */
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publishAuthenticationTrust } from '#apiserver/aggregator/authentication-config.ts'
import { API_SERVICES } from '#machinery/api/apiregistration/v1/resources.gen.ts'
import { CONFIG_MAPS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { makeCertificates } from '#test/contract/resource-server.ts'
import { eventually } from '#test/support/eventually.ts'
import { findKubectl, Kubectl } from '#test/support/kubectl.ts'
import type { StreamingWorld } from '#test/support/streaming-world.ts'
import { startStreamingWorld } from '#test/support/streaming-world.ts'

const certificates = makeCertificates()
const seen: IncomingMessage['headers'][] = []
let world: StreamingWorld
let remote: Server

const FLUNDERS = {
  name: 'flunders',
  singularName: 'flunder',
  namespaced: true,
  kind: 'Flunder',
  verbs: ['get', 'list'],
}
const FLUNDER = {
  kind: 'Flunder',
  apiVersion: 'wardle.example.com/v1alpha1',
  metadata: { name: 'one', namespace: 'default' },
}

beforeAll(async () => {
  remote = createServer(
    { cert: certificates.server.certificate, key: certificates.server.key },
    (request, response) => {
      const { url = '', headers } = request
      const answer = (value: object): void => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
      }
      if (url === '/apis/wardle.example.com/v1alpha1') {
        answer({ kind: 'APIResourceList', groupVersion: 'wardle.example.com/v1alpha1', resources: [FLUNDERS] })
        return
      }
      seen.push(headers)
      if (url.endsWith('/redirect')) response.writeHead(302, { location: 'https://elsewhere/' }).end()
      else if (url.includes('watch=')) response.write(`${JSON.stringify({ type: 'ADDED', object: FLUNDER })}\n`)
      else if (url.includes('/flunders?') || url.endsWith('/flunders'))
        answer({ kind: 'FlunderList', apiVersion: FLUNDER.apiVersion, metadata: {}, items: [FLUNDER] })
      else answer(FLUNDER)
    },
  )
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve))
  world = await startStreamingWorld()
})
afterAll(async () => {
  remote.closeAllConnections()
  remote.close()
  await world.stop()
})

async function announce(group: string, service: string, extra: object): Promise<void> {
  const { port } = remote.address() as AddressInfo
  await world.client.create(API_SERVICES, {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `v1alpha1.${group}` },
    spec: {
      group,
      version: 'v1alpha1',
      groupPriorityMinimum: 2000,
      versionPriority: 200,
      service: { name: service, namespace: 'default', port },
      ...extra,
    },
  })
}

const get = (client: Client, path: string) => client.raw({ method: 'GET', path })

async function conditionOf(group: string): Promise<object | undefined> {
  const { status } = await world.client.get(API_SERVICES, { name: `v1alpha1.${group}` })
  return status?.conditions?.[0]
}

describe('an APIService', () => {
  it('waits for its Service, then is available', async () => {
    await announce('wardle.example.com', 'wardle', { insecureSkipTLSVerify: true })
    const missing = {
      status: 'False',
      reason: 'ServiceNotFound',
      message: 'service/wardle in "default" is not present',
    }
    await eventually(async () => expect(await conditionOf('wardle.example.com')).toMatchObject(missing))
    expect(await get(world.client, '/apis/wardle.example.com/v1alpha1/flunders')).toMatchObject({ status: 503 })
    await world.client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'wardle', namespace: 'default' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    })
    const passed = { status: 'True', reason: 'Passed', message: 'all checks passed' }
    await eventually(async () => expect(await conditionOf('wardle.example.com')).toMatchObject(passed), 15_000)
  })

  it('is not available when its certificate is not what it said', async () => {
    await announce('strict.example.com', 'wardle', { caBundle: Buffer.from(makeCertificates().ca).toString('base64') })
    await eventually(async () => {
      const condition = (await conditionOf('strict.example.com')) as { reason: string; message: string }
      expect(condition.reason).toBe('FailedDiscoveryCheck')
      expect(condition.message).toContain('x509: certificate signed by unknown authority')
    })
  })

  it('is always available without a Service', async () => {
    await announce('local.example.com', 'none', { service: undefined })
    const local = { status: 'True', reason: 'Local', message: 'Local APIServices are always available' }
    await eventually(async () => expect(await conditionOf('local.example.com')).toMatchObject(local))
  })
})

describe('its requests', () => {
  it('arrive as the user, without the credentials', async () => {
    const user = { name: 'jane', uid: '7', groups: ['system:masters', 'b'], extra: new Map([['Scopes', ['x', 'y']]]) }
    const path = '/apis/wardle.example.com/v1alpha1/namespaces/default/flunders/one'
    expect(await get(world.as(user), path)).toEqual({ status: 200, body: FLUNDER })
    expect(seen.at(-1)).toMatchObject({
      host: 'wardle.default.svc',
      'x-remote-user': 'jane',
      'x-remote-uid': '7',
      'x-remote-group': 'system:masters, b',
      'x-remote-extra-scopes': 'x, y',
    })
    expect(seen.at(-1)?.authorization).toBeUndefined()
  })

  it('need permission here first', async () => {
    const user = { name: 'joe', uid: '', groups: [], extra: new Map() }
    const before = seen.length
    const path = '/apis/wardle.example.com/v1alpha1/namespaces/default/flunders'
    expect(await get(world.as(user), path)).toMatchObject({ status: 403 })
    expect(seen).toHaveLength(before)
  })

  it('are not redirected', async () => {
    const path = '/apis/wardle.example.com/v1alpha1/redirect'
    expect(await get(world.client, path)).toMatchObject({ status: 502 })
  })
})

describe('the trust aggregated servers are told', () => {
  it('is published, and published again when it changes', async () => {
    const { signal } = new AbortController()
    const key = { namespace: 'kube-system', name: 'extension-apiserver-authentication' }
    for (const clientCa of ['first', 'second']) {
      const trust = { clientCa, requestHeaderCa: 'front', allowedNames: ['system:auth-proxy'] }
      await publishAuthenticationTrust(world.client, trust, signal)
      expect((await world.client.get(CONFIG_MAPS, key)).data).toMatchObject({
        'client-ca-file': clientCa,
        'requestheader-allowed-names': '["system:auth-proxy"]',
      })
    }
  })
})

describe('discovery', () => {
  it('lists the group in both forms', async () => {
    const groups = (await get(world.client, '/apis')).body as { groups: { name: string }[] }
    expect(groups.groups.map(({ name }) => name)).toContain('wardle.example.com')
    const group = await get(world.client, '/apis/wardle.example.com')
    expect(group.body).toMatchObject({ kind: 'APIGroup', preferredVersion: { version: 'v1alpha1' } })
  })
})

const found = findKubectl('1.36')

describe.skipIf(found.path === undefined)(found.title, () => {
  let kubectl: Kubectl
  beforeAll(() => {
    kubectl = new Kubectl({ version: found.version, path: found.path ?? '' }, world.kubeconfig)
  })
  afterAll(() => kubectl.dispose())

  it('finds the kind by aggregated discovery and gets it', async () => {
    expect(await kubectl.ok('get flunders')).toContain('one')
    expect(await kubectl.ok('get flunder one -o name')).toBe('flunder.wardle.example.com/one\n')
    expect(await kubectl.ok('get apiservices v1alpha1.wardle.example.com')).toContain('True')
  })

  it('watches', async () => {
    const running = kubectl.start(['get', 'flunders', '--watch-only', '-o', 'name'])
    await eventually(() => expect(running.stdout).toBe('flunder.wardle.example.com/one\n'))
    await running.stop()
  })
})
