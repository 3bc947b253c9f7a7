/** Scalars that Go always prints are there after every kind of write, whoever left them out. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'

const key = { namespace: 'default', name: 'a' }
const status = { containerStatuses: [{ name: 'c', ready: true, image: 'i', state: { terminated: {} } }] }
const filled = {
  name: 'c',
  ready: true,
  restartCount: 0,
  image: 'i',
  imageID: '',
  state: { terminated: { exitCode: 0 } },
}
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane()
  const { client } = plane
  const metadata = { namespace: 'default', name: 'default' }
  await client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  const httpGet = { port: 80, httpHeaders: [{ name: 'X-Empty' }] }
  const spec = { containers: [{ name: 'c', image: 'i', readinessProbe: { httpGet } }] }
  await client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: key, spec } as Pod)
})

afterEach(() => plane.stop())

const subresource = 'status'

describe('a scalar without omitempty that was left out', () => {
  it('is there after a create', async () => {
    const pod = await plane.client.get(PODS, key)
    const headers = pod.spec.containers[0]?.readinessProbe?.httpGet?.httpHeaders
    expect(headers).toEqual([{ name: 'X-Empty', value: '' }])
  })

  it('is there after an update', async () => {
    const draft = deepCopy<Pod>(await plane.client.get(PODS, key))
    draft.status = status as Pod['status'] & object
    const updated = await plane.client.update(PODS, draft, { subresource })
    expect(updated.status?.containerStatuses).toEqual([filled])
  })

  it.each([
    ['strategic', { status }],
    ['merge', { status }],
    ['json', [{ op: 'add', path: '/status/containerStatuses', value: status.containerStatuses }]],
  ] as const)('is there after a %s patch', async (type, body) => {
    const patched = await plane.client.patch(PODS, key, { type, body } as never, { subresource })
    expect(patched.status?.containerStatuses).toEqual([filled])
  })

  it('is there after an apply', async () => {
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, status }
    const applied = await plane.client.patch(PODS, key, { type: 'apply', body } as never, {
      subresource,
      fieldManager: 'applier',
    })
    expect(applied.status?.containerStatuses).toEqual([filled])
  })
})

describe('an empty list or map', () => {
  it('in a replace of a Pod is neither a change nor refused', async () => {
    const before = await plane.client.get(PODS, key)
    const draft = deepCopy<Pod>(before)
    draft.spec = { ...draft.spec, imagePullSecrets: [], nodeSelector: {} }
    for (const container of draft.spec.containers) container.env = []
    const after = await plane.client.update(PODS, draft)
    expect(after.metadata).toMatchObject({ generation: 1, resourceVersion: before.metadata.resourceVersion })
    expect(after.spec).toEqual(before.spec)
  })
})
