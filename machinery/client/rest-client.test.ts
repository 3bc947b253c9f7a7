/** What a Client asks a Transport for, and what it makes of the answers. */
import { describe, expect, it } from 'vitest'
import { CONFIG_MAPS, NAMESPACES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { WatchEvent } from '#machinery/api/meta/v1.ts'
import { isExpired, isNotFound, newExpired, newNotFound } from '#machinery/meta/errors.ts'
import { createClient } from './rest-client.ts'
import type { TransportRequest, TransportResponse } from './transport.ts'

function clientAnswering(answer: Partial<TransportResponse>, events: readonly WatchEvent[] = []) {
  const requests: TransportRequest[] = []
  async function* stream(): AsyncGenerator<WatchEvent> {
    yield* events
  }
  const client = createClient({
    request(request) {
      requests.push(request)
      return Promise.resolve({ status: 200, headers: {}, body: {}, ...answer })
    },
    watch(request) {
      requests.push(request)
      return Promise.resolve(stream())
    },
  })
  return { client, requests }
}

const MAP = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'n s', name: 'a' } }

describe('createClient', () => {
  it('addresses objects, collections and subresources', async () => {
    const { client, requests } = clientAnswering({})
    await client.get(CONFIG_MAPS, { namespace: 'n s', name: 'a' })
    await client.list(PODS, { labelSelector: 'a=b,c', limit: 5 })
    await client.create(CONFIG_MAPS, MAP, { dryRun: true })
    await client.update(
      NAMESPACES,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x' }, spec: {} },
      { subresource: 'finalize' },
    )
    await client.deleteCollection(PODS, { namespace: 'x', propagationPolicy: 'Background' })
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v1/namespaces/n%20s/configmaps/a',
      'GET /api/v1/pods?labelSelector=a%3Db%2Cc&limit=5',
      'POST /api/v1/namespaces/n%20s/configmaps?dryRun=All',
      'PUT /api/v1/namespaces/x/finalize',
      'DELETE /api/v1/namespaces/x/pods',
    ])
    expect(requests.at(-1)?.body).toMatchObject({ kind: 'DeleteOptions', propagationPolicy: 'Background' })
  })

  it.each([
    ['json', 'application/json-patch+json'],
    ['merge', 'application/merge-patch+json'],
    ['strategic', 'application/strategic-merge-patch+json'],
    ['apply', 'application/apply-patch+yaml'],
  ] as const)('sends %s patches as %s', async (type, contentType) => {
    const { client, requests } = clientAnswering({})
    const patch = type === 'json' ? { type, body: [] } : { type, body: {} }
    await client.patch(CONFIG_MAPS, { namespace: 'x', name: 'a' }, patch, { fieldManager: 'me' })
    expect(requests[0]?.headers['content-type']).toBe(contentType)
    expect(requests[0]?.path).toBe('/api/v1/namespaces/x/configmaps/a?fieldManager=me')
  })

  it('throws the Status of a failed answer', async () => {
    const { status } = newNotFound(CONFIG_MAPS, 'a')
    const { client } = clientAnswering({ status: 404, body: status })
    await expect(client.get(CONFIG_MAPS, { namespace: 'x', name: 'a' })).rejects.toSatisfy(isNotFound)
  })

  it('keeps the code of an answer that is no Status', async () => {
    const { client } = clientAnswering({ status: 502, body: 'bad gateway' })
    await expect(client.get(CONFIG_MAPS, { namespace: 'x', name: 'a' })).rejects.toMatchObject({ code: 502 })
  })

  it('turns an ERROR event into its StatusError and passes bookmarks on', async () => {
    const events: WatchEvent[] = [
      { type: 'BOOKMARK', object: MAP },
      { type: 'ERROR', object: newExpired('too old').status },
    ]
    const { client, requests } = clientAnswering({}, events)
    const seen: string[] = []
    const watching = (async () => {
      for await (const { type } of client.watch(CONFIG_MAPS, { resourceVersion: '7', allowWatchBookmarks: true }))
        seen.push(type)
    })()
    await expect(watching).rejects.toSatisfy(isExpired)
    expect(seen).toEqual(['BOOKMARK'])
    expect(requests[0]?.path).toBe('/api/v1/configmaps?watch=true&resourceVersion=7&allowWatchBookmarks=true')
  })
})
