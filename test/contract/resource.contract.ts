/**
 * What every stored resource must do, whatever its kind. Run over each registered kind by resource.test.ts.
 * `makeObject` gives a minimal valid object; names are unique per call.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import type { ResourceDefinition } from '#apiserver/registry/generic/interfaces.ts'
import type { ApiServer } from '#apiserver/server/interfaces.ts'
import type { KubeObject, Status, WatchEvent } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { isAlreadyExists, isConflict, isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import { resourcePath } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface ResourceContractSpec {
  readonly definition: ResourceDefinition
  /** Default: the storage version. */
  readonly version?: string
  makeObject(name: string): KubeObject
  start(): Promise<ApiServer> | ApiServer
  /** Names of this kind are not DNS subdomains with a counter in them: the tests that make names up are left out. */
  readonly hasFixedNames?: boolean
}

const NAMESPACE = 'contract'

export function resourceContract(spec: ResourceContractSpec): void {
  const { definition } = spec
  const version = spec.version ?? definition.storageVersion
  const resource: Resource = {
    group: definition.group,
    version,
    resource: definition.resource,
    kind: definition.kind,
    namespaced: definition.namespaced,
  }
  const inNamespace = definition.namespaced ? { namespace: NAMESPACE } : {}
  let client: Client
  let counter = 0

  const named = (object: KubeObject): KubeObject => {
    object.metadata = { ...object.metadata, ...inNamespace }
    return object
  }
  const fresh = (): KubeObject => named(spec.makeObject(`object-${++counter}`))
  const keyOf = (object: DeepReadonly<KubeObject>) => ({ ...inNamespace, name: object.metadata.name ?? '' })
  const create = (object = fresh()) => client.create(resource, object)
  const get = (object: DeepReadonly<KubeObject>) => client.get(resource, keyOf(object))
  const annotate = (value: string) =>
    ({ type: 'merge', body: { metadata: { annotations: { contract: value } } } }) as const

  describe(`${definition.resource}.${definition.group} ${version}`, () => {
    beforeAll(async () => {
      client = (await spec.start()).loopbackClient
    })

    it('gives a created object its identity and shows it to get and list', async () => {
      const created = await create()
      expect(created).toMatchObject({
        kind: definition.kind,
        metadata: {
          creationTimestamp: expect.any(String),
          uid: expect.any(String),
          resourceVersion: expect.stringMatching(/^[0-9]+$/),
        },
      })
      expect(await get(created)).toEqual(created)
      const { items } = await client.list(resource, inNamespace)
      expect(items).toContainEqual(created)
    })

    it('refuses a second object of the same name', async () => {
      const created = await create()
      const again = named(spec.makeObject(created.metadata.name ?? ''))
      await expect(create(again)).rejects.toSatisfy(isAlreadyExists)
    })

    it.skipIf(spec.hasFixedNames)('generates names', async () => {
      const object = fresh()
      delete object.metadata.name
      object.metadata.generateName = 'generated-'
      const [first, second] = [await create(deepCopy(object)), await create(deepCopy(object))]
      expect(first.metadata.name).toMatch(/^generated-[a-z0-9]{5}$/)
      expect(second.metadata.name).not.toBe(first.metadata.name)
    })

    it('updates what was read last and answers Conflict to what is older', async () => {
      const first = await create()
      const second = deepCopy<KubeObject>(first)
      second.metadata.labels = { changed: 'yes' }
      const updated = await client.update(resource, second)
      expect(updated.metadata.labels).toEqual({ changed: 'yes' })
      expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion))
      const stale = deepCopy<KubeObject>(first)
      stale.metadata.labels = { changed: 'no' }
      await expect(client.update(resource, stale)).rejects.toSatisfy(isConflict)
    })

    it('writes nothing when an update changes nothing', async () => {
      const created = await create()
      expect(await client.update(resource, deepCopy<KubeObject>(created))).toEqual(created)
    })

    it('keeps identity through an update', async () => {
      const created = await create()
      const changed = deepCopy<KubeObject>(created)
      changed.metadata.creationTimestamp = '2001-01-01T00:00:00Z'
      changed.metadata.labels = { a: 'b' }
      const { creationTimestamp, uid } = (await client.update(resource, changed)).metadata
      expect({ creationTimestamp, uid }).toEqual({
        creationTimestamp: created.metadata.creationTimestamp,
        uid: created.metadata.uid,
      })
    })

    it('applies merge and JSON patches', async () => {
      const created = await create()
      const merged = await client.patch(resource, keyOf(created), annotate('merged'))
      expect(merged.metadata.annotations).toMatchObject({ contract: 'merged' })
      const patched = await client.patch(resource, keyOf(created), {
        type: 'json',
        body: [{ op: 'replace', path: '/metadata/annotations/contract', value: 'patched' }],
      })
      expect(patched.metadata.annotations).toMatchObject({ contract: 'patched' })
    })

    it('lets concurrent patches all win', async () => {
      const created = await create()
      const bodies = Array.from({ length: 10 }, (_, i) => ({ metadata: { labels: { [`l${i}`]: 'x' } } }))
      await Promise.all(bodies.map((body) => client.patch(resource, keyOf(created), { type: 'merge', body })))
      const expected = Object.assign({}, ...bodies.map(({ metadata }) => metadata.labels))
      expect((await get(created)).metadata.labels).toMatchObject(expected)
    })

    it('changes nothing on a dry run', async () => {
      const object = fresh()
      await client.create(resource, object, { dryRun: true })
      await expect(get(object)).rejects.toSatisfy(isNotFound)
      const created = await create()
      const shown = await client.patch(resource, keyOf(created), annotate('dry'), { dryRun: true })
      expect(shown.metadata.annotations).toMatchObject({ contract: 'dry' })
      await client.delete(resource, keyOf(created), { dryRun: true })
      expect(await get(created)).toEqual(created)
    })

    it('waits for finalizers before an object goes', async () => {
      const object = fresh()
      object.metadata.finalizers = ['example.com/hold']
      const created = await create(object)
      await client.delete(resource, keyOf(created), { gracePeriodSeconds: 0 })
      expect((await get(created)).metadata.deletionTimestamp).toEqual(expect.any(String))
      await client.patch(resource, keyOf(created), { type: 'merge', body: { metadata: { finalizers: null } } })
      await expect(get(created)).rejects.toSatisfy(isNotFoundOrStillFinalizing(definition))
    })

    it('deletes only what the preconditions name', async () => {
      const created = await create()
      const wrong = client.delete(resource, keyOf(created), { preconditions: { uid: 'another' } })
      await expect(wrong).rejects.toSatisfy(isConflict)
      expect(await get(created)).toEqual(created)
    })

    it('sends what happens to a watcher, in order', async () => {
      const { metadata } = await client.list(resource, inNamespace)
      const stop = new AbortController()
      const seen: string[] = []
      const created = await create()
      await client.patch(resource, keyOf(created), annotate('watched'))
      const options = { ...inNamespace, resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal }
      for await (const event of client.watch(resource, options) as AsyncIterable<WatchEvent>) {
        if (event.object.metadata.name !== created.metadata.name) continue
        seen.push(event.type)
        if (seen.length === 2) stop.abort()
      }
      expect(seen).toEqual(['ADDED', 'MODIFIED'])
    })

    it('shows itself as a table', async () => {
      const created = await create()
      const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
      const { body } = await client.raw({ method: 'GET', path: resourcePath(resource, keyOf(created)), headers })
      expect(body).toMatchObject({
        kind: 'Table',
        rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: created.metadata.name } } }],
      })
      const { columnDefinitions, rows } = body as { columnDefinitions: unknown[]; rows: { cells: unknown[] }[] }
      expect(rows[0]?.cells).toHaveLength(columnDefinitions.length)
    })

    it('reports unknown fields, refusing them when strict', async () => {
      const object = { ...fresh(), nonsense: 1 }
      const strict = client.create(resource, object, { fieldValidation: 'Strict' })
      await expect(strict).rejects.toSatisfy((err) => isStatusError(err) && (err.status as Status).code === 400)
      expect(await create(object)).not.toHaveProperty('nonsense')
    })
  })
}

/** Kinds with finalizers of their own (Namespace's spec.finalizers) stay a little longer. */
function isNotFoundOrStillFinalizing(definition: ResourceDefinition): (err: unknown) => boolean {
  return (err) => isNotFound(err) || definition.strategy.hasPendingFinalization !== undefined
}
