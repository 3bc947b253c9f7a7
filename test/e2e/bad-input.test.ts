/** What must not be able to hurt a server: every bad request gets a proper Status, and the server keeps its head and memory. */
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KubeConfig } from '@kubernetes/client-node'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'

let server: ServerProcess
let tls: { ca: string; cert: string; key: string }

beforeAll(async () => {
  server = await startServerProcess()
  const config = new KubeConfig()
  config.loadFromFile(server.kubeconfig)
  const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString()
  const user = config.getCurrentUser()
  tls = {
    ca: decode(config.getCurrentCluster()?.caData),
    cert: decode(user?.certData),
    key: decode(user?.keyData),
  }
})

/** Kept alive: a client that asks to be closed may lose the answer to a body it is still sending. */
const agent = new Agent({ keepAlive: true })

afterAll(async () => {
  agent.destroy()
  await server.dispose()
})

interface Answer {
  readonly status: number
  readonly body: {
    readonly kind?: string
    readonly reason?: string
    readonly message?: string
    readonly [x: string]: unknown
  }
}

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const MAPS = '/api/v1/namespaces/default/configmaps'

/** Resolves with the answer even when the server stops reading half-way. */
function send({
  method = 'POST',
  path = MAPS,
  type = 'application/json',
  headers = {},
  body = '',
}: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      server.url + path,
      {
        ...tls,
        method,
        headers: { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers },
        agent,
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.once('close', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] })
          } catch {
            reject(new Error(`${response.statusCode}: no JSON: ${text.slice(0, 200)}`))
          }
        })
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth)
const map = (name: string, rest = ''): string =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":${JSON.stringify(name)}}${rest}}`

interface Case extends Sent {
  readonly name: string
  readonly status: number
  readonly reason: string
  readonly message?: RegExp
}

const CASES: readonly Case[] = [
  { name: 'malformed JSON', body: '{"apiVersion":"v1",', status: 400, reason: 'BadRequest' },
  { name: 'malformed YAML', type: 'application/yaml', body: 'a: [', status: 400, reason: 'BadRequest' },
  { name: 'no body', body: '', status: 400, reason: 'BadRequest' },
  { name: 'a body that is no object', body: '[]', status: 400, reason: 'BadRequest' },
  { name: 'a number', body: '1', status: 400, reason: 'BadRequest' },
  { name: 'null', body: 'null', status: 400, reason: 'BadRequest' },
  { name: 'another kind', body: map('x').replace('ConfigMap', 'Secret'), status: 400, reason: 'BadRequest' },
  { name: 'another version', body: map('x').replace('"v1"', '"v2"'), status: 400, reason: 'BadRequest' },
  {
    name: 'invalid UTF-8',
    body: Buffer.concat([Buffer.from(map('x').slice(0, -1)), Buffer.from([0xff, 0xfe]), Buffer.from('}')]),
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a 10 MiB body',
    body: map('big', `,"data":{"x":"${'x'.repeat(10 << 20)}"}`),
    status: 413,
    reason: 'RequestEntityTooLarge',
  },
  {
    name: 'arrays nested 100,000 deep',
    body: map('deep', `,"data":${nested(100_000, '[', ']')}`),
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'objects nested 100,000 deep',
    body: map('deep', `,"data":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'YAML nested 100,000 deep',
    type: 'application/yaml',
    body: nested(100_000, '[', ']'),
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a YAML alias bomb',
    type: 'application/yaml',
    body: `a0: &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`).join('\n')}\n`,
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a content type that is none of ours',
    type: 'text/plain',
    body: map('x'),
    status: 415,
    reason: 'UnsupportedMediaType',
  },
  { name: 'CBOR', type: 'application/cbor', body: map('x'), status: 415, reason: 'UnsupportedMediaType' },
  {
    name: 'protobuf that is none',
    type: 'application/vnd.kubernetes.protobuf',
    body: 'k8s\0nonsense',
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'protobuf without its magic',
    type: 'application/vnd.kubernetes.protobuf',
    body: map('x'),
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a patch of an unknown type',
    method: 'PATCH',
    path: `${MAPS}/kube-root-ca.crt`,
    body: '{}',
    status: 415,
    reason: 'UnsupportedMediaType',
  },
  {
    name: 'a JSON patch that is no list',
    method: 'PATCH',
    path: `${MAPS}/kube-root-ca.crt`,
    type: 'application/json-patch+json',
    body: '{}',
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a JSON patch of 20,000 steps',
    method: 'PATCH',
    path: `${MAPS}/kube-root-ca.crt`,
    type: 'application/json-patch+json',
    body: `[${Array(20_000).fill('{"op":"test","path":"/kind","value":"ConfigMap"}').join(',')}]`,
    status: 413,
    reason: 'RequestEntityTooLarge',
  },
  {
    name: 'an answer we cannot give',
    method: 'GET',
    path: MAPS,
    headers: { accept: 'image/png' },
    status: 406,
    reason: 'NotAcceptable',
  },
  {
    name: 'a name with a slash',
    body: map('a/b'),
    status: 422,
    reason: 'Invalid',
    message: /metadata\.name: Invalid value: "a\/b"/,
  },
  {
    name: 'a name with an escaped slash in the path',
    method: 'GET',
    path: `${MAPS}/a%2fb`,
    status: 404,
    reason: 'NotFound',
  },
  { name: 'a name of dots', body: map('..'), status: 422, reason: 'Invalid' },
  { name: 'a very long name', body: map('x'.repeat(300)), status: 422, reason: 'Invalid' },
  { name: 'the name __proto__', body: map('__proto__'), status: 422, reason: 'Invalid' },
  {
    name: 'the name constructor is as good as any',
    method: 'GET',
    path: `${MAPS}/constructor`,
    status: 404,
    reason: 'NotFound',
  },
  { name: 'a path that cannot be decoded', method: 'GET', path: `${MAPS}/%zz`, status: 400, reason: 'BadRequest' },
  { name: 'a resource named __proto__', method: 'GET', path: '/api/v1/__proto__', status: 404, reason: 'NotFound' },
  {
    name: 'a group named constructor',
    method: 'GET',
    path: '/apis/constructor/v1/things',
    status: 404,
    reason: 'NotFound',
  },
  {
    name: 'an unknown field under Strict',
    path: `${MAPS}?fieldValidation=Strict`,
    body: map('x', ',"datas":{}'),
    status: 400,
    reason: 'BadRequest',
    message: /unknown field "datas"/,
  },
  {
    name: 'a doubled field under Strict',
    path: `${MAPS}?fieldValidation=Strict`,
    body: map('x', ',"data":{},"data":{}'),
    status: 400,
    reason: 'BadRequest',
    message: /duplicate field "data"/,
  },
  {
    name: 'an unknown validation level',
    path: `${MAPS}?fieldValidation=Maybe`,
    body: map('x'),
    status: 422,
    reason: 'Invalid',
  },
  { name: 'a dry run of nothing known', path: `${MAPS}?dryRun=Some`, body: map('x'), status: 422, reason: 'Invalid' },
  {
    name: 'a label selector that is none',
    method: 'GET',
    path: `${MAPS}?labelSelector=a%3D%3D%3Db!`,
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a resourceVersion that is none',
    method: 'GET',
    path: `${MAPS}?resourceVersion=abc`,
    status: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a continue token that is none',
    method: 'GET',
    path: `${MAPS}?limit=1&continue=abc`,
    status: 400,
    reason: 'BadRequest',
  },
  { name: 'a value of the wrong type', body: map('x', ',"data":{"a":1}'), status: 400, reason: 'BadRequest' },
  { name: 'a method nobody has', method: 'PROPFIND', path: MAPS, status: 405, reason: 'MethodNotAllowed' },
]

describe('bad input', () => {
  it.each(CASES)('$name: $status $reason', async ({ name: _, status, reason, message = /./, ...sent }) => {
    const answer = await send(sent)
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason, code: status })
    expect(answer.status).toBe(status)
    expect(answer.body.message).toMatch(message)
    expect(answer.body.message?.length).toBeLessThan(2_000)
  })

  it('keeps keys like __proto__ and constructor as data', async () => {
    const { status, body } = await send({
      body: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"keys","labels":{"constructor":"l"}},"data":{"__proto__":"a","constructor":"b","toString":"c"}}`,
    })
    expect(status, JSON.stringify(body)).toBe(201)
    const kept = JSON.stringify((await send({ method: 'GET', path: `${MAPS}/keys` })).body)
    expect(kept).toContain('"__proto__":"a"')
    expect(kept).toContain('"constructor":"b"')
    const patched = await send({
      method: 'PATCH',
      path: `${MAPS}/keys`,
      type: 'application/merge-patch+json',
      body: '{"__proto__":{"polluted":"yes"},"data":{"__proto__":"d"}}',
    })
    expect(JSON.stringify(patched.body)).not.toContain('polluted')
    expect(await send({ method: 'GET', path: `${MAPS}/kube-root-ca.crt` })).not.toMatchObject({
      body: { polluted: 'yes' },
    })
  })

  it('drops connections that are no HTTP and goes on', async () => {
    const { port } = server
    for (const bytes of [
      '\0\0\0garbage',
      'GET / HTTP/9.9\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
    ]) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port, ca: tls.ca }, () => socket.write(bytes))
        socket.once('error', () => resolve()).once('close', () => resolve())
        socket.setTimeout(10_000, () => reject(new Error(`still open after ${JSON.stringify(bytes)}`)))
        socket.resume()
      })
    }
    await clientFromKubeconfig(server.kubeconfig).list(CONFIG_MAPS)
  })

  it('keeps its memory under a flood of bad bodies', async () => {
    const residentMiB = (): number =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024
    const flood = async (): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        await Promise.all(CASES.filter(({ body }) => (body?.length ?? 0) > 100_000).map((sent) => send(sent)))
      }
    }
    await flood()
    const before = residentMiB()
    await flood()
    await flood()
    expect(residentMiB() - before).toBeLessThan(150)
    expect(server.log).not.toMatch(/"level":"(error|fatal)"/)
  })
})
