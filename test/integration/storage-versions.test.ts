/** What the API server records of its storage versions, and what becomes of the records of servers that are gone. */
import { afterEach, describe, expect, it } from 'vitest'
import { serverName } from '#apiserver/controlplane/server-identity.ts'
import { storageVersionGarbageCollectorController } from '#controllers/storage-version-gc/reconciler.ts'
import { STORAGE_VERSIONS } from '#machinery/api/apiserverinternal/v1alpha1/resources.gen.ts'
import type { StorageVersion } from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isInvalid, isNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { TestControlPlane, TestControlPlaneOptions } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

const ME = serverName('me')
const OTHER = 'apiserver-other'
const SERVED = {
  featureGates: ['APIServerIdentity', 'StorageVersionAPI'],
  runtimeConfig: ['internal.apiserver.k8s.io/v1alpha1=true'],
  hostname: 'me',
}

const planes: TestControlPlane[] = []
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.stop()
})

async function start(options: TestControlPlaneOptions = {}): Promise<Client> {
  const plane = await startTestControlPlane({
    ...SERVED,
    controllers: [storageVersionGarbageCollectorController],
    ...options,
  })
  planes.push(plane)
  return plane.client
}

async function createIdentity(client: Client, name: string, component = 'kube-apiserver'): Promise<void> {
  const labels = { 'apiserver.kubernetes.io/identity': component }
  const metadata = { name, namespace: 'kube-system', labels }
  await client.create(LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: {} })
}

const storageVersion = (client: Client, name: string) => client.get(STORAGE_VERSIONS, { name })

async function recordOther(client: Client, name: string, encodingVersion: string, id = OTHER): Promise<void> {
  const version = deepCopy<StorageVersion>(await storageVersion(client, name))
  const server = { apiServerID: id, encodingVersion, decodableVersions: [encodingVersion], servedVersions: [] }
  const storageVersions = [...(version.status?.storageVersions ?? []), server]
  const { commonEncodingVersion: common, ...status } = version.status ?? {}
  const isSame = common === encodingVersion
  version.status = { ...status, storageVersions, ...(isSame ? { commonEncodingVersion: encodingVersion } : {}) }
  await client.update(STORAGE_VERSIONS, version, { subresource: 'status' })
}

const serversOf = async (client: Client, name: string): Promise<(string | undefined)[]> =>
  ((await storageVersion(client, name)).status?.storageVersions ?? []).map(({ apiServerID }) => apiServerID)

describe('storage versions', () => {
  it('are recorded under the identity of the server', async () => {
    const client = await start()
    const status = await eventually(async () => {
      const { status } = await storageVersion(client, 'autoscaling.horizontalpodautoscalers')
      expect(status?.commonEncodingVersion).toBe('autoscaling/v2')
      return status
    })
    expect(status?.storageVersions).toEqual([
      {
        apiServerID: ME,
        encodingVersion: 'autoscaling/v2',
        decodableVersions: ['autoscaling/v2', 'autoscaling/v1'],
        servedVersions: ['autoscaling/v2', 'autoscaling/v1'],
      },
    ])
    expect(status?.conditions).toMatchObject([
      { type: 'AllEncodingVersionsEqual', status: 'True', reason: 'CommonEncodingVersionSet' },
    ])
    const names = (await client.list(STORAGE_VERSIONS)).items.map(({ metadata }) => metadata.name)
    expect(names).toEqual(expect.arrayContaining(['core.pods', 'apps.deployments', 'core.events']))
    expect(names.filter((name) => /events\.k8s\.io|subjectaccessreviews|componentstatuses/.test(name ?? ''))).toEqual(
      [],
    )
    const { status: events } = await storageVersion(client, 'core.events')
    expect(events?.storageVersions?.[0]?.decodableVersions).toEqual(['v1', 'events.k8s.io/v1'])
  })

  it('are put right after ten minutes when somebody has changed them', async () => {
    const clock = new FakeClock()
    const client = await start({ clock })
    await eventually(async () => {
      clock.advance(1_000)
      expect(await serversOf(client, 'core.pods')).toEqual([ME])
    })
    await client.delete(STORAGE_VERSIONS, { name: 'core.pods' })
    await eventually(async () => {
      await clock.advanceInSteps(600_000, 60_000)
      expect(await serversOf(client, 'core.pods')).toEqual([ME])
    })
  })

  it('say when servers do not agree', async () => {
    const client = await start()
    await createIdentity(client, OTHER)
    await eventually(async () => expect(await serversOf(client, 'apps.deployments')).toEqual([ME]))
    await recordOther(client, 'apps.deployments', 'apps/v1beta2')
    const answer = await client.raw({
      method: 'GET',
      path: '/apis/internal.apiserver.k8s.io/v1alpha1/storageversions/apps.deployments',
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    })
    const { rows } = answer.body as { rows: { cells: unknown[] }[] }
    expect(rows[0]?.cells.slice(0, 3)).toEqual(['apps.deployments', '<unset>', `${ME}=apps/v1,${OTHER}=apps/v1beta2`])
  })

  it('lose the records of servers without identity Lease, and go with the last one', async () => {
    const client = await start()
    await createIdentity(client, OTHER)
    await eventually(async () => expect(await serversOf(client, 'core.pods')).toEqual([ME]))
    await recordOther(client, 'core.pods', 'v2')
    await recordOther(client, 'core.pods', 'v3', 'apiserver-unheard-of')
    await eventually(async () => expect(await serversOf(client, 'core.pods')).toEqual([ME, OTHER]))
    await client.delete(LEASES, { namespace: 'kube-system', name: OTHER })
    await eventually(async () => {
      const { status } = await storageVersion(client, 'core.pods')
      expect(status?.storageVersions?.map(({ apiServerID }) => apiServerID)).toEqual([ME])
      expect(status?.commonEncodingVersion).toBe('v1')
    })
    await client.delete(LEASES, { namespace: 'kube-system', name: ME })
    await eventually(async () => expect((await client.list(STORAGE_VERSIONS)).items).toEqual([]))
  })

  it('are valid or refused', async () => {
    const client = await start()
    const named = (name: string): StorageVersion => ({
      apiVersion: 'internal.apiserver.k8s.io/v1alpha1',
      kind: 'StorageVersion',
      metadata: { name },
      spec: {},
    })
    expect(await client.create(STORAGE_VERSIONS, named('pods')).catch(isInvalid)).toBe(true)
    const made = deepCopy<StorageVersion>(await client.create(STORAGE_VERSIONS, named('core.pods')))
    made.status = { commonEncodingVersion: 'v1' }
    const written = client.update(STORAGE_VERSIONS, made, { subresource: 'status' })
    expect(await written.catch(isInvalid)).toBe(true)
  })

  it('are not there unless asked for', async () => {
    const client = await start({ runtimeConfig: [] })
    expect(await client.list(STORAGE_VERSIONS).catch(isNotFound)).toBe(true)
  })
})
