import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import type { JsonObject } from '#machinery/util/types.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createBackendDialer } from '../proxy/dialer.ts'
import { OpenApiDownloads } from './openapi-v2.ts'

const MINUTE_MS = 60_000
const closings: (() => void)[] = []
afterEach(() => {
  for (const close of closings.splice(0)) close()
})

const service = (group: string, groupPriorityMinimum = 1000): APIService => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: `v1.${group}` },
  spec: { group, version: 'v1', groupPriorityMinimum, versionPriority: 10, service: { name: 's', namespace: 'n' } },
})
const documentOf = (group: string): JsonObject => ({
  info: { title: group },
  paths: { [`/apis/${group}/v1/things`]: {}, '/other': {} },
})
const keptOf = (group: string): JsonObject => ({ info: { title: group }, paths: { [`/apis/${group}/v1/things`]: {} } })

/** Downloads from servers whose answers a test decides; `host` of a request is the group. */
async function start(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: IncomingMessage['headers'][] = []
  const server = createServer((request, response) => {
    requests.push(request.headers)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = new AbortController()
  closings.push(() => {
    stop.abort()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const clock = new FakeClock()
  const seen = { changes: 0, failures: 0, loads: 0 }
  const downloads = new OpenApiDownloads({
    dialer: createBackendDialer({ kubeletTls: () => undefined, tunnels: { find: () => undefined }, clock }),
    clock,
    logger: { ...discardLogger, debug: () => seen.loads++, info: () => seen.failures++ },
    backendOf: ({ spec }) => ({
      scheme: 'http',
      host: '127.0.0.1',
      port,
      nodeName: '',
      trust: 'workload',
      tls: { servername: spec.group ?? '', ca: undefined, certificate: '', key: '' },
    }),
    onChange: () => seen.changes++,
  })
  const sync = (services: readonly APIService[], isAvailable = true): void =>
    downloads.sync(services, () => isAvailable, stop.signal)
  /** Looks until one more download has begun and ended: before that, time must not go on. */
  const asked = async (services: readonly APIService[]): Promise<void> => {
    const before = seen.loads + seen.failures
    await eventually(() => {
      sync(services)
      expect(seen.loads + seen.failures).toBeGreaterThan(before)
    })
  }
  return { clock, seen, downloads, requests, sync, asked }
}

const json = (response: ServerResponse, value: object, headers = {}): void => {
  response.writeHead(200, headers).end(JSON.stringify(value))
}

describe('OpenApiDownloads', () => {
  it('keeps the paths of the version, and asks again after a minute with the tag', async () => {
    const { clock, seen, downloads, requests, sync, asked } = await start((request, response) => {
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end()
      else json(response, documentOf('a'), { etag: '"1"' })
    })
    await asked([service('a')])
    expect(downloads.documents()).toEqual([keptOf('a')])
    expect(requests).toMatchObject([{ 'x-remote-user': 'system:aggregator', accept: 'application/json' }])
    clock.advance(MINUTE_MS - 1)
    sync([service('a')])
    clock.advance(1)
    await asked([service('a')])
    clock.advance(MINUTE_MS)
    await asked([service('a')])
    expect(requests.map((headers) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"'])
    expect(seen.changes).toBe(1)
    sync([])
    expect(downloads.documents()).toEqual([])
    expect(seen.changes).toBe(2)
  })

  it('knows a document again by its content when the server has no tags', async () => {
    const { clock, seen, requests, asked } = await start((_, response) => json(response, documentOf('a')))
    for (let round = 0; round < 3; round++) {
      await asked([service('a')])
      clock.advance(MINUTE_MS)
    }
    await asked([service('a')])
    expect(requests.map((headers) => headers['if-none-match'])).toEqual([undefined, undefined, undefined, undefined])
    expect(seen).toEqual({ changes: 1, failures: 0, loads: 4 })
  })

  it('keeps the last document of a server that fails, and asks less and less often until its APIService changes', async () => {
    let isBroken = false
    const { clock, seen, downloads, requests, sync, asked } = await start((_, response) => {
      if (isBroken) response.writeHead(500).end()
      else json(response, documentOf('a'))
    })
    await asked([service('a')])
    expect(downloads.documents()).toEqual([keptOf('a')])
    isBroken = true
    for (const failures of [1, 2]) {
      clock.advance(MINUTE_MS)
      await asked([service('a')])
      expect(seen.failures).toBe(failures)
    }
    const before = requests.length
    clock.advance(MINUTE_MS)
    sync([service('a')])
    clock.advance(MINUTE_MS)
    await asked([service('a')])
    expect(requests).toHaveLength(before + 1)
    expect(seen.failures).toBe(3)
    await asked([service('a', 2000)])
    expect(downloads.documents()).toEqual([keptOf('a')])
  })

  it('asks at once when a server answers again', async () => {
    const { downloads, requests, sync, asked } = await start((_, response) => json(response, documentOf('a')))
    sync([service('a')], false)
    await asked([service('a')])
    expect(downloads.documents()).toHaveLength(1)
    sync([service('a')], false)
    await asked([service('a')])
    expect(requests).toHaveLength(2)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['not JSON', (response) => response.writeHead(200).end('<html>')],
    ['a list', (response) => json(response, [])],
    ['nested too deeply', (response) => response.writeHead(200).end(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`)],
    ['not there', (response) => response.writeHead(404).end()],
    ['unchanged, it says, although there was none', (response) => response.writeHead(304).end()],
    ['too large', (response) => response.writeHead(200).end(Buffer.alloc(17 * 1024 * 1024, ' '))],
  ])('does without a document that is %s', async (_, answer) => {
    const { seen, downloads, sync } = await start((__, response) => answer(response))
    sync([service('a')])
    await eventually(() => expect(seen.failures).toBe(1))
    expect(downloads.documents()).toEqual([])
  })

  it('does not let a server that never answers hold up the others, and gives it a minute', async () => {
    const { clock, seen, downloads, sync, requests } = await start((request, response) => {
      if (request.headers.host !== 'a') json(response, documentOf('b'))
    })
    sync([service('a'), service('b')])
    await eventually(() => expect(downloads.documents()).toEqual([keptOf('b')]))
    await eventually(() => expect(requests).toHaveLength(2))
    clock.advance(MINUTE_MS)
    await eventually(() => expect(seen.failures).toBe(1))
  })

  it('orders documents by the priorities of groups and versions, then by name', async () => {
    const { downloads, sync } = await start((request, response) =>
      json(response, documentOf(request.headers.host ?? '')),
    )
    sync([service('c', 500), service('a', 500), service('b', 900)])
    await eventually(() => expect(downloads.documents()).toEqual([keptOf('b'), keptOf('a'), keptOf('c')]))
  })
})
