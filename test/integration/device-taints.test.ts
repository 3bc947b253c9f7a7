/** Pods whose devices are tainted NoExecute have to go. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deviceTaintEvictionController } from '#controllers/device-taint-eviction/reconciler.ts'
import { EVENTS, NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import { RESOURCE_CLAIMS, RESOURCE_SLICES } from '#machinery/api/resource/v1/resources.gen.ts'
import type {
  DeviceTaint,
  DeviceToleration,
  ResourceClaim,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { DRIVER, makePodWithClaims, makeResourceClaim, makeSlice } from '#test/support/devices.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

const TAINT: DeviceTaint = { key: 'broken', effect: 'NoExecute' }
const FOR_A_MINUTE: DeviceToleration = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }
const NODE = 'n'

let plane: TestControlPlane
let client: Client
let clock: FakeClock

beforeEach(async () => {
  clock = new FakeClock()
  plane = await startTestControlPlane({
    controllers: [deviceTaintEvictionController],
    featureGates: ['DRADeviceTaints'],
    clock,
  })
  client = plane.client
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } }
  await client.create(SERVICE_ACCOUNTS, account)
  await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE }, spec: {} })
  await client.create(RESOURCE_SLICES, withoutUid(makeSlice(NODE, ['gpu-0', 'gpu-1'])))
})
afterEach(() => plane.stop())

function withoutUid<T extends { metadata: { uid?: string } }>(object: T): T {
  delete object.metadata.uid
  return object
}

/** A Pod on the node with a claim that has been given the device. */
async function runPod(name: string, device: string, tolerations: DeviceToleration[] = []): Promise<void> {
  const pod = await client.create(
    PODS,
    makePodWithClaims(name, [{ name: 'g', resourceClaimName: name }], { nodeName: NODE }),
  )
  const claim = deepCopy<ResourceClaim>(await client.create(RESOURCE_CLAIMS, withoutUid(makeResourceClaim(name))))
  claim.status = {
    allocation: { devices: { results: [{ request: 'r0', driver: DRIVER, pool: NODE, device, tolerations }] } },
    reservedFor: [{ resource: 'pods', name, uid: pod.metadata.uid ?? '' }],
  }
  await client.update(RESOURCE_CLAIMS, claim, { subresource: 'status' })
}

async function taint(device: string, taints: DeviceTaint[]): Promise<ResourceSlice> {
  const slice = deepCopy<ResourceSlice>(await client.get(RESOURCE_SLICES, { name: `${NODE}-slice` }))
  for (const one of slice.spec.devices ?? []) if (one.name === device) one.taints = taints
  return client.update(RESOURCE_SLICES, slice) as Promise<ResourceSlice>
}

const pod = (name: string) => client.get(PODS, { namespace: 'default', name })
const isLeaving = async (name: string): Promise<boolean> => (await pod(name)).metadata.deletionTimestamp !== undefined
const eventsOf = async (name: string): Promise<string[]> =>
  (await client.list(EVENTS, { namespace: 'default' })).items
    .filter(({ involvedObject, reason }) => involvedObject.name === name && reason === 'DeviceTaintManagerEviction')
    .map(({ message = '' }) => message)

describe('device taints', () => {
  it('evict the Pods that use the device, and say why', async () => {
    await runPod('a', 'gpu-0')
    await runPod('b', 'gpu-1')
    const slice = await taint('gpu-0', [TAINT])
    expect(slice.spec.devices?.[0]?.taints?.[0]?.timeAdded).toBe('2026-01-01T00:00:00Z')
    await eventually(async () => expect(await isLeaving('a')).toBe(true))
    const { conditions = [] } = (await pod('a')).status ?? {}
    expect(conditions.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByDeviceTaintManager',
      message: 'Device Taint manager: deleting due to NoExecute taint',
    })
    await eventually(async () => expect(await eventsOf('a')).toEqual(['Marking for deletion']))
    expect(await isLeaving('b')).toBe(false)
  })

  it('wait for as long as the claim tolerates them', async () => {
    await runPod('a', 'gpu-0', [FOR_A_MINUTE])
    await runPod('b', 'gpu-0')
    await taint('gpu-0', [TAINT])
    // The other Pod's end shows that the taint has been looked at.
    await eventually(async () => expect(await isLeaving('b')).toBe(true))
    await clock.advanceInSteps(50_000, 5_000)
    expect(await isLeaving('a')).toBe(false)
    await eventually(async () => {
      await clock.advanceInSteps(5_000, 1_000)
      expect(await isLeaving('a')).toBe(true)
    })
  })

  it('are forgotten when they go in time', async () => {
    await runPod('a', 'gpu-0', [FOR_A_MINUTE])
    await runPod('b', 'gpu-0')
    await taint('gpu-0', [TAINT])
    await eventually(async () => expect(await isLeaving('b')).toBe(true))
    await taint('gpu-0', [])
    await eventually(async () => expect(await eventsOf('a')).toEqual(['Cancelling deletion']))
    await clock.advanceInSteps(120_000, 5_000)
    expect(await isLeaving('a')).toBe(false)
  })

  it('count for Pods that are bound to a tainted device later', async () => {
    await taint('gpu-0', [TAINT])
    await runPod('a', 'gpu-0')
    await eventually(async () => expect(await isLeaving('a')).toBe(true))
  })
})
