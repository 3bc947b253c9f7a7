/** What dynamic resource allocation drops and adds on a write. */
import { describe, expect, it } from 'vitest'
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import { ALL_GATES_OFF } from '#apiserver/apis/feature-gates.ts'
import type { Device, ResourceClaim, ResourceClaimStatus, ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import type { RegistryDeps, StoredObjects } from '../deps.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { resourceClaimStatusStrategy, resourceClaimStrategy, resourceSliceStrategy } from './strategies.ts'

const META = { apiVersion: 'resource.k8s.io/v1', metadata: { name: 'a', namespace: 'ns' } }
const context = { clock: { now: () => new Date(Date.UTC(2026, 0, 1)) } } as unknown as RequestContext
const namespaces = (labels: Record<string, string>): StoredObjects =>
  ({
    peek: () => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns', labels } }),
  }) as unknown as StoredObjects

const DEVICE = { driver: 'd', pool: 'p', device: 'a' }
const claim = (status: ResourceClaimStatus): ResourceClaim => ({ ...META, kind: 'ResourceClaim', spec: {}, status })
const allocated = (...results: object[]): ResourceClaimStatus =>
  ({ allocation: { devices: { results } } }) as unknown as ResourceClaimStatus

describe('the status of devices', () => {
  it('goes with their allocation', () => {
    const other = { ...DEVICE, device: 'b' }
    const draft = claim({ ...allocated(other), devices: [DEVICE, other, { ...DEVICE, device: 'never' }] })
    resourceClaimStatusStrategy({ objects: namespaces({}) } as RegistryDeps).prepareForUpdate?.(
      draft,
      claim(allocated(DEVICE, other)),
      context,
    )
    expect(draft.status?.devices?.map(({ device }) => device)).toEqual(['b', 'never'])
  })

  it('leaves nothing behind', () => {
    const draft = claim({ devices: [DEVICE] })
    resourceClaimStatusStrategy({ objects: namespaces({}) } as RegistryDeps).prepareForUpdate?.(
      draft,
      claim(allocated(DEVICE)),
      context,
    )
    expect(draft.status).toEqual({})
  })
})

it('asks the namespace for admin access', () => {
  const requests = [{ name: 'a', exactly: { deviceClassName: 'a', allocationMode: 'All', adminAccess: true } }]
  const wanted: ResourceClaim = { ...META, kind: 'ResourceClaim', spec: { devices: { requests } } }
  const errors = (labels: Record<string, string>) =>
    resourceClaimStrategy(namespaces(labels)).validate?.(wanted, context)
  expect(errors({})?.map(({ type }) => type)).toEqual(['FieldValueForbidden'])
  expect(errors({ 'resource.kubernetes.io/admin-access': 'true' })).toEqual([])
})

describe('slices', () => {
  const slice = (device: Device): ResourceSlice => ({
    ...META,
    kind: 'ResourceSlice',
    spec: { driver: 'd', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [device] },
  })
  const device = (): Device => ({
    name: 'a',
    attributes: { a: { ints: [1] }, b: { int: 1 } },
    nodeAllocatableResourceMappings: { cpu: { capacityKey: 'cpu' } },
    taints: [
      { key: 'a', effect: 'None' },
      { key: 'b', effect: 'None', timeAdded: '2025-01-01T00:00:00Z' },
    ],
  })
  const prepared = (isGateEnabled: IsGateEnabled, old?: ResourceSlice): Device | undefined => {
    const draft = slice(device())
    const strategy = resourceSliceStrategy(isGateEnabled)
    if (old === undefined) strategy.prepareForCreate?.(draft, context)
    else strategy.prepareForUpdate?.(draft, old, context)
    return draft.spec.devices?.[0]
  }

  it('date their taints', () => {
    expect(prepared(() => true)?.taints?.map(({ timeAdded }) => timeAdded)).toEqual([
      '2026-01-01T00:00:00Z',
      '2025-01-01T00:00:00Z',
    ])
  })

  it.each<[string, Device | undefined]>([
    ['drop what gates hide', prepared(ALL_GATES_OFF)],
    ['drop it on update', prepared(ALL_GATES_OFF, slice({ name: 'a' }))],
  ])('%s', (_name, found) => {
    expect(found?.attributes).toEqual({ a: {}, b: { int: 1 } })
    expect(found?.nodeAllocatableResourceMappings).toBeUndefined()
  })

  it('keep it where it is stored', () => {
    const { attributes, nodeAllocatableResourceMappings } = device()
    expect(prepared(ALL_GATES_OFF, slice(device()))).toMatchObject({ attributes, nodeAllocatableResourceMappings })
  })
})
