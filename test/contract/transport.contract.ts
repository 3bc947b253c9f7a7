/** What a Client may rely on, whichever transport is underneath: the in-process one and HTTP are held to the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

export interface TransportUnderTest {
  readonly client: Client
  close(): Promise<void>
}

const configMap = (name: string, data: Record<string, string> = { a: '1' }): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', labels: { name } },
  data,
})

export function transportContract(name: string, open: (plane: TestControlPlane) => Promise<TransportUnderTest>): void {
  describe(`transport contract: ${name}`, () => {
    let plane: TestControlPlane
    let transport: TransportUnderTest
    let client: Client
    beforeAll(async () => {
      plane = await startTestControlPlane()
      transport = await open(plane)
      client = transport.client
    })
    afterAll(async () => {
      await transport.close()
      await plane.stop()
    })

    it('creates, reads, changes and deletes', async () => {
      const created = await client.create(CONFIG_MAPS, configMap('crud'))
      expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
      const draft = deepCopy<ConfigMap>(created)
      draft.data = { a: '2' }
      const updated = await client.update(CONFIG_MAPS, draft)
      expect(updated.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion)
      const key = { namespace: 'default', name: 'crud' }
      const patched = await client.patch(CONFIG_MAPS, key, { type: 'merge', body: { data: { b: '3', a: null } } })
      expect(patched.data).toEqual({ b: '3' })
      const strategic = await client.patch(CONFIG_MAPS, key, {
        type: 'strategic',
        body: { metadata: { labels: { x: 'y' } } },
      })
      expect(strategic.metadata.labels).toEqual({ name: 'crud', x: 'y' })
      const json = await client.patch(CONFIG_MAPS, key, { type: 'json', body: [{ op: 'remove', path: '/data/b' }] })
      expect(json.data ?? {}).toEqual({})
      await client.delete(CONFIG_MAPS, key)
      await expect(client.get(CONFIG_MAPS, key)).rejects.toSatisfy(isNotFound)
    })

    it('hands out frozen objects', async () => {
      const created = await client.create(CONFIG_MAPS, configMap('frozen'))
      expect(Object.isFrozen(created)).toBe(true)
      expect(Object.isFrozen(created.metadata)).toBe(true)
      const { items } = await client.list(CONFIG_MAPS, { namespace: 'default' })
      expect(items.every((item) => Object.isFrozen(item.metadata) && item.kind === 'ConfigMap')).toBe(true)
    })

    it('throws the server’s Status', async () => {
      const created = await client.create(CONFIG_MAPS, configMap('errors'))
      await expect(client.create(CONFIG_MAPS, configMap('errors'))).rejects.toSatisfy(isAlreadyExists)
      await client.update(CONFIG_MAPS, configMap('errors', { a: '2' }))
      await expect(client.update(CONFIG_MAPS, created)).rejects.toSatisfy(isConflict)
      await expect(client.create(CONFIG_MAPS, configMap('Not Valid'))).rejects.toSatisfy(isInvalid)
      await expect(client.delete(CONFIG_MAPS, { namespace: 'default', name: 'none' })).rejects.toSatisfy(isNotFound)
    })

    it('selects, pages and counts', async () => {
      await Promise.all(['p1', 'p2', 'p3'].map((item) => client.create(CONFIG_MAPS, configMap(item))))
      const labelSelector = 'name in (p1,p2,p3)'
      const first = await client.list(CONFIG_MAPS, { namespace: 'default', labelSelector, limit: 2 })
      expect(first.items.map(({ metadata }) => metadata.name)).toEqual(['p1', 'p2'])
      const next = first.metadata.continue ?? ''
      const second = await client.list(CONFIG_MAPS, { namespace: 'default', labelSelector, limit: 2, continue: next })
      expect(second.items.map(({ metadata }) => metadata.name)).toEqual(['p3'])
      const one = await client.list(CONFIG_MAPS, { fieldSelector: 'metadata.name=p2' })
      expect(one.items).toHaveLength(1)
    })

    it('writes nothing in a dry run', async () => {
      await client.create(CONFIG_MAPS, configMap('dry'), { dryRun: true })
      await expect(client.get(CONFIG_MAPS, { namespace: 'default', name: 'dry' })).rejects.toSatisfy(isNotFound)
    })

    it('watches from a resourceVersion until the signal aborts', async () => {
      const { metadata } = await client.list(CONFIG_MAPS, { namespace: 'default' })
      const stop = new AbortController()
      const seen: string[] = []
      const watch = client.watch(CONFIG_MAPS, {
        namespace: 'default',
        labelSelector: 'name=w',
        resourceVersion: metadata.resourceVersion ?? '',
        signal: stop.signal,
      })
      await client.create(CONFIG_MAPS, configMap('other'))
      await client.create(CONFIG_MAPS, configMap('w'))
      await client.patch(
        CONFIG_MAPS,
        { namespace: 'default', name: 'w' },
        { type: 'merge', body: { data: { a: '2' } } },
      )
      await client.delete(CONFIG_MAPS, { namespace: 'default', name: 'w' })
      for await (const { type, object } of watch) {
        seen.push(`${type} ${object.metadata.name} ${object.data?.['a']}`)
        if (type === 'DELETED') stop.abort()
      }
      expect(seen).toEqual(['ADDED w 1', 'MODIFIED w 2', 'DELETED w 2'])
    })

    it('reads documents that are no objects', async () => {
      const version = await client.raw({ method: 'GET', path: '/version' })
      expect(version).toMatchObject({ status: 200, body: { major: '1' } })
      await eventually(async () => {
        const health = await client.raw({ method: 'GET', path: '/readyz' })
        expect(health).toEqual({ status: 200, body: 'ok' })
      })
      expect((await client.raw({ method: 'GET', path: '/nothing/here' })).status).toBe(404)
    })

    it('rejects with the signal’s reason', async () => {
      const aborted = AbortSignal.abort(new Error('enough'))
      await expect(client.list(CONFIG_MAPS, { signal: aborted })).rejects.toThrow()
    })
  })
}
