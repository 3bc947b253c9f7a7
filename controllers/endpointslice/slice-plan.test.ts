import { describe, expect, it } from 'vitest'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { newNode, newPod, newService } from '#test/support/service-world.ts'
import { desiredEndpoints } from './desired-endpoints.ts'
import { planSlices, recycle } from './slice-plan.ts'

const service = newService('web', { clusterIP: '10.43.0.1', clusterIPs: ['10.43.0.1'], ipFamilies: ['IPv4'] })
service.metadata.uid = 'service-uid'
const labels = { app: 'web' }
const pod = (i: number, facts = {}) => newPod(`p${i}`, { labels, ips: [`10.0.0.${i}`], ...facts })
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

function plan(pods: readonly ReturnType<typeof pod>[], existing: readonly EndpointSlice[], of = service) {
  const { groups } = desiredEndpoints(of, pods, (name) => newNode(name), 'IPv4')
  const made = planSlices({ service: of, addressType: 'IPv4', existing, groups, endpointsMax: 3 })
  recycle(made, of)
  return made
}

/** The slices after the plan, named as a server would. */
function slicesAfter({ create, update, unchanged }: ReturnType<typeof plan>): EndpointSlice[] {
  const named = create.map((slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `new-${i}` } }))
  return [...(unchanged as EndpointSlice[]), ...update, ...named]
}

const ipsOf = ({ endpoints = [] }: EndpointSlice) => endpoints.map(({ addresses }) => addresses.join())
const counts = ({ create, update, remove, unchanged }: ReturnType<typeof plan>) => ({
  create: create.length,
  update: update.length,
  remove: remove.length,
  unchanged: unchanged.length,
})

describe('planSlices', () => {
  it('fills slices one by one', () => {
    const made = plan(
      numbers(1, 7).map((i) => pod(i)),
      [],
    )
    expect(made.create.map((slice) => ipsOf(slice).length)).toEqual([3, 3, 1])
  })

  it('has a placeholder for nobody, and leaves it', () => {
    const made = plan([], [])
    expect(made.create).toMatchObject([{ endpoints: [], ports: [], metadata: { generateName: 'web-' } }])
    expect(counts(plan([], slicesAfter(made)))).toEqual({ create: 0, update: 0, remove: 0, unchanged: 1 })
  })

  it('turns the placeholder into the first slice and back', () => {
    const placeholder = slicesAfter(plan([], []))
    const first = plan([pod(1)], placeholder)
    expect(counts(first)).toEqual({ create: 0, update: 1, remove: 0, unchanged: 0 })
    expect(first.update[0]?.metadata.name).toBe('new-0')
    expect(counts(plan([], slicesAfter(first)))).toEqual({ create: 0, update: 1, remove: 0, unchanged: 0 })
  })

  it('changes nothing when nothing changed', () => {
    const slices = slicesAfter(
      plan(
        numbers(1, 7).map((i) => pod(i)),
        [],
      ),
    )
    expect(
      counts(
        plan(
          numbers(1, 7).map((i) => pod(i)),
          slices,
        ),
      ),
    ).toEqual({ create: 0, update: 0, remove: 0, unchanged: 3 })
  })

  it('fills the slice that changes anyway, before one with room', () => {
    const slices = slicesAfter(
      plan(
        numbers(1, 7).map((i) => pod(i)),
        [],
      ),
    )
    const made = plan(
      [...numbers(2, 7), 8].map((i) => pod(i)),
      slices,
    )
    expect(counts(made)).toEqual({ create: 0, update: 1, remove: 0, unchanged: 2 })
    expect(made.update.map(ipsOf)).toEqual([['10.0.0.2', '10.0.0.3', '10.0.0.8']])
  })

  it('puts a new endpoint where there is room', () => {
    const slices = slicesAfter(
      plan(
        numbers(1, 4).map((i) => pod(i)),
        [],
      ),
    )
    const made = plan(
      numbers(1, 5).map((i) => pod(i)),
      slices,
    )
    expect(made.update.map(ipsOf)).toEqual([['10.0.0.4', '10.0.0.5']])
  })

  it('makes a new slice when no single one has room for all', () => {
    const slices = slicesAfter(
      plan(
        numbers(1, 5).map((i) => pod(i)),
        [],
      ),
    )
    const made = plan(
      numbers(1, 7).map((i) => pod(i)),
      slices,
    )
    expect(counts(made)).toEqual({ create: 1, update: 0, remove: 0, unchanged: 2 })
  })

  it('changes conditions in place and deletes a slice that is empty', () => {
    const slices = slicesAfter(
      plan(
        numbers(1, 4).map((i) => pod(i)),
        [],
      ),
    )
    const made = plan([pod(1), pod(2, { isReady: false }), pod(3)], slices)
    expect(counts(made)).toEqual({ create: 0, update: 1, remove: 1, unchanged: 0 })
    expect(made.update[0]?.endpoints?.map(({ conditions }) => conditions?.ready)).toEqual([true, false, true])
  })

  it('removes the slices of an earlier Service of the name', () => {
    const slices = slicesAfter(plan([pod(1)], []))
    const next = { ...service, metadata: { ...service.metadata, uid: 'another' } }
    expect(counts(plan([pod(1)], slices, next))).toEqual({ create: 1, update: 0, remove: 1, unchanged: 0 })
  })

  it('follows the labels of the Service', () => {
    const slices = slicesAfter(plan([pod(1)], []))
    const relabelled = { ...service, metadata: { ...service.metadata, labels: { team: 'a' } } }
    const made = plan([pod(1)], slices, relabelled)
    expect(made.update[0]?.metadata.labels).toMatchObject({ team: 'a', 'kubernetes.io/service-name': 'web' })
  })
})
