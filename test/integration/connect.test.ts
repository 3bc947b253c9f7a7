/** What connects to nodes, seen by clients that are not kubectl: proxies, errors, permissions, back-pressure, WebSocket watches. */
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { RequestOptions } from 'node:https'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VALIDATING_WEBHOOK_CONFIGURATIONS } from '#machinery/api/admissionregistration/v1/resources.gen.ts'
import { CONFIG_MAPS, ENDPOINTS, NODES, PODS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { WebSocketConnection } from '#machinery/websocket/connection.ts'
import { makeCertificates } from '#test/contract/resource-server.ts'
import { eventually } from '#test/support/eventually.ts'
import type { StreamingWorld } from '#test/support/streaming-world.ts'
import { createPod, POD_IP, startStreamingWorld } from '#test/support/streaming-world.ts'
import { startWebhookServer } from '#test/support/webhook-server.ts'

const NODE_INFO = {
  architecture: 'amd64',
  bootID: '',
  kernelVersion: '',
  kubeProxyVersion: '',
  kubeletVersion: '',
  machineID: '',
  operatingSystem: 'linux',
  osImage: '',
  systemUUID: '',
}

let world: StreamingWorld
let backend: Server

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

function options(path: string, extra: RequestOptions = {}): RequestOptions {
  const headers: OutgoingHttpHeaders = {
    authorization: `Bearer ${world.plane.adminToken}`,
    ...(extra.headers as OutgoingHttpHeaders),
  }
  if (headers['authorization'] === '') delete headers['authorization']
  return { host: '127.0.0.1', port: world.port, ca: world.ca, agent: false, path, ...extra, headers }
}

function ask(path: string, extra: RequestOptions = {}, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options(path, extra), (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const WEB_SOCKET = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

function upgrade(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ socket: Duplex; head: Buffer } | Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options(path, { headers: { ...WEB_SOCKET, ...headers } }))
    outgoing.on('upgrade', (_, socket, head) => {
      socket.on('error', () => undefined)
      resolve({ socket, head })
    })
    outgoing.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

async function upgraded(path: string, headers: Record<string, string> = {}): Promise<{ socket: Duplex; head: Buffer }> {
  const answer = await upgrade(path, headers)
  if ('socket' in answer) return answer
  throw new Error(`${answer.status}: ${answer.text}`)
}

function page(incoming: IncomingMessage, response: ServerResponse): void {
  const url = new URL(incoming.url ?? '/', 'http://backend')
  if (url.pathname === '/redirect') response.writeHead(302, { location: '/elsewhere?a=b' }).end()
  else if (url.pathname === '/page') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<a href="/next">next</a>')
  } else if (url.pathname === '/size') {
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    incoming.on('end', () => response.end(String(bytes)))
  } else {
    response.setHeader('access-control-allow-origin', '*')
    response.end(JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.headers }))
  }
}

beforeAll(async () => {
  backend = createServer(page)
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
  const { port } = backend.address() as AddressInfo
  world = await startStreamingWorld({ podPorts: new Map([[`${POD_IP}:8080`, port]]) })
  const { client } = world
  await createPod(client, 'two', ['a', 'b'])
  await createPod(client, 'waiting', ['a'], null)
})
afterAll(async () => {
  backend.closeAllConnections()
  backend.close()
  await world.stop()
})

const POD = '/api/v1/namespaces/default/pods/web'

describe('pods/proxy', () => {
  it('carries method, path, query and headers, but no credentials', async () => {
    const sent = {
      headers: {
        'x-remote-user': 'root',
        'impersonate-user': 'admin',
        'impersonate-group': 'system:masters',
        'x-own': 'yes',
        cookie: 'a=b',
      },
    }
    const answer = await ask(`${POD}:8080/proxy/a%20b/c/?q=1`, { method: 'DELETE', ...sent })
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    const seen = JSON.parse(answer.text) as { method: string; url: string; headers: Record<string, string> }
    expect(seen).toMatchObject({ method: 'DELETE', url: '/a%20b/c/?q=1' })
    expect(seen.headers).toMatchObject({
      'x-own': 'yes',
      cookie: 'a=b',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-uri': `${POD}:8080/proxy/a%20b/c/`,
    })
    for (const name of ['authorization', 'x-remote-user', 'impersonate-user', 'impersonate-group'])
      expect(seen.headers[name], name).toBeUndefined()
  })

  it('redirects the bare path to one with a slash, so that relative links work', async () => {
    const answer = await ask(`${POD}/proxy?x=y`)
    expect(answer).toMatchObject({ status: 301, headers: { location: `${POD}/proxy/?x=y` } })
  })

  it('rewrites Location and the links of pages', async () => {
    const redirect = await ask(`${POD}/proxy/redirect`)
    expect(redirect).toMatchObject({ status: 302, headers: { location: `${POD}/proxy/elsewhere?a=b` } })
    expect((await ask(`${POD}/proxy/page`)).text).toBe(`<a href="${POD}/proxy/next">next</a>`)
  })

  it('streams bodies larger than any the API server would read', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024)
    const answer = await ask(`${POD}/proxy/size`, { method: 'POST' }, body)
    expect(answer).toMatchObject({ status: 200, text: String(body.length) })
  })

  it.each([
    ['ftp:web:80', 400, 'invalid pod request "ftp:web:80"'],
    ['web:http', 503, 'unknown port'],
    ['nobody:80', 404, 'pods "nobody" not found'],
  ])('refuses %s', async (name, status, message) => {
    const answer = await ask(`/api/v1/namespaces/default/pods/${name}/proxy/x`)
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(JSON.stringify(message).slice(1, -1))
  })

  it('does not lead to the API server’s own host', async () => {
    await createPod(world.client, 'sly', ['a'])
    const status = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] }
    const key = { namespace: 'default', name: 'sly' }
    await world.client.patch(PODS, key, { type: 'merge', body: { status } }, { subresource: 'status' })
    const answer = await ask('/api/v1/namespaces/default/pods/sly:6443/proxy/')
    expect(answer).toMatchObject({ status: 400 })
    expect(answer.text).toContain('address not allowed')
  })
})

describe('services/proxy', () => {
  beforeAll(async () => {
    const ports = [{ name: 'http', port: 80, targetPort: 8080 }]
    for (const name of ['good', 'forged', 'empty']) {
      const metadata = { name, namespace: 'default' }
      await world.client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports } })
    }
    const endpoints = (name: string, targetRef: object) => ({
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name, namespace: 'default' },
      subsets: [
        { addresses: [{ ip: POD_IP, nodeName: 'worker', ...targetRef }], ports: [{ name: 'http', port: 8080 }] },
      ],
    })
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'web' }
    await world.client.create(ENDPOINTS, endpoints('good', { targetRef }))
    await world.client.create(ENDPOINTS, endpoints('forged', {}))
  })

  it.each(['good:80', 'good:http', 'http:good:80'])('reaches a pod behind %s', async (name) => {
    const answer = await ask(`/api/v1/namespaces/default/services/${name}/proxy/x`)
    expect(JSON.parse(answer.text)).toMatchObject({ method: 'GET', url: '/x' })
  })

  it.each([
    ['empty:http', 'no endpoints available for service \\"empty:http\\"'],
    ['forged:80', 'no endpoints available for service \\"forged:80\\"'],
    ['good:81', 'no service port 81 found for service \\"good\\"'],
  ])('answers 503 for %s', async (name, message) => {
    const answer = await ask(`/api/v1/namespaces/default/services/${name}/proxy/x`)
    expect(answer.status).toBe(503)
    expect(answer.text).toContain(message)
  })
})

describe('errors before anything is connected', () => {
  it.each([
    ['pods/two/log', 400, 'a container name must be specified for pod two, choose one of: [a b]'],
    ['pods/two/log?container=c', 400, 'container c is not valid for pod two'],
    ['pods/web/log?tailLines=-1', 422, 'PodLogOptions "web" is invalid: tailLines: Invalid value: -1'],
    ['pods/web/log?limitBytes=0', 422, 'limitBytes: Invalid value: 0: must be greater than 0'],
    ['pods/web/log?sinceSeconds=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['pods/web/log?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z', 422, 'at most one of `sinceTime` or `sinceSeconds`'],
    ['pods/web/log?stream=All&follow=0', 404, 'the server could not find the requested resource ( pods/log web)'],
    ['pods/waiting/log', 204, ''],
    ['pods/waiting/exec?command=a', 400, 'pod waiting does not have a host assigned'],
    ['pods/web/exec?command=a', 400, 'Upgrade request required'],
    ['pods/web/portforward', 400, 'Upgrade request required'],
  ])('%s → %i', async (path, status, message) => {
    const answer = await ask(`/api/v1/namespaces/default/${path}`)
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(message.replaceAll('"', '\\"'))
  })

  it('says of a simulated node that there is nobody to talk to, without dialling', async () => {
    const { client } = world
    await client.create(NODES, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'simulated' },
      spec: {},
      status: {
        addresses: [{ type: 'InternalIP', address: '198.18.0.1' }],
        nodeInfo: { ...NODE_INFO, containerRuntimeVersion: 'simulated://1.36.4' },
      },
    })
    await createPod(client, 'dream', ['a'], 'simulated')
    await client.patch(
      PODS,
      { namespace: 'default', name: 'dream' },
      { type: 'merge', body: { status: { podIP: '100.64.0.9', podIPs: [{ ip: '100.64.0.9' }] } } },
      { subresource: 'status' },
    )
    const metadata = { name: 'dreams', namespace: 'default' }
    await client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }] } })
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'dream' }
    const addresses = [{ ip: '100.64.0.9', nodeName: 'simulated', targetRef }]
    const subsets = [{ addresses, ports: [{ port: 8080 }] }]
    await client.create(ENDPOINTS, { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets })
    const nothing = 'node "simulated" is simulated and runs nothing'
    const namespace = '/api/v1/namespaces/default'
    const refused = { message: `${nothing}: it has no logs and takes no commands`, reason: 'BadRequest', code: 400 }
    for (const path of ['log', 'log?follow=true', 'exec?command=a', 'attach', 'portforward?ports=80'])
      expect(JSON.parse((await ask(`${namespace}/pods/dream/${path}`)).text)).toMatchObject(refused)
    expect(await upgrade(`${namespace}/pods/dream/exec?command=a&stdout=true`)).toMatchObject({ status: 400 })
    expect(JSON.parse((await ask('/api/v1/nodes/simulated/proxy/pods')).text)).toMatchObject(refused)
    for (const path of ['pods/dream/proxy/', 'pods/dream:81/proxy/', 'services/dreams/proxy/'])
      expect(JSON.parse((await ask(`${namespace}/${path}`)).text)).toMatchObject({
        message: `error trying to reach service: ${nothing}: nobody listens on it`,
        reason: 'ServiceUnavailable',
        code: 503,
      })
  })

  it('tells a kubelet that is not there in the words of Go', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    await world.client.create(NODES, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'gone' },
      spec: {},
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    })
    await createPod(world.client, 'lost', ['a'], 'gone')
    const refused = `dial tcp 127.0.0.1:${port}: connect: connection refused`
    const log = JSON.parse((await ask('/api/v1/namespaces/default/pods/lost/log')).text) as { message: string }
    expect(log.message).toBe(`Get "https://127.0.0.1:${port}/containerLogs/default/lost/a": ${refused}`)
    const exec = await upgrade('/api/v1/namespaces/default/pods/lost/exec?command=a&stdout=true')
    expect(exec).toMatchObject({ status: 500, text: expect.stringContaining(`error dialing backend: ${refused}`) })
    const proxy = await ask('/api/v1/nodes/gone/proxy/stats')
    expect(proxy.text).toContain(`error trying to reach service: ${refused}`)
  })

  it('shows the kubelet our certificate', () => {
    expect(world.kubelet.seen.at(-1)?.clientName).toBe('jane')
  })
})

describe('permissions', () => {
  it('asks for create, also where a WebSocket has to be a GET', async () => {
    const namespace = 'default'
    const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1', namespaced: true }
    const subjects = [{ kind: 'User', name: 'reader', apiGroup: rbac.group }]
    const rules = [{ apiGroups: [''], resources: ['pods/exec'], verbs: ['get'] }]
    const roleRef = { apiGroup: rbac.group, kind: 'Role', name: 'reader' }
    const apiVersion = `${rbac.group}/v1`
    const create = (resource: string, object: object) =>
      ask(
        `/apis/${apiVersion}/namespaces/${namespace}/${resource}`,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        JSON.stringify({ apiVersion, metadata: { name: 'reader' }, ...object }),
      )
    expect(await create('roles', { kind: 'Role', rules })).toMatchObject({ status: 201 })
    expect(await create('rolebindings', { kind: 'RoleBinding', roleRef, subjects })).toMatchObject({ status: 201 })
    await eventually(async () => {
      const answer = await upgrade(`${POD}/exec?command=both&stdout=true`, { 'impersonate-user': 'reader' })
      expect(answer).toMatchObject({
        status: 403,
        text: expect.stringContaining('cannot create resource \\"pods/exec\\"'),
      })
    })
  })
})

describe('credentials', () => {
  it('may come as a subprotocol, which the kubelet does not see', async () => {
    const token = Buffer.from(world.plane.adminToken).toString('base64url')
    const path = `${POD}/exec?command=both&stdout=true`
    const offered = `base64url.bearer.authorization.k8s.io.${token}, v5.channel.k8s.io`
    const { socket } = await upgraded(path, { authorization: '', 'sec-websocket-protocol': offered })
    socket.destroy()
    const offers = world.kubelet.seen.map(({ headers }) => headers['sec-websocket-protocol'])
    expect(offers).toContain('v5.channel.k8s.io')
    expect(offers.join()).not.toContain(token)
  })

  it('are refused when wrong', async () => {
    const offered = 'base64url.bearer.authorization.k8s.io.d3Jvbmc, v5.channel.k8s.io'
    const answer = await upgrade(`${POD}/exec?command=both`, { authorization: '', 'sec-websocket-protocol': offered })
    expect(answer).toMatchObject({ status: 401 })
  })
})

describe('a kubelet with a certificate of somebody else', () => {
  it('is not believed, unless the client of a log waives it', async () => {
    const before = world
    world = await startStreamingWorld({
      trustedCa: makeCertificates().ca,
      onRequest: (_, response) => response.end('a line\n'),
    })
    try {
      const refused = await ask(`${POD}/log`)
      expect(refused.status).toBe(500)
      expect(refused.text).toContain('x509: certificate signed by unknown authority')
      expect(await upgrade(`${POD}/exec?command=both`)).toMatchObject({ status: 500 })
      expect(world.kubelet.seen).toEqual([])
      expect((await ask(`${POD}/log?insecureSkipTLSVerifyBackend=true`)).text).toBe('a line\n')
    } finally {
      await world.stop()
      world = before
    }
  })
})

describe('a log whose kubelet dies', () => {
  it('breaks off instead of ending', async () => {
    const before = world
    world = await startStreamingWorld({ onRequest: (_, response) => response.write('a line\n') })
    try {
      const broken = ask(`${POD}/log?follow=true`)
      await eventually(() => expect(world.kubelet.seen).toHaveLength(1))
      world.kubelet.dropConnections()
      await expect(broken).rejects.toThrow()
    } finally {
      await world.stop()
      world = before
    }
  })
})

describe('a client that does not read', () => {
  it.each([
    ['spliced', 'v4.channel.k8s.io'],
    ['translated', 'v5.channel.k8s.io'],
  ])('holds the kubelet back (%s)', async (way, protocol) => {
    const kubelet = way === 'spliced' ? { webSocket: protocol } : {}
    const slow = await startStreamingWorld(kubelet)
    const before = world
    world = slow
    try {
      const bytes = 256 * 1024 * 1024
      const path = `${POD}/exec?command=zeros&command=${bytes}&stdout=true`
      const { socket } = await upgraded(path, { 'sec-websocket-protocol': protocol })
      socket.pause()
      await eventually(() => expect(slow.kubelet.isHeldBack()).toBe(true))
      expect(slow.kubelet.bytesSent()).toBeLessThan(bytes / 8)
      socket.destroy()
      await eventually(() => expect(slow.kubelet.connections()).toBe(0))
    } finally {
      world = before
      await slow.stop()
    }
  })
})

describe('a watch over WebSocket', () => {
  it('sends each event as a message and ends with its client', async () => {
    const { socket, head } = await upgraded('/api/v1/namespaces/default/configmaps?watch=true')
    const webSocket = new WebSocketConnection({ socket, head, role: 'client', random: systemRandom })
    const metadata = { name: 'seen', namespace: 'default' }
    await world.client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
    for await (const { data, isText } of webSocket.messages()) {
      const event = JSON.parse(data.toString()) as { type: string; object: { metadata: { name: string } } }
      expect(isText).toBe(true)
      if (event.object.metadata.name !== 'seen') continue
      expect(event.type).toBe('ADDED')
      break
    }
    webSocket.close()
    const active = async () =>
      /apiserver_longrunning_requests\{[^}]*resource="configmaps"[^}]*\} (\d+)/.exec((await ask('/metrics')).text)?.[1]
    await eventually(async () => expect(await active()).toBe('0'))
  })

  it('leaves other answers plain', async () => {
    const answer = await upgrade('/api/v1/namespaces/default/configmaps')
    expect(answer).toMatchObject({ status: 200, text: expect.stringContaining('"kind":"ConfigMapList"') })
  })
})

describe('a validating webhook on CONNECT', () => {
  it('denies an exec before the kubelet hears of it', async () => {
    const hooks = await startWebhookServer()
    hooks.on('/exec', () => ({ allowed: false, status: { code: 403, message: 'no shells here' } }))
    const name = 'no-exec.example.com'
    await world.plane.client.create(VALIDATING_WEBHOOK_CONFIGURATIONS, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name },
      webhooks: [
        {
          name,
          clientConfig: { url: hooks.url('/exec'), caBundle: hooks.caBundle },
          rules: [{ operations: ['CONNECT'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'] }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    })
    try {
      const before = world.kubelet.seen.length
      const answer = await upgrade('/api/v1/namespaces/default/pods/web/exec?command=sh&command=-i&stdout=true')
      expect(answer).toMatchObject({ status: 403 })
      expect((answer as Answer).text).toContain('no shells here')
      expect(world.kubelet.seen).toHaveLength(before)
      expect(hooks.at('/exec')[0]?.body.request).toMatchObject({
        operation: 'CONNECT',
        resource: { group: '', version: 'v1', resource: 'pods' },
        subResource: 'exec',
        namespace: 'default',
        name: 'web',
        object: { kind: 'PodExecOptions', apiVersion: 'v1', command: ['sh', '-i'], stdout: true },
      })
    } finally {
      await world.plane.client.delete(VALIDATING_WEBHOOK_CONFIGURATIONS, { name })
      await hooks.close()
    }
  })
})
