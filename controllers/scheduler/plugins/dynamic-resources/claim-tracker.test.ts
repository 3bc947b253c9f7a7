import { beforeEach, describe, expect, it } from 'vitest'
import { RESOURCE_CLAIMS } from '#machinery/api/resource/v1/resources.gen.ts'
import type { AllocationResult, ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { DRIVER, makeResourceClaim } from '#test/support/devices.ts'
import { type TestPluginHandle, testPluginHandle } from '#test/support/plugin-handle.ts'
import { ClaimTracker } from './claim-tracker.ts'

const D0 = `${DRIVER}/n1/d0`
const D1 = `${DRIVER}/n1/d1`
const devices = (...names: string[]): AllocationResult => ({
  devices: { results: names.map((device) => ({ request: 'r0', driver: DRIVER, pool: 'n1', device })) },
})

function claim(resourceVersion: number, allocation?: AllocationResult, uid = 'u1'): ResourceClaim {
  const { metadata, ...rest } = makeResourceClaim('c')
  const status = allocation === undefined ? {} : { allocation }
  return { ...rest, metadata: { ...metadata, uid, resourceVersion: `${resourceVersion}` }, status }
}

let handle: TestPluginHandle
let tracker: ClaimTracker
const taken = (): string[] => [D0, D1].filter((id) => tracker.use.isTaken(id))
const show = (shown: ResourceClaim): void => handle.put(RESOURCE_CLAIMS, shown)

beforeEach(() => {
  handle = testPluginHandle()
  tracker = new ClaimTracker(handle.informer(RESOURCE_CLAIMS))
  show(claim(1))
})

describe('devices of a claim', () => {
  it('are taken from the decision on, through writing, until the claim is deallocated', () => {
    tracker.reserve(claim(1), devices('d0'))
    expect(taken()).toEqual([D0])
    expect(tracker.isPending(claim(1))).toBe(true)
    // The finalizer's update is shown after the status was written.
    tracker.settle(claim(3, devices('d0')))
    show(claim(2))
    expect(taken()).toEqual([D0])
    expect(tracker.get({ namespace: 'default', name: 'c' })?.metadata.resourceVersion).toBe('3')
    show(claim(3, devices('d0')))
    expect(taken()).toEqual([D0])
    show(claim(4))
    expect(taken()).toEqual([])
    expect(tracker.isPending(claim(4))).toBe(false)
  })

  it('are free again when the binding fails, once', () => {
    tracker.reserve(claim(1), devices('d0', 'd1'))
    expect(tracker.abandon(claim(1))).toBe(true)
    expect(taken()).toEqual([])
    expect(tracker.abandon(claim(1))).toBe(false)
  })

  it('stay what they are when the cache was faster than the answer', () => {
    tracker.reserve(claim(1), devices('d0'))
    show(claim(5, devices('d1')))
    expect(taken()).toEqual([D0])
    tracker.settle(claim(3, devices('d0')))
    expect(taken()).toEqual([D1])
  })

  it('are free when the claim is gone, whoever has its name then', () => {
    show(claim(2, devices('d0')))
    handle.remove(RESOURCE_CLAIMS, claim(2, devices('d0')))
    expect(taken()).toEqual([])
    show(claim(3, devices('d0')))
    show(claim(4, devices('d1'), 'u2'))
    expect(taken()).toEqual([D1])
  })

  it('are not kept for a claim that went while it was written', () => {
    tracker.reserve(claim(1), devices('d0'))
    handle.remove(RESOURCE_CLAIMS, claim(1))
    expect(taken()).toEqual([D0])
    tracker.settle(claim(2, devices('d0')))
    expect(taken()).toEqual([])
  })
})

it('tells of every change', () => {
  let changes = 0
  const stop = tracker.onChange(() => changes++)
  show(claim(2))
  handle.remove(RESOURCE_CLAIMS, claim(2))
  stop()
  show(claim(3))
  expect(changes).toBe(2)
})
