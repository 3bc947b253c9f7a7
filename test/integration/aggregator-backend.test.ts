/** An aggregated API server that trusts nobody but the front proxy, behind a ClusterIP Service and its endpoints. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { API_SERVICES } from '#machinery/api/apiregistration/v1/resources.gen.ts'
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import { makeCertificates } from '#test/contract/resource-server.ts'
import { eventually } from '#test/support/eventually.ts'
import type { StreamingWorld } from '#test/support/streaming-world.ts'
import { POD_IP, startStreamingWorld } from '#test/support/streaming-world.ts'

const GROUP_VERSION = 'wardle.example.com/v1'
const PATH = `/apis/${GROUP_VERSION}`
const METADATA = { namespace: 'default' }
const certificates = makeCertificates(['wardle.default.svc'])
const EVENT = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: { text: 'x'.repeat(64_000) } })}\n`)
/** More than the sockets on the way hold. */
const STREAM_BYTES = 512 * EVENT.length
let world: StreamingWorld
let remote: Server
let written = 0
let isHeldBack = false

/** As an aggregated server's request-header authentication: headers count only with the front proxy's certificate. */
function userOf({ socket, headers }: IncomingMessage): object {
  if (!(socket as TLSSocket).authorized) return { user: 'system:anonymous' }
  const { 'x-remote-user': user, 'x-remote-group': group, 'x-remote-extra-scopes': scopes } = headers
  return { user, group, scopes, proxy: (socket as TLSSocket).getPeerCertificate().subject.CN }
}

async function sendEvents(response: ServerResponse): Promise<void> {
  for (; written < STREAM_BYTES; written += EVENT.length) {
    if (response.write(EVENT)) continue
    isHeldBack = true
    await once(response, 'drain')
    isHeldBack = false
  }
  response.end()
}

beforeAll(async () => {
  const { certificate: cert, key } = certificates.server
  const tls = { cert, key, ca: certificates.ca, requestCert: true, rejectUnauthorized: false }
  remote = createServer(tls, (incoming, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    if (incoming.url === PATH)
      response.end(JSON.stringify({ kind: 'APIResourceList', groupVersion: GROUP_VERSION, resources: [] }))
    else if (incoming.url?.includes('watch=') === true) {
      void sendEvents(response)
    } else response.end(JSON.stringify(userOf(incoming)))
  })
  remote.on('upgrade', (incoming: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.write(`${JSON.stringify(userOf(incoming))}\n`)
    socket.on('data', (chunk: Buffer) => socket.end(chunk))
  })
  await new Promise<void>((resolve) => remote.listen(0, '127.0.0.1', resolve))
  const { port } = remote.address() as AddressInfo
  world = await startStreamingWorld({
    podPorts: new Map([[`${POD_IP}:8443`, port]]),
    frontProxy: certificates.client,
  })
  await world.client.create(API_SERVICES, {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1.wardle.example.com' },
    spec: {
      group: 'wardle.example.com',
      version: 'v1',
      groupPriorityMinimum: 2000,
      versionPriority: 15,
      service: { name: 'wardle', namespace: 'default' },
      caBundle: Buffer.from(certificates.ca).toString('base64'),
    },
  })
})
afterAll(async () => {
  remote.closeAllConnections()
  remote.close()
  await world.stop()
})

async function condition(): Promise<string | undefined> {
  const { status } = await world.client.get(API_SERVICES, { name: 'v1.wardle.example.com' })
  return status?.conditions?.[0]?.reason
}

it('is available as soon as its Service has an endpoint', async () => {
  await eventually(async () => expect(await condition()).toBe('ServiceNotFound'))
  const ports = [{ name: 'https', port: 443, targetPort: 8443 }]
  await world.client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...METADATA, name: 'wardle' },
    spec: { ports, selector: { app: 'wardle' } },
  })
  await eventually(async () => expect(await condition()).toBe('EndpointsNotFound'))
  await world.client.create(ENDPOINT_SLICES, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...METADATA, name: 'wardle-1', labels: { 'kubernetes.io/service-name': 'wardle' } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port: 8443, protocol: 'TCP' }],
    endpoints: [{ addresses: [POD_IP], nodeName: 'worker', conditions: { ready: true } }],
  })
  await eventually(async () => expect(await condition()).toBe('Passed'))
})

it('believes the user headers because of the front proxy certificate', async () => {
  const user = { name: 'bob', uid: '', groups: ['system:masters'], extra: new Map([['scopes', ['x']]]) }
  const { body } = await world.as(user).raw({ method: 'GET', path: `${PATH}/whoami` })
  expect(body).toEqual({ user: 'bob', group: 'system:masters', scopes: 'x', proxy: 'jane' })
})

const ask = (path: string, headers: Record<string, string>) =>
  request({
    host: '127.0.0.1',
    port: world.port,
    ca: world.ca,
    agent: false,
    path,
    headers: { authorization: `Bearer ${world.plane.adminToken}`, ...headers },
  })

it('gets upgrades as the user too, and bytes go both ways', async () => {
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'x-remote-user': 'forged' }
  const text = await new Promise<string>((resolve, reject) => {
    const outgoing = ask(`${PATH}/flunders?watch=true`, headers)
    outgoing.on('error', reject)
    outgoing.on('upgrade', (_, socket, head) => {
      const chunks: Buffer[] = [head]
      socket.on('error', reject)
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      socket.on('end', () => resolve(Buffer.concat(chunks).toString()))
      socket.write('echo')
    })
    outgoing.end()
  })
  expect(text).toContain('"user":"admin"')
  expect(text).toMatch(/echo$/)
})

it('is held back by a client that does not read its watch, and goes on with it', async () => {
  const outgoing = ask(`${PATH}/flunders?watch=true`, {})
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  response.pause()
  let seen = -1
  await eventually(() => {
    const before = seen
    seen = written
    expect(isHeldBack && before === written).toBe(true)
  })
  expect(written).toBeLessThan(STREAM_BYTES)
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length
  expect(bytes).toBe(STREAM_BYTES)
})
