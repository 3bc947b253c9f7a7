/** The claim of a Pod's extended resources when the Pod cannot be bound after all: written by the plugin, taken back by it. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ClaimState } from '#controllers/scheduler/plugins/dynamic-resources/claim-state.ts'
import { DynamicResources } from '#controllers/scheduler/plugins/dynamic-resources/plugin.ts'
import { createPodInfo } from '#controllers/scheduler/framework/pod-info.ts'
import type { PodInfo } from '#controllers/scheduler/framework/interfaces.ts'
import { isVerdict } from '#controllers/scheduler/framework/verdicts.ts'
import { PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import { DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_SLICES } from '#machinery/api/resource/v1/resources.gen.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { makeDeviceClass, makeSlice } from '#test/support/devices.ts'
import { eventually } from '#test/support/eventually.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo } from '#test/support/scheduling.ts'

const namespace = 'default'
const GPU = 'example.com/gpu'
const NODE = makeNodeInfo({ name: 'n1' })
const { signal } = new AbortController()
let plane: TestControlPlane
let plugin: DynamicResources

beforeEach(async () => {
  plane = await startTestControlPlane()
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  const handle = Object.create(testPluginHandle(), { client: { value: plane.client } }) as TestPluginHandle
  plugin = new DynamicResources({}, handle)
  handle.put(DEVICE_CLASSES, makeDeviceClass('gpu', { extendedResourceName: GPU }))
  handle.put(RESOURCE_SLICES, makeSlice('n1', ['d0']))
})
afterEach(() => plane.stop())

async function newPod(name: string): Promise<PodInfo> {
  const resources = { requests: { [GPU]: '1' }, limits: { [GPU]: '1' } }
  const spec = { containers: [{ name: 'c', image: 'i', resources }] }
  return createPodInfo(
    await plane.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec }),
  )
}

function decide(pod: PodInfo): { readonly state: ClaimState; readonly fits: boolean } {
  const result = plugin.preFilter(pod)
  if (isVerdict(result)) throw new Error(result.reasons.join())
  return { state: result.state, fits: plugin.filter(result.state, pod, NODE) === undefined }
}

const claims = async () => (await plane.client.list(RESOURCE_CLAIMS, { namespace })).items

it('is there and holds its devices until it is taken back', async () => {
  const [a, b] = [await newPod('a'), await newPod('b')]
  const { state, fits } = decide(a)
  expect(fits).toBe(true)
  expect(plugin.reserve(state, a, 'n1')).toBeUndefined()
  expect(decide(b).fits).toBe(false)
  expect(await plugin.preBind(state, a, 'n1', signal)).toBeUndefined()
  expect(await claims()).toMatchObject([{ status: { reservedFor: [{ name: 'a' }], allocation: {} } }])
  // No watch has shown the claim.
  expect(decide(b).fits).toBe(false)
  plugin.unreserve(state, a)
  plugin.unreserve(state, a)
  await eventually(async () => expect(await claims()).toEqual([]))
  await eventually(async () => expect(decide(b).fits).toBe(true))
})

it('is taken back when it was made and could not be completed', async () => {
  const [a, b] = [await newPod('a'), await newPod('b')]
  const { state } = decide(a)
  plugin.reserve(state, a, 'n1')
  await plane.client.delete(PODS, { namespace, name: 'a' }, { gracePeriodSeconds: 0 })
  expect(await plugin.preBind(state, a, 'n1', signal)).toMatchObject({ code: 'Error' })
  plugin.unreserve(state, a)
  await eventually(async () => expect(await claims()).toEqual([]))
  await eventually(async () => expect(decide(b).fits).toBe(true))
})
