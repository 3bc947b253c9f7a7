import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { installOwnCrds } from '#crds/index.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { HELM_CHARTS } from '#machinery/api/helm/v1/resources.ts'
import { ADDONS } from '#machinery/api/k3s/v1/resources.ts'
import type { Addon } from '#machinery/api/k3s/v1/types.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isConflict, isInvalid, isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { CrdServer } from './crd-server.ts'
import { createEstablished, eventually, isEstablished, makeCrd, startCrdServer } from './crd-server.ts'

interface Thing extends KubeObject {
  spec?: Record<string, unknown>
  status?: Record<string, unknown>
}

const THINGS: Resource<Thing> = {
  group: 'example.com',
  version: 'v1',
  resource: 'things',
  kind: 'Thing',
  namespaced: true,
}
const thing = (members: object = {}, name = 'a'): Thing => ({
  apiVersion: 'example.com/v1',
  kind: 'Thing',
  metadata: { name, namespace: 'default' },
  ...members,
})
const KEY = { namespace: 'default', name: 'a' }

const SCHEMA = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: { size: { type: 'integer', minimum: 1 }, color: { type: 'string', default: 'red' } },
    },
    status: { type: 'object', properties: { ready: { type: 'integer' }, selector: { type: 'string' } } },
  },
}

let running: CrdServer
let client: Client

beforeEach(async () => {
  running = await startCrdServer()
  client = running.client
})
afterEach(() => running.stop())

function messageOf(err: unknown): string {
  return isStatusError(err) ? (err.status.message ?? '') : String(err)
}

const update = (crd: CustomResourceDefinition) => client.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
const currentCrd = async () =>
  deepCopy<CustomResourceDefinition>(await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name: 'things.example.com' }))

describe('x-kubernetes-validations', () => {
  const withRules = (...rules: string[]) => {
    const numbers = { x: { type: 'integer' }, list: { type: 'array', items: { type: 'integer' } } }
    const validations = rules.map((rule) => ({ rule }))
    const spec = { type: 'object', properties: numbers, 'x-kubernetes-validations': validations }
    return makeCrd({ version: { schema: { openAPIV3Schema: { type: 'object', properties: { spec } } } } })
  }

  it('decide about creates and updates, transitions included', async () => {
    await createEstablished(client, withRules('self.x > 0', 'self.x >= oldSelf.x'))
    const refused = await client.create(THINGS, thing({ spec: { x: 0 } })).catch((err: unknown) => err)
    expect(isInvalid(refused)).toBe(true)
    expect(messageOf(refused)).toBe('Thing.example.com "a" is invalid: spec: Invalid value: failed rule: self.x > 0')
    await client.create(THINGS, thing({ spec: { x: 5 } }))
    const lower = { type: 'merge', body: { spec: { x: 4 } } } as const
    const back = await client.patch(THINGS, KEY, lower).catch((err: unknown) => err)
    expect(messageOf(back)).toContain('failed rule: self.x >= oldSelf.x')
    await client.patch(THINGS, KEY, { type: 'merge', body: { spec: { x: 6 } } })
  })

  it.each([
    ['self.z == 1', "undefined field 'z'"],
    ['self = 42', 'Syntax error: token recognition error'],
    ['self.list.all(a, self.list.all(b, self.list.all(c, a + b == c)))', 'estimated rule cost exceeds budget'],
  ])('are refused with the definition: %s', async (rule, problem) => {
    const refused = await client.create(CUSTOM_RESOURCE_DEFINITIONS, withRules(rule)).catch((err: unknown) => err)
    expect(isInvalid(refused)).toBe(true)
    expect(messageOf(refused)).toContain(problem)
  })
})

describe('a CustomResourceDefinition', () => {
  it('is served and in discovery when Established says so', async () => {
    const names = { shortNames: ['th'], categories: ['all'] }
    const crd = await createEstablished(client, makeCrd({ names, version: { subresources: { status: {} } } }))
    expect(crd.status?.acceptedNames).toEqual({
      plural: 'things',
      singular: 'thing',
      kind: 'Thing',
      listKind: 'ThingList',
      shortNames: ['th'],
      categories: ['all'],
    })
    expect(crd.status?.storedVersions).toEqual(['v1'])
    expect(crd.status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['NamesAccepted', 'True', 'NoConflicts'],
      ['Established', 'True', 'InitialNamesAccepted'],
    ])
    const { body } = await client.raw({ method: 'GET', path: '/apis/example.com/v1' })
    const { resources } = body as { resources: { name: string; shortNames?: string[]; categories?: string[] }[] }
    expect(resources.map(({ name }) => name)).toEqual(['things', 'things/status'])
    expect(resources[0]).toMatchObject({ singularName: 'thing', kind: 'Thing', ...names })
    await client.create(THINGS, thing({ anything: 1 }))
  })

  it('is not in the discovery of a version that the server has built in', async () => {
    const annotations = { 'api-approved.kubernetes.io': 'unapproved, test-only' }
    const { spec } = makeCrd({ names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' } })
    const metadata = { name: 'foos.apiextensions.k8s.io', annotations }
    await createEstablished(client, { ...makeCrd(), metadata, spec: { ...spec, group: 'apiextensions.k8s.io' } })
    const { body } = await client.raw({ method: 'GET', path: '/apis/apiextensions.k8s.io/v1' })
    const names = (body as { resources: { name: string }[] }).resources.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['customresourcedefinitions']))
    expect(names).not.toContain('foos')
    expect((await client.raw({ method: 'GET', path: '/apis/apiextensions.k8s.io/v1/foos' })).status).toBe(200)
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name: metadata.name })
  })

  it('is refused with every error at once', async () => {
    const crd = makeCrd({ schema: { type: 'object', properties: { a: {} } }, names: { shortNames: ['X_'] } })
    const err: unknown = await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd).catch((err: unknown) => err)
    expect(isInvalid(err) && isStatusError(err) && err.status.details?.causes?.map((cause) => cause.field)).toEqual([
      'spec.names.shortNames[0]',
      'spec.validation.openAPIV3Schema.properties[a].type',
    ])
  })

  it('waits for a name that is taken and gets it when it becomes free', async () => {
    await createEstablished(client, makeCrd())
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, makeCrd({ kind: 'Other', names: { shortNames: ['thing'] } }))
    const others = () => client.get(CUSTOM_RESOURCE_DEFINITIONS, { name: 'others.example.com' })
    await eventually(async () => {
      expect((await others()).status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
        ['NamesAccepted', 'False', 'ShortNamesConflict'],
        ['Established', 'False', 'NotAccepted'],
      ])
    })
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name: 'things.example.com' })
    await eventually(async () => expect(await isEstablished(client, 'others.example.com')).toBe(true))
  })

  it('keeps its status from clients and its group from everybody', async () => {
    await createEstablished(client, makeCrd())
    const crd = await currentCrd()
    crd.status = { storedVersions: ['v9'] }
    crd.spec.names.categories = ['all']
    expect((await update(crd)).status?.storedVersions).toEqual(['v1'])
    const moved = await currentCrd()
    moved.spec.scope = 'Cluster'
    await expect(update(moved)).rejects.toSatisfy(isInvalid)
  })
})

describe('custom resources', () => {
  it('are pruned, defaulted and validated with upstream texts', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    const created = await client.create(THINGS, thing({ spec: { size: 2, bogus: 1 } }))
    expect(created.spec).toEqual({ size: 2, color: 'red' })
    expect(created.metadata.generation).toBe(1)
    const bad: unknown = await client.create(THINGS, thing({ spec: { size: 'x' } }, 'b')).catch((err: unknown) => err)
    expect(messageOf(bad)).toBe(
      'Thing.example.com "b" is invalid: spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
    )
    const missing: unknown = await client.create(THINGS, thing({ spec: {} }, 'b')).catch((err: unknown) => err)
    expect(messageOf(missing)).toBe('Thing.example.com "b" is invalid: spec.size: Required value')
  })

  it('report unknown fields when asked strictly', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    const strict: unknown = await client
      .create(THINGS, thing({ spec: { size: 2, bogus: 1 } }), { fieldValidation: 'Strict' })
      .catch((err: unknown) => err)
    expect(messageOf(strict)).toContain('strict decoding error: unknown field "spec.bogus"')
  })

  it('bump generation for everything but metadata', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    const labelled = await client.patch(THINGS, KEY, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
    expect(labelled.metadata.generation).toBe(1)
    const resized = await client.patch(THINGS, KEY, {
      type: 'merge',
      body: { spec: { size: 2 }, status: { ready: 1 } },
    })
    expect(resized).toMatchObject({ metadata: { generation: 2 }, status: { ready: 1 } })
  })

  it('keep status apart when the subresource is on', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA, version: { subresources: { status: {} } } }))
    const created = await client.create(THINGS, thing({ spec: { size: 1 }, status: { ready: 1 } }))
    expect(created.status).toBeUndefined()
    const draft = deepCopy<Thing>(created)
    draft.spec = { size: 9 }
    draft.metadata.labels = { a: 'b' }
    draft.status = { ready: 2 }
    const written = await client.update(THINGS, draft, { subresource: 'status' })
    expect(written).toMatchObject({ spec: { size: 1 }, status: { ready: 2 }, metadata: { generation: 1 } })
    expect(written.metadata.labels).toBeUndefined()
    const resized = await client.patch(THINGS, KEY, {
      type: 'merge',
      body: { spec: { size: 2 }, status: { ready: 3 } },
    })
    expect(resized).toMatchObject({ status: { ready: 2 }, metadata: { generation: 2 } })
    const bad: unknown = await client
      .patch(THINGS, KEY, { type: 'merge', body: { status: { ready: 'x' } } }, { subresource: 'status' })
      .catch((err: unknown) => err)
    expect(messageOf(bad)).toContain(
      'status.ready: Invalid value: "string": ready in body must be of type integer: "string"',
    )
  })

  it('have a scale', async () => {
    const scale = {
      specReplicasPath: '.spec.size',
      statusReplicasPath: '.status.ready',
      labelSelectorPath: '.status.selector',
    }
    await createEstablished(client, makeCrd({ schema: SCHEMA, version: { subresources: { status: {}, scale } } }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    await client.patch(
      THINGS,
      KEY,
      { type: 'merge', body: { status: { ready: 1, selector: 'a=b' } } },
      { subresource: 'status' },
    )
    await client.patch(THINGS, KEY, { type: 'merge', body: { spec: { replicas: 5 } } }, { subresource: 'scale' })
    const shown = await client.get(THINGS, KEY, { subresource: 'scale' })
    expect(shown).toMatchObject({ kind: 'Scale', spec: { replicas: 5 }, status: { replicas: 1, selector: 'a=b' } })
    expect((await client.get(THINGS, KEY)).spec).toMatchObject({ size: 5 })
  })

  it('must name the version they replace', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    const created = await client.create(THINGS, thing({ spec: { size: 1 } }))
    await expect(client.update(THINGS, thing({ spec: { size: 2 } }))).rejects.toSatisfy(isInvalid)
    await client.patch(THINGS, KEY, { type: 'merge', body: { spec: { size: 3 } } })
    await expect(client.update(THINGS, created)).rejects.toSatisfy(isConflict)
  })

  it('can be selected by the fields the CRD names', async () => {
    await createEstablished(
      client,
      makeCrd({ schema: SCHEMA, version: { selectableFields: [{ jsonPath: '.spec.color' }] } }),
    )
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    await client.create(THINGS, thing({ spec: { size: 1, color: 'blue' } }, 'b'))
    const list = await client.list(THINGS, { namespace: 'default', fieldSelector: 'spec.color=blue' })
    expect(list.items.map((item) => item.metadata.name)).toEqual(['b'])
  })

  it('are shown by the printer columns', async () => {
    const columns = [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }]
    await createEstablished(client, makeCrd({ schema: SCHEMA, version: { additionalPrinterColumns: columns } }))
    await client.create(THINGS, thing({ spec: { size: 7 } }))
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const path = '/apis/example.com/v1/namespaces/default/things'
    const { body } = await client.raw({ method: 'GET', path, headers: { accept } })
    expect(body).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name' }, { name: 'Size' }],
      rows: [{ cells: ['a', 7] }],
    })
  })

  it('are not patched strategically', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    const err: unknown = await client.patch(THINGS, KEY, { type: 'strategic', body: {} }).catch((err: unknown) => err)
    expect(isStatusError(err) && err.code).toBe(415)
  })
})

describe('a changed CustomResourceDefinition', () => {
  it('serves by the new schema at once and drops no object', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    const crd = await currentCrd()
    const schema = deepCopy(SCHEMA) as typeof SCHEMA & { properties: { spec: { properties: Record<string, object> } } }
    schema.properties.spec.properties['extra'] = { type: 'string' }
    Object.assign(crd.spec.versions[0] ?? {}, { schema: { openAPIV3Schema: schema } })
    await update(crd)
    await eventually(async () => {
      const patched = await client.patch(THINGS, KEY, { type: 'merge', body: { spec: { extra: 'x' } } })
      expect(patched.spec).toEqual({ size: 1, color: 'red', extra: 'x' })
    })
  })

  // The presenter of apiserver/endpoints does not ask fromStorage for the storage version yet.
  it('shows new defaults on stored objects', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    const crd = await currentCrd()
    const schema = structuredClone(SCHEMA)
    Object.assign(schema.properties.spec.properties, { added: { type: 'string', default: 'new' } })
    Object.assign(crd.spec.versions[0] ?? {}, { schema: { openAPIV3Schema: schema } })
    await update(crd)
    await eventually(async () => expect((await client.get(THINGS, KEY)).spec).toMatchObject({ added: 'new' }))
  })

  it('warns of deprecated versions and names the one to use', async () => {
    const crd = makeCrd({
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SCHEMA } },
        { name: 'v1beta1', served: true, storage: false, deprecated: true, schema: { openAPIV3Schema: SCHEMA } },
      ],
    })
    await createEstablished(client, crd)
    const { headers } = await running.server.dispatch({
      method: 'GET',
      path: '/apis/example.com/v1beta1/things',
      query: '',
      headers: {},
      body: undefined,
      remoteAddress: '',
      peerCertificate: undefined,
      user: { name: 'a', uid: '', groups: [], extra: new Map() },
      signal: new AbortController().signal,
    })
    expect(String(headers['warning'])).toBe('299 - "example.com/v1beta1 Thing is deprecated; use example.com/v1 Thing"')
  })

  it('shows objects in every version it serves', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    const crd = await currentCrd()
    const v2 = {
      name: 'v2',
      served: true,
      storage: false,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: { spec: { type: 'object', properties: { size: { type: 'integer', maximum: 5 } } } },
        },
      },
    }
    crd.spec.versions.push(v2)
    await update(crd)
    const second = { ...THINGS, version: 'v2' }
    await eventually(async () => {
      expect(await client.get(second, KEY)).toMatchObject({ apiVersion: 'example.com/v2', spec: { size: 1 } })
    })
    expect((await client.get(second, KEY)).spec).toEqual({ size: 1 })
    const tooLarge = { ...thing({ spec: { size: 6 } }, 'b'), apiVersion: 'example.com/v2' }
    const err: unknown = await client.create(second, tooLarge).catch((err: unknown) => err)
    expect(messageOf(err)).toContain('spec.size in body should be less than or equal to 5')
    await client.create(second, { ...tooLarge, spec: { size: 5 } })
    expect(await client.get(THINGS, { namespace: 'default', name: 'b' })).toMatchObject({
      apiVersion: 'example.com/v1',
      spec: { size: 5 },
    })
  })

  it('are an error in a version whose conversion webhook cannot be reached', async () => {
    const webhook = { clientConfig: { url: 'https://127.0.0.1:1/convert' }, conversionReviewVersions: ['v1'] }
    const crd = makeCrd({
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SCHEMA } },
        { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: SCHEMA } },
      ],
    })
    crd.spec.conversion = { strategy: 'Webhook', webhook }
    await createEstablished(client, crd)
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    const err: unknown = await client.get({ ...THINGS, version: 'v2' }, KEY).catch((err: unknown) => err)
    expect(isStatusError(err) && err.code).toBe(500)
    expect(messageOf(err)).toBe(
      'conversion webhook for example.com/v1, Kind=Thing failed: Post "https://127.0.0.1:1/convert?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused',
    )
  })
})

describe('a deleted CustomResourceDefinition', () => {
  const name = 'things.example.com'

  it('takes its objects with it', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    await client.create(THINGS, thing({ spec: { size: 1 }, metadata: { name: 'a', namespace: 'other' } }))
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name })
    await eventually(async () => {
      const err: unknown = await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name }).catch((err: unknown) => err)
      expect(isNotFound(err)).toBe(true)
    })
    await eventually(() => expect(client.list(THINGS)).rejects.toSatisfy(isNotFound))
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    expect((await client.list(THINGS)).items).toEqual([])
  })

  it('waits for the finalizers of its objects and lets nobody create more', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(
      THINGS,
      thing({ spec: { size: 1 }, metadata: { name: 'a', namespace: 'default', finalizers: ['example.com/x'] } }),
    )
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name })
    await eventually(async () => {
      const { status } = await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name })
      expect(status?.conditions?.at(-1)).toMatchObject({ type: 'Terminating', reason: 'InstanceDeletionInProgress' })
      expect((await client.get(THINGS, KEY)).metadata.deletionTimestamp).toBeDefined()
    })
    const err: unknown = await client.create(THINGS, thing({ spec: { size: 1 } }, 'b')).catch((err: unknown) => err)
    expect(isStatusError(err) && err.code).toBe(405)
    await client.patch(THINGS, KEY, { type: 'merge', body: { metadata: { finalizers: null } } })
    await eventually(() => expect(client.get(CUSTOM_RESOURCE_DEFINITIONS, { name })).rejects.toSatisfy(isNotFound))
  })
})

describe('after a restart', () => {
  it('existing custom resources are served before ready', async () => {
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await client.create(THINGS, thing({ spec: { size: 1 } }))
    await running.stop()
    running = await startCrdServer({ storage: running.storage })
    expect((await running.client.get(THINGS, KEY)).spec).toEqual({ size: 1, color: 'red' })
  })
})

describe('a CustomResourceDefinition of a built-in resource', () => {
  it('is established, never served, and leaves the stored objects alone when it goes', async () => {
    await running.stop()
    running = await startCrdServer({ isBuiltIn: (group, resource) => group === 'example.com' && resource === 'things' })
    client = running.client
    await createEstablished(client, makeCrd({ schema: SCHEMA }))
    await expect(client.list(THINGS)).rejects.toSatisfy(isNotFound)
    const name = 'things.example.com'
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name })
    await eventually(() => expect(client.get(CUSTOM_RESOURCE_DEFINITIONS, { name })).rejects.toSatisfy(isNotFound))
  })
})

describe("knarr's own CustomResourceDefinitions", () => {
  const revisions = async (): Promise<(string | undefined)[]> => {
    const { items } = await client.list(CUSTOM_RESOURCE_DEFINITIONS)
    return items.map(({ metadata }) => metadata.resourceVersion)
  }
  const allEstablished = () =>
    eventually(async () => {
      const { items } = await client.list(CUSTOM_RESOURCE_DEFINITIONS)
      const names = items.map(({ metadata }) => metadata.name ?? '')
      expect(await Promise.all(names.map((name) => isEstablished(client, name)))).toEqual([true, true, true])
    })

  it('are installed once and brought up to date when they differ', async () => {
    await installOwnCrds(client)
    await allEstablished()
    const before = await revisions()
    await installOwnCrds(client)
    expect(await revisions()).toEqual(before)
    const crd = deepCopy<CustomResourceDefinition>(
      await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name: 'addons.k3s.cattle.io' }),
    )
    crd.spec.names.categories = ['mine']
    await update(crd)
    await installOwnCrds(client)
    const restored = await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name: 'addons.k3s.cattle.io' })
    expect(restored.spec.names.categories).toBeUndefined()
  })

  it('take what their types say', async () => {
    await installOwnCrds(client)
    await allEstablished()
    const metadata = { name: 'a', namespace: 'kube-system' }
    const chart = await client.create(
      HELM_CHARTS,
      {
        apiVersion: 'helm.cattle.io/v1',
        kind: 'HelmChart',
        metadata,
        spec: {
          chart: 'x',
          set: { a: 1, b: 'c' },
          values: { any: { thing: [1] } },
          valuesSecrets: [{ name: 's', keys: ['k'] }],
        },
      },
      { fieldValidation: 'Strict' },
    )
    expect(chart.spec?.values).toEqual({ any: { thing: [1] } })
    const addon = await client.create(ADDONS, {
      apiVersion: 'k3s.cattle.io/v1',
      kind: 'Addon',
      metadata,
      spec: { source: '/a' },
    })
    const status = { observedChecksum: 'c', lastError: { message: 'm', documentIndex: 0, line: 1 }, inventory: [] }
    const written = await client.update(
      ADDONS,
      { ...deepCopy<Addon>(addon), status },
      { subresource: 'status', fieldValidation: 'Strict' },
    )
    expect(written.status).toEqual(status)
  })
})
