/** An API group served by another server behind an APIService: availability, proxying, discovery, kubectl. */
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publishAuthenticationTrust } from '#apiserver/aggregator/authentication-config.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
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

/** The ObjectMeta is not ours, the path of another group not its business. */
const SWAGGER = {
  swagger: '2.0',
  info: { title: 'wardle', version: 'v1' },
  paths: {
    '/apis/wardle.example.com/v1alpha1/flunders': {
      get: {
        parameters: [{ $ref: '#/parameters/limit' }],
        responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/com.example.wardle.Flunder' } } },
      },
    },
    '/apis/apps/v1/deployments': { get: { description: 'not ours' } },
    '/version': { get: { description: 'not ours' } },
  },
  definitions: {
    'com.example.wardle.Flunder': {
      description: 'Flunder is a thing of Wardle.',
      type: 'object',
      properties: { metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' } },
      'x-kubernetes-group-version-kind': [{ group: 'wardle.example.com', version: 'v1alpha1', kind: 'Flunder' }],
    },
    'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': { type: 'object', description: 'another one' },
  },
  parameters: { limit: { name: 'limit', in: 'query', type: 'integer', uniqueItems: true } },
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
      if (url === '/openapi/v2') {
        answer(SWAGGER)
        return
      }
      if (url === '/openapi/v3') {
        const serverRelativeURL = '/openapi/v3/apis/wardle.example.com/v1alpha1?hash=ABC'
        answer({ paths: { 'apis/wardle.example.com/v1alpha1': { serverRelativeURL } } })
        return
      }
      if (url.startsWith('/openapi/v3/')) {
        answer({ openapi: '3.0.0' })
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

describe('local APIServices', () => {
  const LABEL = 'kube-aggregator.kubernetes.io/automanaged'
  const local = {
    type: 'Available',
    status: 'True',
    reason: 'Local',
    message: 'Local APIServices are always available',
  }
  const crd = (versions: readonly string[]) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gadgets.local.io' },
    spec: {
      group: 'local.io',
      scope: 'Namespaced' as const,
      names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
      versions: versions.map((name, i) => ({
        name,
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: { type: 'object' } },
      })),
    },
  })
  const named = (name: string) => world.client.get(API_SERVICES, { name })
  const isGone = (name: string) => expect(named(name)).rejects.toMatchObject({ status: { reason: 'NotFound' } })

  it('exist for the built-in versions, and stay deleted when a user deletes one', async () => {
    await eventually(async () => {
      const service = await named('v1.apps')
      expect(service.metadata.labels).toEqual({ [LABEL]: 'onstart' })
      expect(service.spec).toMatchObject({ group: 'apps', groupPriorityMinimum: 17800, versionPriority: 15 })
      expect(service.status?.conditions?.[0]).toMatchObject(local)
    })
    await world.client.delete(API_SERVICES, { name: 'v1.batch' })
    // A CRD's, made afterwards, shows that the registration has looked since.
    await world.client.create(CUSTOM_RESOURCE_DEFINITIONS, crd(['v1', 'v1beta1']))
    await eventually(async () => expect((await named('v1.local.io')).status?.conditions?.[0]).toMatchObject(local))
    await isGone('v1.batch')
    expect(await get(world.client, '/apis/batch/v1')).toMatchObject({ status: 200 })
  })

  it('of custom resources come back, are mended, and go with their version', async () => {
    expect((await named('v1.local.io')).metadata.labels).toEqual({ [LABEL]: 'true' })
    await world.client.delete(API_SERVICES, { name: 'v1.local.io' })
    await eventually(async () => expect((await named('v1.local.io')).spec.versionPriority).toBe(100))
    const patch = { type: 'merge', body: { spec: { versionPriority: 7 } } } as const
    await world.client.patch(API_SERVICES, { name: 'v1.local.io' }, patch)
    await eventually(async () => expect((await named('v1.local.io')).spec.versionPriority).toBe(100))
    const without = { type: 'merge', body: { spec: crd(['v1']).spec } } as const
    await world.client.patch(CUSTOM_RESOURCE_DEFINITIONS, { name: 'gadgets.local.io' }, without)
    await eventually(() => isGone('v1beta1.local.io'))
    await world.client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name: 'gadgets.local.io' })
    await eventually(() => isGone('v1.local.io'))
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
  const names = async () =>
    ((await get(world.client, '/apis')).body as { groups: { name: string }[] }).groups.map(({ name }) => name)

  it('has the groups in the order of their priorities', async () => {
    const before = await names()
    expect(before.slice(0, 3)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io'])
    // 2000 of its APIService; custom resources have 1000.
    expect(before.indexOf('wardle.example.com')).toBeGreaterThan(before.indexOf('discovery.k8s.io'))
    expect(before.indexOf('wardle.example.com')).toBeLessThan(before.indexOf('helm.cattle.io'))
    const name = 'v1alpha1.wardle.example.com'
    await world.client.patch(API_SERVICES, { name }, { type: 'merge', body: { spec: { groupPriorityMinimum: 17799 } } })
    await eventually(async () =>
      expect((await names()).slice(1, 4)).toEqual(['apps', 'wardle.example.com', 'events.k8s.io']),
    )
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const { body } = await world.client.raw({ method: 'GET', path: '/apis', headers: { accept } })
    const { items } = body as { items: { metadata: { name: string } }[] }
    expect(items.slice(1, 3).map(({ metadata }) => metadata.name)).toEqual(['apps', 'wardle.example.com'])
  })

  it('has its OpenAPI v3 document in the index, and passes the document on', async () => {
    const { paths } = (await get(world.client, '/openapi/v3')).body as {
      paths: Record<string, { serverRelativeURL: string }>
    }
    const path = '/openapi/v3/apis/wardle.example.com/v1alpha1?hash=ABC'
    expect(paths['apis/wardle.example.com/v1alpha1']).toEqual({ serverRelativeURL: path })
    expect(paths['apis/apps/v1']?.serverRelativeURL).toContain('/openapi/v3/apis/apps/v1?hash=')
    expect((await get(world.client, path)).body).toEqual({ openapi: '3.0.0' })
  })

  it('has its OpenAPI v2 document merged into ours', async () => {
    const merged = async () => (await get(world.client, '/openapi/v2')).body as Record<string, Record<string, object>>
    const path = '/apis/wardle.example.com/v1alpha1/flunders'
    const { paths, definitions, parameters } = await eventually(async () => {
      const document = await merged()
      expect(Object.keys(document['paths'] ?? {})).toContain(path)
      return document
    })
    expect(paths?.['/apis/apps/v1/deployments']).toMatchObject({ parameters: [{ name: 'pretty' }] })
    expect(definitions?.['com.example.wardle.Flunder']).toMatchObject({
      properties: { metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2' } },
    })
    expect(definitions?.['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2']).toMatchObject({ type: 'object' })
    expect(parameters).toEqual(SWAGGER.parameters)
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
    const answer = await world.client.raw({ method: 'GET', path: '/openapi/v2', headers: { accept } })
    expect(answer.status).toBe(200)
    expect(String(answer.body)).toContain(path)
  })

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

  it('explains the kind', async () => {
    expect(await kubectl.ok('explain flunders --output=plaintext-openapiv2')).toContain('Flunder is a thing of Wardle.')
  })

  it('watches', async () => {
    const running = kubectl.start(['get', 'flunders', '--watch-only', '-o', 'name'])
    await eventually(() => expect(running.stdout).toBe('flunder.wardle.example.com/one\n'))
    await running.stop()
  })
})
