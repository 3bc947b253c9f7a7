import type { IncomingMessage } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'
import { connect } from 'node:http2'
import { Agent, request } from 'node:https'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificates, startTestServer } from '#test/contract/resource-server.ts'
import type { Authenticator } from '../../authentication/interfaces.ts'

const certificates = makeCertificates()
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

/** Who one is follows from the client certificate alone. */
const byCertificate: Authenticator = {
  authenticate({ peerCertificate }) {
    const name = /CN=(.*)/.exec(peerCertificate?.subject ?? '')?.[1]
    return name === undefined ? undefined : { user: { name, uid: '', groups: [], extra: new Map() } }
  },
}

const { server } = startTestServer({ authenticator: byCertificate })
const tls = { ca: certificates.ca, cert: certificates.client.certificate, key: certificates.client.key }
let port = 0
let agent: Agent
let session: ClientHttp2Session

beforeAll(async () => {
  const { certificate, key } = certificates.server
  const bound = await server.listen({
    host: '127.0.0.1',
    port: 0,
    tls: { certificate, key, clientCa: certificates.ca },
  })
  port = bound.port
  agent = new Agent({ keepAlive: true, ...tls })
  session = connect(`https://127.0.0.1:${port}`, tls)
})

afterAll(async () => {
  session.destroy()
  agent.destroy()
  await server.close(1000)
})

interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: Buffer
}

interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
}

function overHttp1({ method = 'GET', path, headers = {}, body }: Question, with_ = agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, path, method, headers, agent: with_ },
      (incoming: IncomingMessage) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function overHttp2({ method = 'GET', path, headers = {}, body }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers })
    const chunks: Buffer[] = []
    let answerHeaders: Record<string, unknown> = {}
    stream.on('response', (received) => {
      answerHeaders = received
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () =>
      resolve({ status: Number(answerHeaders[':status']), headers: answerHeaders, body: Buffer.concat(chunks) }),
    )
    stream.on('error', reject)
    stream.end(body)
  })
}

const json = (answer: Answer) => JSON.parse(answer.body.toString()) as Record<string, unknown>
const configMap = (name: string, data: Record<string, string> = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
const JSON_BODY = { 'content-type': 'application/json' }

describe.each([
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const)('%s', (protocol, send) => {
  const name = protocol.toLowerCase().replace(/[^a-z0-9]/g, '-')

  it('creates and reads back', async () => {
    const created = await send({ method: 'POST', path: CONFIG_MAPS, headers: JSON_BODY, body: configMap(name) })
    expect(created.status).toBe(201)
    const read = await send({ path: `${CONFIG_MAPS}/${name}` })
    expect(read).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-cache, private',
        'audit-id': expect.any(String),
      },
    })
    expect(read.body).toEqual(created.body)
    expect(Number(read.headers['content-length'])).toBe(read.body.length)
  })

  it('keeps the id a client gave its request', async () => {
    const answer = await send({ path: '/version', headers: { 'audit-id': 'mine' } })
    expect(answer.headers['audit-id']).toBe('mine')
  })

  it('answers HEAD without a body', async () => {
    const answer = await send({ method: 'HEAD', path: '/version' })
    expect(answer).toMatchObject({ status: 200, body: Buffer.alloc(0) })
  })

  it('refuses a body past the limit and goes on', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024, 'x')
    // It is read to its end all the same: a client that is still sending must see the answer, not a broken connection.
    const answer = await send({ method: 'POST', path: CONFIG_MAPS, headers: JSON_BODY, body })
    expect(json(answer)).toMatchObject({ reason: 'RequestEntityTooLarge', code: 413 })
    expect((await send({ path: '/version' })).status).toBe(200)
  })

  it('compresses large answers for those who ask', async () => {
    const path = `${CONFIG_MAPS}/large-${name}`
    await send({
      method: 'POST',
      path: CONFIG_MAPS,
      headers: JSON_BODY,
      body: configMap(`large-${name}`, { v: 'a'.repeat(200_000) }),
    })
    const plain = await send({ path })
    expect(plain.headers['content-encoding']).toBeUndefined()
    const packed = await send({ path, headers: { 'accept-encoding': 'gzip' } })
    expect(packed.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(packed.body)).toEqual(plain.body)
  })

  it('sends several warnings as several headers', async () => {
    const body = '{"metadata":{"name":"warned"},"one":1,"two":2}'
    const answer = await send({ method: 'POST', path: `${CONFIG_MAPS}?dryRun=All`, headers: JSON_BODY, body })
    expect(answer.headers['warning']).toContain('299 - "unknown field \\"one\\""')
    expect(answer.headers['warning']).toContain('299 - "unknown field \\"two\\""')
  })

  it.each([
    ['an export', `${CONFIG_MAPS}/some?export=true`, 'the export parameter, deprecated since v1.14'],
    [
      'a watch of Tables with unknown objects',
      `${CONFIG_MAPS}?watch=true&includeObject=Some`,
      'Unable to convert to Table as requested: includeObject: Invalid value: "Some"',
    ],
  ])('refuses %s', async (_what, path, message) => {
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }
    const answer = await send({ method: 'GET', path, headers })
    expect([answer.status, json(answer).message]).toEqual([400, expect.stringContaining(message)])
  })

  it('takes a version of the empty group as one of the core group', async () => {
    const body = '{"kind":"ConfigMap","apiVersion":"/v1","metadata":{"name":"slashed"}}'
    const answer = await send({ method: 'POST', path: `${CONFIG_MAPS}?dryRun=All`, headers: JSON_BODY, body })
    expect([answer.status, json(answer)]).toMatchObject([201, { apiVersion: 'v1' }])
  })

  it.each([
    ['malformed JSON', '{"a":', 400, /couldn't get version\/kind; json parse error/],
    ['an array', '[]', 400, /cannot unmarshal array/],
    ['nesting without end', '['.repeat(100_000), 400, /exceeded max depth/],
    ['another kind', '{"kind":"Pod","apiVersion":"v1"}', 400, /Pod in version "v1" cannot be handled as a ConfigMap/],
    [
      'another version',
      '{"kind":"ConfigMap","apiVersion":"v2"}',
      400,
      /the API version in the data \(v2\) does not match the expected API version \(v1\)/,
    ],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400, /json parse error/],
    ['a name with a slash', '{"metadata":{"name":"a/b"}}', 422, /metadata.name: Invalid value: "a\/b"/],
    ['metadata that is a list', '{"metadata":[]}', 400, /cannot unmarshal array/],
  ])('answers bad input with a Status: %s', async (_case, body, code, message) => {
    const answer = await send({ method: 'POST', path: CONFIG_MAPS, headers: JSON_BODY, body })
    expect(json(answer)).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      code,
      message: expect.stringMatching(message),
    })
    expect(answer.status).toBe(code)
  })

  it('takes members named like prototype slots as plain data', async () => {
    const body = '{"metadata":{"name":"proto","labels":{"constructor":"x"}},"data":{"__proto__":"y","constructor":"z"}}'
    const answer = await send({ method: 'POST', path: `${CONFIG_MAPS}?dryRun=All`, headers: JSON_BODY, body })
    expect(answer.status).toBe(201)
    expect(answer.body.toString()).toContain('"__proto__":"y","constructor":"z"')
  })

  it('refuses content types it cannot read', async () => {
    const answer = await send({
      method: 'POST',
      path: CONFIG_MAPS,
      headers: { 'content-type': 'text/csv' },
      body: 'a,b',
    })
    expect(json(answer)).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' })
  })
})

it('reads the client certificate of a connection once for all its requests', async () => {
  const first = await overHttp1({ path: '/version' })
  const second = await overHttp1({ path: '/version' })
  expect([first.status, second.status]).toEqual([200, 200])
})

it('answers 401 without a certificate', async () => {
  const bare = new Agent({ ca: certificates.ca })
  const answer = await overHttp1({ path: '/version' }, bare)
  bare.destroy()
  expect(json(answer)).toMatchObject({ kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' })
})

it('streams a watch and ends it with the server', async () => {
  const { server: other } = startTestServer()
  const { certificate, key } = certificates.server
  const bound = await other.listen({ host: '127.0.0.1', port: 0, tls: { certificate, key, clientCa: certificates.ca } })
  const lines: string[] = []
  const ended = new Promise<void>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: bound.port, path: `${CONFIG_MAPS}?watch=1`, ...tls }
    request(options, (incoming) => {
      let buffered = ''
      incoming.on('data', (chunk: Buffer) => {
        buffered += chunk.toString()
        const parts = buffered.split('\n')
        buffered = parts.pop() ?? ''
        lines.push(...parts)
        if (lines.length === 1) void other.close(1000)
      })
      incoming.on('end', resolve)
      void other.loopbackClient.raw({ method: 'POST', path: CONFIG_MAPS, body: { metadata: { name: 'seen' } } })
    })
      .on('error', reject)
      .end()
  })
  await ended
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'seen' } } },
  ])
})
