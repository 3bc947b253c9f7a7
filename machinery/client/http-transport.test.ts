/** The HTTP transport against a plain server: bodies, streams, bounds. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import { isNotFound, newNotFound } from '#machinery/meta/errors.ts'
import { startWebhookServer } from '#test/support/webhook-server.ts'
import { createHttpTransport } from './http-transport.ts'
import { LineTooLongError, readLines } from './line-reader.ts'
import { createClient } from './rest-client.ts'

const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function clientFor(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server: Server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const transport = createHttpTransport({ server: `http://127.0.0.1:${port}`, token: 'secret' })
  closers.push(
    () => transport.close(),
    () => server.close(),
    () => server.closeAllConnections(),
  )
  return createClient(transport)
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const NAME = { namespace: 'x', name: 'a' }

describe('createHttpTransport', () => {
  it('sends the token and gives back frozen objects', async () => {
    const client = await clientFor((request, response) =>
      answer(response, 200, { kind: 'ConfigMap', metadata: { name: request.headers.authorization } }),
    )
    const map = await client.get(CONFIG_MAPS, NAME)
    expect(map.metadata.name).toBe('Bearer secret')
    expect(Object.isFrozen(map.metadata)).toBe(true)
  })

  it('gives list items the kind that other servers leave out', async () => {
    const body = { kind: 'ConfigMapList', apiVersion: 'v1', metadata: {}, items: [{ metadata: { name: 'a' } }] }
    const client = await clientFor((_request, response) => answer(response, 200, body))
    const { items } = await client.list(CONFIG_MAPS)
    expect(items[0]).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } })
  })

  it('throws the Status of a refused watch', async () => {
    const client = await clientFor((_request, response) => answer(response, 404, newNotFound(CONFIG_MAPS, 'a').status))
    await expect(client.watch(CONFIG_MAPS)[Symbol.asyncIterator]().next()).rejects.toSatisfy(isNotFound)
  })

  it('reads watch events line by line until the connection breaks', async () => {
    const event = `${JSON.stringify({ type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'ä' } } })}\n`
    const client = await clientFor((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const bytes = Buffer.from(event + event)
      response.write(bytes.subarray(0, event.length - 8))
      setImmediate(() => response.write(bytes.subarray(event.length - 8), () => response.destroy()))
    })
    const seen: (string | undefined)[] = []
    for await (const { object } of client.watch(CONFIG_MAPS)) seen.push(object.metadata.name)
    expect(seen).toEqual(['ä', 'ä'])
  })

  it('ends a watch without an error when its signal aborts', async () => {
    const client = await clientFor((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: {} } })}\n`)
    })
    const stop = new AbortController()
    let events = 0
    for await (const _event of client.watch(CONFIG_MAPS, { signal: stop.signal })) {
      events++
      stop.abort()
    }
    expect(events).toBe(1)
  })
})

describe('readLines', () => {
  it('refuses a line that is longer than its bound', async () => {
    async function* chunks(): AsyncGenerator<Buffer> {
      yield Buffer.from('short\nvery ')
      yield Buffer.from('long line')
    }
    const lines: string[] = []
    const reading = (async () => {
      for await (const line of readLines(chunks(), 10)) lines.push(line)
    })()
    await expect(reading).rejects.toBeInstanceOf(LineTooLongError)
    expect(lines).toEqual(['short'])
  })
})

describe('over TLS', () => {
  it.each([
    ['the name the certificate has', 'hook.hooks.svc', true],
    ['another name', 'elsewhere.svc', false],
    ['the host of the URL', undefined, true],
  ])('checks the certificate for %s', async (_what, serverName, isAnswered) => {
    const hooks = await startWebhookServer()
    closers.push(() => void hooks.close())
    hooks.on('/x', () => ({ http: 200, text: '{}' }))
    const ca = Buffer.from(hooks.caBundle, 'base64').toString('utf8')
    const transport = createHttpTransport({
      server: hooks.url(''),
      ca,
      ...(serverName === undefined ? {} : { serverName }),
    })
    closers.push(() => transport.close())
    const signal = AbortSignal.timeout(10_000)
    const request = transport.request({ method: 'POST', path: '/x', headers: {}, body: {}, signal })
    if (isAnswered) expect((await request).status).toBe(200)
    else await expect(request).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })
})
