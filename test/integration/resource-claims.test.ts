/** Claims of Pods against a real control plane: made from templates, reserved, given back. Allocated by hand here. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { resourceClaimController } from '#controllers/resource-claim/reconciler.ts'
import { EVENTS, NAMESPACES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS } from '#machinery/api/resource/v1/resources.gen.ts'
import type { ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { DELETE_PROTECTION } from '#machinery/devices/pod-claims.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { DRIVER, makeClaimTemplate, makePodWithClaims, makeRequest, makeResourceClaim } from '#test/support/devices.ts'
import { eventually } from '#test/support/eventually.ts'

const namespace = 'default'
const storage = () => new MemoryStorage({ clock: systemClock })
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [resourceClaimController] })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
})
afterEach(() => plane.stop())

const TEMPLATED = [{ name: 'gpu', resourceClaimTemplateName: 'one' }]
const pod = (name: string): Promise<DeepReadonly<Pod>> => plane.client.get(PODS, { namespace, name })
const claims = async () => (await plane.client.list(RESOURCE_CLAIMS, { namespace })).items
const claim = (name: string) => plane.client.get(RESOURCE_CLAIMS, { namespace, name })

async function generatedClaim(name: string): Promise<DeepReadonly<ResourceClaim>> {
  return eventually(async () => {
    const [status] = (await pod(name)).status?.resourceClaimStatuses ?? []
    expect(status?.resourceClaimName).toBeDefined()
    return claim(status?.resourceClaimName ?? '')
  })
}

/** As the scheduler does before it binds the Pods. */
async function allocate(name: string, ...pods: readonly DeepReadonly<Pod>[]): Promise<void> {
  const draft = deepCopy<ResourceClaim>(await claim(name))
  draft.metadata.finalizers = [DELETE_PROTECTION]
  const next = deepCopy<ResourceClaim>(await plane.client.update(RESOURCE_CLAIMS, draft))
  const results = [{ request: 'r0', driver: DRIVER, pool: 'n1', device: 'd0' }]
  const reservedFor = pods.map(({ metadata }) => ({
    resource: 'pods',
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
  }))
  next.status = { allocation: { devices: { results } }, ...(pods.length === 0 ? {} : { reservedFor }) }
  await plane.client.update(RESOURCE_CLAIMS, next, { subresource: 'status' })
}

async function finish(name: string): Promise<void> {
  const draft = deepCopy<Pod>(await pod(name))
  draft.status = { ...draft.status, phase: 'Succeeded' }
  await plane.client.update(PODS, draft, { subresource: 'status' })
}

describe('a claim of a template', () => {
  it('is made for the Pod, owned by it, and named in its status', async () => {
    await plane.client.create(RESOURCE_CLAIM_TEMPLATES, makeClaimTemplate('one'))
    await plane.client.create(PODS, makePodWithClaims('web', TEMPLATED))
    const made = await generatedClaim('web')
    expect(made.metadata).toMatchObject({
      labels: { from: 'one' },
      annotations: { note: 'kept', 'resource.kubernetes.io/pod-claim-name': 'gpu' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web', controller: true }],
    })
    expect(made.metadata.ownerReferences?.[0]).not.toHaveProperty('blockOwnerDeletion')
    expect(made.metadata.name).toMatch(/^web-gpu-[a-z0-9]{5}$/)
    expect(made.spec.devices?.requests?.[0]?.exactly?.deviceClassName).toBe('gpu')
    expect((await pod('web')).metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'ResourceClaimController', operation: 'Apply', subresource: 'status' }),
    )
  })

  it('waits for its template, and the user is told', async () => {
    await plane.client.create(PODS, makePodWithClaims('web', TEMPLATED))
    await eventually(async () => {
      const { items } = await plane.client.list(EVENTS, { namespace, fieldSelector: 'involvedObject.name=web' })
      expect(items[0]).toMatchObject({
        type: 'Warning',
        reason: 'FailedResourceClaimCreation',
        message:
          'PodResourceClaim gpu: resource claim template "one": resourceclaimtemplate.resource.k8s.io "one" not found',
      })
    })
    await plane.client.create(RESOURCE_CLAIM_TEMPLATES, makeClaimTemplate('one'))
    await generatedClaim('web')
  })

  it('is made again when somebody deletes it, and only once each time', async () => {
    await plane.client.create(RESOURCE_CLAIM_TEMPLATES, makeClaimTemplate('one'))
    await plane.client.create(
      PODS,
      makePodWithClaims('web', [...TEMPLATED, { name: 'nic', resourceClaimTemplateName: 'one' }]),
    )
    const first = await generatedClaim('web')
    await plane.client.delete(RESOURCE_CLAIMS, { namespace, name: first.metadata.name ?? '' })
    await eventually(async () => {
      const statuses = (await pod('web')).status?.resourceClaimStatuses ?? []
      expect(statuses.map(({ name }) => name)).toEqual(['gpu', 'nic'])
      const names = statuses.map(({ resourceClaimName }) => resourceClaimName)
      expect(names).not.toContain(first.metadata.name)
      expect((await claims()).map(({ metadata }) => metadata.name).sort()).toEqual([...names].sort())
    })
  })

  it('goes when its Pod is done, its devices first', async () => {
    await plane.client.create(RESOURCE_CLAIM_TEMPLATES, makeClaimTemplate('one'))
    await plane.client.create(PODS, makePodWithClaims('web', TEMPLATED, { nodeName: 'n1' }))
    const { name = '' } = (await generatedClaim('web')).metadata
    await allocate(name, await pod('web'))
    await finish('web')
    await eventually(async () => expect(await claims()).toEqual([]))
  })
})

describe('a claim of the user', () => {
  beforeEach(async () => {
    const { metadata, ...rest } = makeResourceClaim('shared')
    await plane.client.create(RESOURCE_CLAIMS, {
      ...rest,
      metadata: { name: 'shared', namespace: metadata.namespace ?? '' },
    })
  })
  const shared = [{ name: 'gpu', resourceClaimName: 'shared' }]

  it('stays reserved for the Pods that run, and is deallocated after the last', async () => {
    for (const name of ['a', 'b']) await plane.client.create(PODS, makePodWithClaims(name, shared, { nodeName: 'n1' }))
    const [a, b] = [await pod('a'), await pod('b')]
    await allocate('shared', a, b)
    await finish('a')
    await eventually(async () =>
      expect((await claim('shared')).status?.reservedFor?.map(({ name }) => name)).toEqual(['b']),
    )
    expect((await claim('shared')).status?.allocation).toBeDefined()
    await plane.client.delete(PODS, { namespace, name: 'b' }, { gracePeriodSeconds: 0 })
    await eventually(async () => {
      const { status, metadata } = await claim('shared')
      expect(status).toEqual({})
      expect(metadata.finalizers).toBeUndefined()
    })
  })

  it('is reserved for a Pod that was bound by hand', async () => {
    await allocate('shared')
    await plane.client.create(PODS, makePodWithClaims('a', shared, { nodeName: 'n1' }))
    await eventually(async () =>
      expect((await claim('shared')).status?.reservedFor?.map(({ name }) => name)).toEqual(['a']),
    )
  })

  it('lets go of Pods that were replaced under their name', async () => {
    const stranger = { ...makePodWithClaims('a', shared), metadata: { name: 'a', namespace, uid: 'another' } }
    await plane.client.create(PODS, makePodWithClaims('a', shared, { nodeName: 'n1' }))
    await allocate('shared', await pod('a'), stranger)
    await eventually(async () =>
      expect((await claim('shared')).status?.reservedFor?.map(({ uid }) => uid)).not.toContain('another'),
    )
    expect((await claim('shared')).status?.reservedFor).toHaveLength(1)
  })

  it('can be deleted while it is allocated and nobody uses it', async () => {
    await allocate('shared')
    await plane.client.delete(RESOURCE_CLAIMS, { namespace, name: 'shared' })
    await eventually(async () => expect(await claims()).toEqual([]))
  })
})

it('finds after a restart what ended meanwhile', async () => {
  await plane.stop()
  const kept = storage()
  plane = await startTestControlPlane({ storage: kept })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  const { metadata: _metadata, ...rest } = makeResourceClaim('shared')
  await plane.client.create(RESOURCE_CLAIMS, { ...rest, metadata: { name: 'shared', namespace } })
  const shared = [{ name: 'gpu', resourceClaimName: 'shared' }]
  await plane.client.create(PODS, makePodWithClaims('a', shared, { nodeName: 'n1' }))
  await allocate('shared', await pod('a'))
  await plane.client.delete(PODS, { namespace, name: 'a' }, { gracePeriodSeconds: 0 })
  await plane.stop()
  plane = await startTestControlPlane({ storage: kept, controllers: [resourceClaimController] })
  await eventually(async () => expect((await claim('shared')).status).toEqual({}))
})

describe('admin access', () => {
  const admin = { requests: [makeRequest('r0', { adminAccess: true })] }
  const label = (value: string | null) =>
    plane.client.patch(
      NAMESPACES,
      { name: namespace },
      {
        type: 'merge',
        body: { metadata: { labels: { 'resource.kubernetes.io/admin-access': value } } },
      },
    )
  const FORBIDDEN =
    'Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace'

  it('is for namespaces with a label', async () => {
    const claimOf = (name: string) => ({ ...makeResourceClaim(name, admin), metadata: { name, namespace } })
    await expect(plane.client.create(RESOURCE_CLAIMS, claimOf('a'))).rejects.toThrow(
      `spec.devices.requests[0].adminAccess: ${FORBIDDEN}`,
    )
    await expect(plane.client.create(RESOURCE_CLAIM_TEMPLATES, makeClaimTemplate('a', admin))).rejects.toThrow(
      `spec.devices.requests[0].adminAccess: ${FORBIDDEN}`,
    )
    await label('true')
    await plane.client.create(RESOURCE_CLAIM_TEMPLATES, makeClaimTemplate('a', admin))
    const draft = deepCopy<ResourceClaim>(await plane.client.create(RESOURCE_CLAIMS, claimOf('a')))
    const result = { request: 'r0', driver: DRIVER, pool: 'n1', device: 'd0', adminAccess: true }
    draft.status = { allocation: { devices: { results: [result] } } }
    await label(null)
    await expect(plane.client.update(RESOURCE_CLAIMS, draft, { subresource: 'status' })).rejects.toThrow(
      `status.allocation.devices.results[0].adminAccess: ${FORBIDDEN}`,
    )
    await label('true')
    await plane.client.update(RESOURCE_CLAIMS, draft, { subresource: 'status' })
  })
})

it('keeps of a status what its writer may say', async () => {
  await plane.client.create(RESOURCE_CLAIMS, { ...makeResourceClaim('a'), metadata: { name: 'a', namespace } })
  await allocate('a')
  const draft = deepCopy<ResourceClaim>(await claim('a'))
  delete draft.metadata.finalizers
  draft.status = { ...draft.status, devices: [{ driver: DRIVER, pool: 'n1', device: 'd0', data: { told: 1 } }] }
  const told = deepCopy<ResourceClaim>(await plane.client.update(RESOURCE_CLAIMS, draft, { subresource: 'status' }))
  expect(told.metadata.finalizers).toEqual([DELETE_PROTECTION])
  expect(told.status?.devices).toHaveLength(1)
  delete told.status?.allocation
  const free = await plane.client.update(RESOURCE_CLAIMS, told, { subresource: 'status' })
  expect(free.status).toEqual({})
})
