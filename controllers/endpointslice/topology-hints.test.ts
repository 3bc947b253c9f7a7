import { describe, expect, it } from 'vitest'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { newService } from '#test/support/service-world.ts'
import type { SlicePlan } from './slice-plan.ts'
import { TopologyHints } from './topology-hints.ts'

const service = newService('web', {})

/** One letter per endpoint: its zone; a capital: not ready. A dot: ready and without zone. */
const slice = (endpoints: string, hints = ''): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: endpoints },
  addressType: 'IPv4',
  endpoints: [...endpoints].map((letter, i) => ({
    addresses: [`10.0.0.${i}`],
    conditions: { ready: letter !== letter.toUpperCase() || letter === '.' },
    ...(letter === '.' ? {} : { zone: letter.toLowerCase() }),
    ...(hints[i] === undefined || hints[i] === '-' ? {} : { hints: { forZones: [{ name: hints[i] }] } }),
  })),
})

const planOf = (plan: Partial<SlicePlan>): SlicePlan => ({ create: [], update: [], remove: [], unchanged: [], ...plan })

const hintsOf = ({ endpoints = [] }: EndpointSlice): string =>
  endpoints.map(({ hints }) => hints?.forZones?.map(({ name }) => name).join('') ?? '-').join('')

function topologyOf(shares: Readonly<Record<string, number>> | undefined): TopologyHints {
  const topology = new TopologyHints()
  topology.setShares(shares === undefined ? undefined : new Map(Object.entries(shares)))
  return topology
}

/** Upstream's TestAddHints. */
describe('hints in proportion to the CPU of the zones', () => {
  it.each<[string, Record<string, number> | undefined, Partial<SlicePlan>, string[], string]>([
    [
      'none without shares',
      undefined,
      { create: [slice('a')] },
      ['-'],
      'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
    ],
    [
      'none with more zones than endpoints',
      { a: 0.3, b: 0.4, c: 0.3 },
      { create: [slice('ab')] },
      ['--'],
      'Insufficient number of endpoints (2 endpoints, 3 zones)',
    ],
    [
      'none when some zone would be overloaded',
      { a: 0.45, b: 0.3, c: 0.25 },
      { create: [slice('abc')] },
      ['---'],
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)',
    ],
    [
      'none with an endpoint without zone',
      { a: 0.5, b: 0.5 },
      { create: [slice('a.')] },
      ['--'],
      'One or more endpoints do not have a zone specified',
    ],
    [
      'each to its zone',
      { a: 0.45, b: 0.55 },
      { create: [slice('ab')] },
      ['ab'],
      'Topology Aware Hints has been enabled',
    ],
    [
      'only ready ones',
      { a: 0.45, b: 0.55 },
      { create: [slice('abBB')] },
      ['ab--'],
      'Topology Aware Hints has been enabled',
    ],
    [
      'one of five moves to the zone that lacks one',
      { a: 0.35, b: 0.35, c: 0.3 },
      { create: [slice('ab'), slice('cca')], update: [slice('aa'), slice('bca')] },
      ['bb', 'cca', 'aa', 'bca'],
      'Topology Aware Hints has been enabled',
    ],
    [
      'slices that fit stay as they are',
      { a: 0.5, b: 0.5 },
      { create: [slice('ab')], unchanged: [slice('ab', 'ab')] },
      ['ab'],
      'Topology Aware Hints has been enabled',
    ],
    [
      'slices that lack a hint are written, too',
      { a: 0.5, b: 0.5 },
      { unchanged: [slice('ab', 'a-')] },
      ['ab'],
      'Topology Aware Hints has been enabled',
    ],
    [
      'and those with a hint for a zone that is gone',
      { a: 0.5, b: 0.5 },
      { unchanged: [slice('ab', 'ac')] },
      ['ab'],
      'Topology Aware Hints has been enabled',
    ],
  ])('%s', (_what, shares, facts, expected, message) => {
    const plan = planOf(facts)
    const events = topologyOf(shares).add(plan, service, 'IPv4')
    expect([...plan.create, ...plan.update].map(hintsOf)).toEqual(expected)
    expect(events.map((event) => event.message)).toEqual([`${message}, addressType: IPv4`])
  })

  it('says once for both address types that there are hints, and that there are none any more', () => {
    const topology = topologyOf({ a: 0.5, b: 0.5 })
    const add = (type: 'IPv4' | 'IPv6') =>
      topology.add(planOf({ create: [slice('ab')] }), service, type).map(({ reason }) => reason)
    expect([add('IPv4'), add('IPv6'), add('IPv4')]).toEqual([['TopologyAwareHintsEnabled'], [], []])
    const ended = (['IPv4', 'IPv6'] as const).map((type) => topology.forgetType(service, type))
    expect(ended.map((events) => events.length)).toEqual([1, 0])
    expect(add('IPv6')).toEqual(['TopologyAwareHintsEnabled'])
  })
})
