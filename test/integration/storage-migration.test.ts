/** Objects stored in an old version are rewritten by a StorageVersionMigration, so that the version can be given up. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Storage } from '#apiserver/storage/interface.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { storageVersionMigratorController } from '#controllers/storage-version-migrator/reconciler.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { Condition, KubeObject } from '#machinery/api/meta/v1.ts'
import { STORAGE_VERSION_MIGRATIONS } from '#machinery/api/storagemigration/v1beta1/resources.gen.ts'
import type { StorageVersionMigration } from '#machinery/api/storagemigration/v1beta1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isInvalid, isNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { TestControlPlane, TestControlPlaneOptions } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

interface Widget extends KubeObject {
  spec?: { size?: number }
}

const widgets = (version: string): Resource<Widget> => ({
  group: 'example.com',
  version,
  resource: 'widgets',
  kind: 'Widget',
  namespaced: true,
})
const CRD = { name: 'widgets.example.com' }
const SERVED = { featureGates: ['StorageVersionMigrator'], runtimeConfig: ['storagemigration.k8s.io/v1beta1=true'] }

const planes: TestControlPlane[] = []
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.stop()
})

async function start(options: TestControlPlaneOptions = {}): Promise<TestControlPlane> {
  const plane = await startTestControlPlane({ ...SERVED, controllers: [storageVersionMigratorController], ...options })
  planes.push(plane)
  return plane
}

const version = (name: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
    },
  },
})

async function createDefinition(client: Client): Promise<void> {
  const crd: CustomResourceDefinition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: CRD,
    spec: {
      group: 'example.com',
      names: { plural: 'widgets', kind: 'Widget' },
      scope: 'Namespaced',
      versions: [version('v1', true), version('v2', false)],
    },
  }
  await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
  await eventually(async () => {
    const { status } = await client.get(CUSTOM_RESOURCE_DEFINITIONS, CRD)
    expect(status?.conditions?.find(({ type }) => type === 'Established')?.status).toBe('True')
  })
}

async function changeDefinition(client: Client, change: (crd: CustomResourceDefinition) => void): Promise<void> {
  const crd = deepCopy<CustomResourceDefinition>(await client.get(CUSTOM_RESOURCE_DEFINITIONS, CRD))
  change(crd)
  await client.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
}

const storeIn = (client: Client, wanted: string): Promise<void> =>
  changeDefinition(client, ({ spec }) => {
    for (const one of spec.versions) one.storage = one.name === wanted
  })

async function createWidgets(client: Client, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, i) => `w${String(i).padStart(5, '0')}`)
  const made = names.map((name) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name, namespace: 'default' },
    spec: { size: 1 },
  }))
  await Promise.all(made.map((widget) => client.create(widgets('v1'), widget)))
}

function migrate(client: Client, resource = 'widgets', group = 'example.com'): Promise<unknown> {
  const migration: StorageVersionMigration = {
    apiVersion: 'storagemigration.k8s.io/v1beta1',
    kind: 'StorageVersionMigration',
    metadata: { name: 'm' },
    spec: { resource: { group, resource } },
  }
  return client.create(STORAGE_VERSION_MIGRATIONS, migration)
}

const migration = (client: Client) => client.get(STORAGE_VERSION_MIGRATIONS, { name: 'm' })

async function conditions(client: Client): Promise<Record<string, string>> {
  const { status } = await migration(client)
  return Object.fromEntries((status?.conditions ?? []).map(({ type, status: value }) => [type, value]))
}

const succeeded = (client: Client): Promise<void> =>
  eventually(async () => expect(await conditions(client)).toEqual({ Running: 'False', Succeeded: 'True' }))

/** How many widgets are stored in which version. */
async function storedIn(storage: Storage): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const { entries } = await storage.list('/registry/example.com/widgets/')
  for (const { value } of entries) {
    const { apiVersion } = JSON.parse(value.toString('utf8')) as KubeObject
    counts[apiVersion] = (counts[apiVersion] ?? 0) + 1
  }
  return counts
}

describe('StorageVersionMigration', () => {
  it('rewrites every object, after which the old version can be given up', async () => {
    const { client, storage } = await start()
    await createDefinition(client)
    await createWidgets(client, 1_203)
    expect(await storedIn(storage)).toEqual({ 'example.com/v1': 1_203 })
    await storeIn(client, 'v2')
    await migrate(client)
    await succeeded(client)
    expect(await storedIn(storage)).toEqual({ 'example.com/v2': 1_203 })
    expect((await migration(client)).status?.resourceVersion).toMatch(/^[1-9]\d*$/)

    const crd = deepCopy<CustomResourceDefinition>(await client.get(CUSTOM_RESOURCE_DEFINITIONS, CRD))
    expect(crd.status?.storedVersions).toEqual(['v1', 'v2'])
    if (crd.status !== undefined) crd.status.storedVersions = ['v2']
    await client.update(CUSTOM_RESOURCE_DEFINITIONS, crd, { subresource: 'status' })
    await changeDefinition(client, ({ spec }) => {
      spec.versions = spec.versions.filter(({ name }) => name === 'v2')
    })
    const { items } = await client.list(widgets('v2'), { namespace: 'default' })
    expect(items.filter(({ spec }) => spec?.size === 1)).toHaveLength(1_203)
    const managers = items.flatMap(({ metadata }) => (metadata.managedFields ?? []).map(({ manager }) => manager))
    expect(managers).not.toContain('storage-version-migrator-controller')
  })

  it('leaves no trace in objects that are stored well', async () => {
    const { client } = await start()
    await createDefinition(client)
    await createWidgets(client, 3)
    const before = await client.list(widgets('v1'))
    await migrate(client)
    await succeeded(client)
    expect((await client.list(widgets('v1'))).items).toEqual(before.items)
  })

  it('gets along with others that change and delete objects meanwhile', async () => {
    const { client, storage } = await start()
    await createDefinition(client)
    await createWidgets(client, 600)
    await storeIn(client, 'v2')
    const { items } = await client.list(widgets('v1'))
    await migrate(client)
    const disturbing = items.map(({ metadata }, i) => {
      const key = { namespace: 'default', name: metadata.name ?? '' }
      if (i % 3 === 0) return client.delete(widgets('v1'), key)
      return client.patch(widgets('v1'), key, { type: 'merge', body: { spec: { size: i } } })
    })
    await Promise.all(disturbing)
    await succeeded(client)
    expect(await storedIn(storage)).toEqual({ 'example.com/v2': 400 })
  })

  it('goes on after a restart without writing again what it has written', async () => {
    const storage = new MemoryStorage({ clock: systemClock })
    const first = await start({ storage, controllers: [] })
    await createDefinition(first.client)
    await createWidgets(first.client, 20)
    await storeIn(first.client, 'v2')
    await migrate(first.client)
    const noted = (await first.client.list(widgets('v1'), { limit: 1 })).metadata.resourceVersion ?? ''
    const begun = deepCopy<StorageVersionMigration>(await migration(first.client))
    const running: Condition = {
      type: 'Running',
      status: 'True',
      reason: 'R',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    begun.status = { resourceVersion: noted, conditions: [running] }
    await first.client.update(STORAGE_VERSION_MIGRATIONS, begun, { subresource: 'status' })
    const rewritten = { namespace: 'default', name: 'w00007' }
    const merge = { type: 'merge', body: { spec: { size: 7 } } } as const
    const before = await eventually(async () => {
      await first.client.patch(widgets('v1'), rewritten, merge)
      expect(await storedIn(storage)).toEqual({ 'example.com/v1': 19, 'example.com/v2': 1 })
      return first.client.get(widgets('v2'), rewritten)
    })
    await first.stop()
    planes.splice(0)

    const { client } = await start({ storage })
    await succeeded(client)
    expect(await storedIn(storage)).toEqual({ 'example.com/v2': 20 })
    const after = await client.get(widgets('v2'), rewritten)
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion)
    expect((await migration(client)).status?.resourceVersion).toBe(noted)
  })

  it('fails when an object may not be written', async () => {
    const permissions = storageVersionMigratorController.permissions.map((permission) => ({
      ...permission,
      verbs: permission.verbs.filter((verb) => verb !== 'patch'),
    }))
    const { client } = await start({ controllers: [{ ...storageVersionMigratorController, permissions }] })
    await createDefinition(client)
    await createWidgets(client, 2)
    await migrate(client)
    await eventually(async () => expect(await conditions(client)).toEqual({ Running: 'False', Failed: 'True' }))
    const failed = (await migration(client)).status?.conditions?.find(({ type }) => type === 'Failed')
    expect(failed).toMatchObject({
      reason: 'StorageVersionMigrationFailed',
      message: expect.stringMatching(/^migration encountered unhandled error: widgets.* is forbidden: /),
    })
  })

  it('waits a minute for a resource that nobody serves, then fails', async () => {
    const clock = new FakeClock()
    const { client } = await start({ clock })
    await migrate(client, 'gadgets')
    await clock.advanceInSteps(30_000, 1_000)
    expect(await conditions(client)).toEqual({})
    await eventually(async () => {
      await clock.advanceInSteps(10_000, 1_000)
      expect(await conditions(client)).toEqual({ Failed: 'True' })
    })
    const [failed] = (await migration(client)).status?.conditions ?? []
    expect(failed?.message).toBe('resource does not exist in discovery')
  })

  it('fails at once for what cannot be listed and patched', async () => {
    const { client } = await start()
    await migrate(client, 'tokenreviews', 'authentication.k8s.io')
    await eventually(async () => expect(await conditions(client)).toEqual({ Failed: 'True' }))
    const [failed] = (await migration(client)).status?.conditions ?? []
    expect(failed?.message).toContain('does not support discovery operations: [update patch list]')
  })

  it('takes built-in resources as well', async () => {
    const { client } = await start()
    await migrate(client, 'namespaces', '')
    await succeeded(client)
  })
})

describe('the API of migrations', () => {
  it.each([
    ['neither', {}],
    ['the version alone', { runtimeConfig: SERVED.runtimeConfig }],
    ['the gate alone', { featureGates: SERVED.featureGates }],
  ])('is not there with %s', async (_, options) => {
    const { client } = await start({ featureGates: [], runtimeConfig: [], ...options })
    expect(await client.list(STORAGE_VERSION_MIGRATIONS).catch(isNotFound)).toBe(true)
    const { body } = await client.raw({ method: 'GET', path: '/apis' })
    expect(JSON.stringify(body)).not.toContain('storagemigration')
  })

  it('keeps what a migration is about and how it ended', async () => {
    const { client } = await start()
    await migrate(client, 'namespaces', '')
    await succeeded(client)
    const done = deepCopy<StorageVersionMigration>(await migration(client))
    const otherResource = { ...done, spec: { resource: { group: '', resource: 'pods' } } }
    expect(await client.update(STORAGE_VERSION_MIGRATIONS, otherResource).catch(isInvalid)).toBe(true)
    const { resourceVersion = '' } = done.status ?? {}
    for (const status of [{ resourceVersion }, { ...done.status, resourceVersion: '1' }]) {
      const written = client.update(STORAGE_VERSION_MIGRATIONS, { ...done, status }, { subresource: 'status' })
      expect(await written.catch(isInvalid)).toBe(true)
    }
  })
})
