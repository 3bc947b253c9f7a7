import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { WatchEvent } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isInvalid, isStatusError } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { startWebhookServer, type WebhookServer } from '#test/support/webhook-server.ts'
import type { CrdServer, Thing } from './crd-server.ts'
import { createEstablished, eventually, makeCrd, startCrdServer, things } from './crd-server.ts'

const V1 = things('v1')
const V2 = things('v2')
const NAME = { name: 'things.example.com' }
const key = (name: string) => ({ namespace: 'default', name })
const thing = (version: string, name: string, spec: Record<string, unknown>): Thing => ({
  apiVersion: `example.com/${version}`,
  kind: 'Thing',
  metadata: { name, namespace: 'default' },
  spec,
})

/** v1 has spec.size and a default color, v2 spec.dimensions.size. */
const schemaOf = (spec: object) => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', ...spec } } },
})
const VERSIONS = [
  {
    name: 'v1',
    served: true,
    storage: true,
    schema: schemaOf({
      required: ['size'],
      properties: { size: { type: 'integer' }, color: { type: 'string', default: 'red' } },
    }),
  },
  {
    name: 'v2',
    served: true,
    storage: false,
    selectableFields: [{ jsonPath: '.spec.dimensions.size' }],
    schema: schemaOf({
      properties: {
        dimensions: { type: 'object', required: ['size'], properties: { size: { type: 'integer', maximum: 10 } } },
        color: { type: 'string' },
      },
    }),
  },
]

let hooks: WebhookServer
let running: CrdServer
let client: Client

beforeAll(async () => {
  hooks = await startWebhookServer()
})
afterAll(() => hooks.close())

beforeEach(async () => {
  running = await startCrdServer()
  client = running.client
  hooks.on('/convert', ({ body }) => success(body.request.objects.map((one: Thing) => convert(one, body.request))))
  await createEstablished(client, convertedCrd())
  hooks.received.length = 0
})
afterEach(() => running.stop())

function convertedCrd(): CustomResourceDefinition {
  const crd = makeCrd({ versions: VERSIONS })
  const clientConfig = { url: hooks.url('/convert'), caBundle: hooks.caBundle }
  crd.spec.conversion = { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } }
  return crd
}

const success = (convertedObjects: unknown[]) => ({ result: { status: 'Success' }, convertedObjects })

function convert(object: Thing, { desiredAPIVersion }: { desiredAPIVersion: string }): Thing {
  const { size, dimensions, ...rest } = (object.spec ?? {}) as { size?: number; dimensions?: { size: number } }
  const spec = desiredAPIVersion.endsWith('v2')
    ? { dimensions: { size }, ...rest }
    : { size: dimensions?.size, ...rest }
  return { ...object, apiVersion: desiredAPIVersion, spec }
}

const calls = (): number => hooks.received.length

async function messageOf(failing: Promise<unknown>): Promise<string> {
  const err: unknown = await failing.catch((err: unknown) => err)
  return isStatusError(err) ? (err.status.message ?? '') : String(err)
}

describe('a conversion webhook', () => {
  it('is not called for what is stored in the version asked for', async () => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    await client.get(V1, key('a'))
    await client.list(V1)
    expect(calls()).toBe(0)
  })

  it('shows objects in another version, once per object however often they are read', async () => {
    const { metadata } = await client.create(V1, thing('v1', 'a', { size: 1 }))
    const shown = await client.get(V2, key('a'))
    expect(shown).toMatchObject({
      apiVersion: 'example.com/v2',
      metadata: { name: 'a', uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      spec: { dimensions: { size: 1 }, color: 'red' },
    })
    await client.get(V2, key('a'))
    await client.list(V2)
    expect(calls()).toBe(1)
    expect(hooks.received[0]?.body).toMatchObject({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'ConversionReview',
      request: { desiredAPIVersion: 'example.com/v2', objects: [{ apiVersion: 'example.com/v1', spec: { size: 1 } }] },
    })
  })

  it('converts what a client writes, validated by the version it speaks', async () => {
    const created = await client.create(V2, thing('v2', 'a', { dimensions: { size: 3 }, bogus: 1 }))
    expect(created).toMatchObject({ apiVersion: 'example.com/v2', spec: { dimensions: { size: 3 } } })
    expect((await client.get(V1, key('a'))).spec).toEqual({ size: 3, color: 'red' })
    await expect(client.create(V2, thing('v2', 'b', { dimensions: { size: 11 } }))).rejects.toSatisfy(isInvalid)
    const patched = await client.patch(V2, key('a'), { type: 'merge', body: { spec: { dimensions: { size: 4 } } } })
    expect(patched.spec).toEqual({ dimensions: { size: 4 }, color: 'red' })
    expect((await client.get(V1, key('a'))).spec).toEqual({ size: 4, color: 'red' })
  })

  it('gets the objects of a list in one call', async () => {
    for (const name of ['a', 'b', 'c']) await client.create(V1, thing('v1', name, { size: 1 }))
    const { items } = await client.list(V2)
    expect(items.map(({ apiVersion }) => apiVersion)).toEqual(Array(3).fill('example.com/v2'))
    expect(hooks.received.map(({ body }) => body.request.objects.length)).toEqual([3])
  })

  it('converts watch events in order, each once for all watchers', async () => {
    await client.create(V1, thing('v1', 'old', { size: 1 }))
    const abort = new AbortController()
    const watch = async (seen: WatchEvent<Thing>[]) => {
      for await (const event of client.watch(V2, { signal: abort.signal })) seen.push(event as WatchEvent<Thing>)
    }
    const first: WatchEvent<Thing>[] = []
    const second: WatchEvent<Thing>[] = []
    const watching = [watch(first), watch(second)]
    await eventually(() => expect([first.length, second.length]).toEqual([1, 1]))
    hooks.received.length = 0
    await client.create(V1, thing('v1', 'new', { size: 2 }))
    await client.patch(V1, key('new'), { type: 'merge', body: { spec: { size: 3 } } })
    await eventually(() => expect([first.length, second.length]).toEqual([3, 3]))
    expect(calls()).toBe(2)
    abort.abort()
    await Promise.all(watching)
    const summary = first.map(({ type, object }) => [type, object.metadata.name, object.apiVersion, object.spec])
    expect(summary).toEqual([
      ['ADDED', 'old', 'example.com/v2', { dimensions: { size: 1 }, color: 'red' }],
      ['ADDED', 'new', 'example.com/v2', { dimensions: { size: 2 }, color: 'red' }],
      ['MODIFIED', 'new', 'example.com/v2', { dimensions: { size: 3 }, color: 'red' }],
    ])
  })

  it('lets selectors choose by what it makes of objects', async () => {
    for (const [name, size] of [['small', 1] as const, ['big', 9] as const]) {
      await client.create(V1, thing('v1', name, { size }))
    }
    const fieldSelector = 'spec.dimensions.size=9'
    const list = await client.list(V2, { fieldSelector })
    expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['big'])
    const abort = new AbortController()
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const { type, object } of client.watch(V2, { fieldSelector, signal: abort.signal })) {
        const { metadata, spec } = object as Thing
        seen.push([type, metadata.name, spec?.['dimensions'], spec?.['color']])
      }
    })()
    await eventually(() => expect(seen).toHaveLength(1))
    const patch = (name: string, spec: object) => client.patch(V1, key(name), { type: 'merge', body: { spec } })
    await patch('small', { size: 9 })
    await patch('small', { color: 'blue' })
    await patch('big', { size: 2 })
    await patch('big', { size: 3 })
    await client.delete(V1, key('small'))
    await eventually(() => expect(seen).toHaveLength(5))
    abort.abort()
    await watching
    expect(seen).toEqual([
      ['ADDED', 'big', { size: 9 }, 'red'],
      ['ADDED', 'small', { size: 9 }, 'red'],
      ['MODIFIED', 'small', { size: 9 }, 'blue'],
      ['DELETED', 'big', { size: 9 }, 'red'],
      ['DELETED', 'small', { size: 9 }, 'blue'],
    ])
  })

  it('still serves what is stored in an old version, and rewrites it on any update', async () => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    const crd = deepCopy<CustomResourceDefinition>(await client.get(CUSTOM_RESOURCE_DEFINITIONS, NAME))
    for (const version of crd.spec.versions) version.storage = version.name === 'v2'
    await client.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
    const stored = async () => (await client.get(CUSTOM_RESOURCE_DEFINITIONS, NAME)).status?.storedVersions
    expect(await stored()).toEqual(['v1', 'v2'])
    await eventually(async () => {
      const { body } = await client.raw({ method: 'GET', path: '/apis/example.com/v2/namespaces/default/things/a' })
      const before = (body as Thing).metadata.resourceVersion
      const written = await client.update(V2, deepCopy<Thing>(body as Thing))
      expect(written.metadata.resourceVersion).not.toBe(before)
    })
    const { metadata } = await client.get(V2, key('a'))
    const again = await client.update(V2, deepCopy<Thing>(await client.get(V2, key('a'))))
    expect(again.metadata.resourceVersion).toBe(metadata.resourceVersion)
  })

  it('may change labels and annotations, and no other metadata', async () => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    hooks.on('/convert', ({ body }) =>
      success(
        body.request.objects.map((one: Thing) => ({
          ...convert(one, body.request),
          metadata: { ...one.metadata, labels: { converted: 'yes' }, finalizers: ['example.com/no'] },
        })),
      ),
    )
    const { metadata } = await client.get(V2, key('a'))
    expect([metadata.labels, metadata.finalizers]).toEqual([{ converted: 'yes' }, undefined])
  })

  it.each([
    ['fails', () => ({ result: { status: 'Failure', message: 'cannot' } }), 'failed: cannot'],
    ['says nothing', () => ({}), "failed: response.result.status was '', not 'Success'"],
    ['answers less than was asked', () => success([]), 'returned 0 objects, expected 1'],
    [
      'is broken',
      () => ({ http: 500, text: 'oops' }),
      'failed: an error on the server ("oops") has prevented the request from succeeding',
    ],
    [
      'changes the name',
      (one: Thing) => success([{ ...one, apiVersion: 'example.com/v2', metadata: { ...one.metadata, name: 'b' } }]),
      'returned invalid converted object at index 0: must have the same name: a != b',
    ],
    [
      'leaves the version',
      (one: Thing) => success([one]),
      'returned invalid converted object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v1)',
    ],
    ['answers somebody else', () => ({ ...success([]), uid: 'x' }), 'got "x"'],
  ])('that %s is an error with upstream’s text', async (_what, answer, text) => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    hooks.on('/convert', ({ body }) => answer(body.request.objects[0]))
    const message = await messageOf(client.get(V2, key('a')))
    expect(message).toContain('conversion webhook for example.com/v1, Kind=Thing ')
    expect(message).toContain(text)
    expect((await client.get(V1, key('a'))).spec).toEqual({ size: 1, color: 'red' })
  })

  it('is tried again after it failed', async () => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    hooks.on('/convert', () => ({ http: 503, text: '' }))
    await messageOf(client.get(V2, key('a')))
    hooks.on('/convert', ({ body }) => success(body.request.objects.map((one: Thing) => convert(one, body.request))))
    expect((await client.get(V2, key('a'))).apiVersion).toBe('example.com/v2')
  })

  it('is measured', async () => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    await client.get(V2, key('a'))
    expect(await running.metrics.metrics()).toContain(
      'apiserver_crd_conversion_webhook_duration_seconds_count{crd_name="things.example.com",from_version="v1",to_version="v2",succeeded="true"} 1',
    )
  })

  it.each<[string, string, Parameters<typeof hooks.on>[1]]>([
    ['success', '', ({ body }) => success(body.request.objects.map((one: Thing) => convert(one, body.request)))],
    ['failure', 'call', () => ({ http: 503, text: '' })],
    ['failure', 'malformed_response', () => ({})],
    ['failure', 'partial_response', () => success([])],
    ['failure', 'invalid_converted_object', ({ body }) => success(body.request.objects)],
  ])('is counted as a %s (%s)', async (result, failure, answer) => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    hooks.on('/convert', answer)
    await client.get(V2, key('a')).catch(() => undefined)
    const type = failure === '' ? '' : `conversion_webhook_${failure}_failure`
    const text = await running.metrics.metrics()
    const labels = `{result="${result}",failure_type="${type}"}`
    expect(text).toContain(`apiserver_conversion_webhook_request_total${labels} 1`)
    expect(text).toContain(`apiserver_conversion_webhook_duration_seconds_count${labels} 1`)
  })

  it('serves tables and deletes in every version', async () => {
    await client.create(V1, thing('v1', 'a', { size: 1 }))
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
    const { body } = await client.raw({ method: 'GET', path: '/apis/example.com/v2/things', headers })
    expect((body as { rows: { cells: unknown[] }[] }).rows[0]?.cells[0]).toBe('a')
    await client.delete(V2, key('a'))
    expect((await client.list(V1)).items).toEqual([])
  })
})
