import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isInvalid, isStatusError } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { CrdServer, Thing } from './crd-server.ts'
import { createEstablished, eventually, makeCrd, startCrdServer, things } from './crd-server.ts'

const OLD = things('v1')
const STORED = things('v2')
const KEY = { namespace: 'default', name: 'a' }
const COLLECTION = '/apis/example.com/v1/things'
const thing = (members: object = {}, version = 'v1'): Thing => ({
  apiVersion: `example.com/${version}`,
  kind: 'Thing',
  metadata: { name: 'a', namespace: 'default' },
  ...members,
})

const text = (value?: string) => (value === undefined ? { type: 'string' } : { type: 'string', default: value })
const schemaOf = (members: object) => {
  const part = { type: 'object', properties: { count: { type: 'integer' }, amount: { type: 'integer' }, ...members } }
  const status = { type: 'object', properties: { ...part.properties, now: { type: 'integer' }, labels: text() } }
  return { openAPIV3Schema: { type: 'object', properties: { spec: part, status } } }
}

const scaleBy = (path: string) => ({
  specReplicasPath: `.spec.${path}`,
  statusReplicasPath: '.status.now',
  labelSelectorPath: `.status.labels`,
})

/** v1 defaults `mine`, v2, which is stored, `stored`. */
const versions = () => [
  {
    name: 'v1',
    served: true,
    storage: false,
    schema: schemaOf({ mine: text('v1'), stored: text(), color: text() }),
    subresources: { status: {}, scale: scaleBy('count') },
    selectableFields: [{ jsonPath: '.spec.color' }],
  },
  {
    name: 'v2',
    served: true,
    storage: true,
    schema: schemaOf({ mine: text(), stored: text('v2'), color: text('red') }),
    subresources: { scale: scaleBy('amount') },
  },
]

let running: CrdServer
let client: Client

beforeEach(async () => {
  running = await startCrdServer()
  client = running.client
  await createEstablished(client, makeCrd({ versions: versions() }))
})
afterEach(() => running.stop())

async function changeCrd(change: (crd: CustomResourceDefinition) => void): Promise<void> {
  const name = 'things.example.com'
  const crd = deepCopy<CustomResourceDefinition>(await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name }))
  change(crd)
  await client.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
}

async function codeOf(failing: Promise<unknown>): Promise<number | undefined> {
  const err: unknown = await failing.catch((err: unknown) => err)
  return isStatusError(err) ? err.code : undefined
}

const mergePatch = (body: object) => ({ type: 'merge', body }) as const

describe('versions of a custom resource', () => {
  it('fill in their defaults on writes; on reads the stored version does', async () => {
    const created = await client.create(OLD, thing({ spec: {} }))
    expect(created.spec).toEqual({ mine: 'v1', stored: 'v2', color: 'red' })
    await client.delete(OLD, KEY)
    await client.create(STORED, thing({ spec: {} }, 'v2'))
    expect((await client.get(OLD, KEY)).spec).toEqual({ stored: 'v2', color: 'red' })
    const patched = await client.patch(OLD, KEY, mergePatch({ status: { count: 1 } }), { subresource: 'status' })
    expect(patched).toMatchObject({ spec: { stored: 'v2', color: 'red' }, status: { count: 1, mine: 'v1' } })
    expect(patched.spec).not.toHaveProperty('mine')
  })

  it('have subresources of their own, status first', async () => {
    const names = async (version: string): Promise<string[]> => {
      const { body } = await client.raw({ method: 'GET', path: `/apis/example.com/${version}` })
      return (body as { resources: { name: string }[] }).resources.map(({ name }) => name)
    }
    expect(await names('v1')).toEqual(['things', 'things/status', 'things/scale'])
    expect(await names('v2')).toEqual(['things', 'things/scale'])
    await client.create(STORED, thing({ spec: { count: 1, amount: 2 }, status: { now: 3 } }, 'v2'))
    const replicas = async (resource: Resource<Thing>) => {
      const scale = await client.get(resource, KEY, { subresource: 'scale' })
      return [scale.spec?.['replicas'], scale.status?.['replicas']]
    }
    expect([await replicas(OLD), await replicas(STORED)]).toEqual([
      [1, 3],
      [2, 3],
    ])
    await client.patch(OLD, KEY, mergePatch({ spec: { replicas: 5 } }), { subresource: 'scale' })
    expect((await client.get(STORED, KEY)).spec).toMatchObject({ count: 5, amount: 2 })
    expect(await codeOf(client.get(STORED, KEY, { subresource: 'status' }))).toBe(404)
  })

  it('can be selected by what they name, as they show it', async () => {
    await client.create(OLD, thing())
    await client.patch(OLD, KEY, mergePatch({ spec: {} }))
    const found = await client.list(OLD, { fieldSelector: 'spec.color=red' })
    expect(found.items).toHaveLength(1)
    expect(await codeOf(client.list(STORED, { fieldSelector: 'spec.color=red' }))).toBe(400)
  })

  it('check apiVersion although it never seems to change', async () => {
    await client.create(OLD, thing())
    await changeCrd((crd) => {
      for (const { schema } of crd.spec.versions) {
        const { properties } = (schema?.openAPIV3Schema ?? {}) as { properties?: Record<string, object> }
        Object.assign(properties ?? {}, { apiVersion: { type: 'string', pattern: '/v1$' } })
      }
    })
    await eventually(() => expect(client.patch(STORED, KEY, mergePatch({ spec: {} }))).rejects.toSatisfy(isInvalid))
    await client.patch(OLD, KEY, mergePatch({ spec: { color: 'blue' } }))
  })
})

describe('requests to a custom resource', () => {
  it('that need a namespace and have none ask for nothing that exists', async () => {
    const body = thing()
    const status = async (method: 'GET' | 'POST' | 'DELETE'): Promise<number> => {
      const request = { method, path: COLLECTION, ...(method === 'POST' ? { body } : {}) }
      return (await client.raw(request)).status
    }
    expect([await status('POST'), await status('DELETE'), await status('GET')]).toEqual([404, 404, 200])
  })

  it('are refused when they bring another kind', async () => {
    const err: unknown = await client.create(OLD, { ...thing(), kind: 'Other' }).catch((err: unknown) => err)
    expect(isStatusError(err) && err.status.message).toBe(
      'Other.example.com "a" is invalid: kind: Invalid value: "Other": must be Thing',
    )
  })

  it('do not patch its scale strategically', async () => {
    await client.create(OLD, thing())
    const patch = { type: 'strategic', body: { spec: { replicas: 1 } } } as const
    expect(await codeOf(client.patch(OLD, KEY, patch, { subresource: 'scale' }))).toBe(415)
  })
})

describe('watches of a custom resource', () => {
  it('end when its definition changes, and go on by the new one', async () => {
    const { metadata } = await client.create(OLD, thing())
    const watched = async (): Promise<Thing[]> => {
      const seen: Thing[] = []
      const { resourceVersion = '' } = metadata
      for await (const { object } of client.watch(OLD, { resourceVersion })) seen.push(object as Thing)
      return seen
    }
    const first = watched()
    await client.patch(OLD, KEY, mergePatch({ spec: {} }))
    await changeCrd((crd) => {
      crd.spec.versions = crd.spec.versions.map((version) => ({
        ...version,
        schema: schemaOf({ mine: text('new'), color: text() }),
      }))
    })
    expect((await first).map(({ spec }) => spec)).toEqual([{ mine: 'v1', stored: 'v2', color: 'red' }])
    const second = watched()
    await changeCrd((crd) => {
      crd.spec.versions = crd.spec.versions.filter(({ name }) => name === 'v2' || name === 'v1').toReversed()
    })
    expect((await second).map(({ spec }) => spec)).toEqual([{ mine: 'v1' }])
  })

  it('go on when only its labels change', async () => {
    const abort = new AbortController()
    const seen: string[] = []
    const watching = (async () => {
      for await (const { type } of client.watch(OLD, { signal: abort.signal })) seen.push(type)
    })()
    await client.create(OLD, thing())
    await eventually(() => expect(seen).toEqual(['ADDED']))
    await changeCrd((crd) => {
      crd.metadata.labels = { a: 'b' }
    })
    await client.patch(OLD, KEY, mergePatch({ spec: {} }))
    await eventually(() => expect(seen).toEqual(['ADDED', 'MODIFIED']))
    abort.abort()
    await watching
  })
})
