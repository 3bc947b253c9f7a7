import { describe, expect, it } from 'vitest'
import { newNode } from '#test/support/service-world.ts'
import { allocate, isOverloaded, zoneShares } from './zone-shares.ts'

const inZone = (zone: string, cpu: string, labels = {}) =>
  newNode('n', { cpu, labels: { 'topology.kubernetes.io/zone': zone, ...labels } })

describe('zoneShares', () => {
  it.each([
    {
      name: 'by CPU',
      nodes: [inZone('a', '3'), inZone('b', '500m'), inZone('b', '500m')],
      expected: { a: 0.75, b: 0.25 },
    },
    { name: 'one zone', nodes: [inZone('a', '3')], expected: undefined },
    { name: 'a node without zone', nodes: [inZone('a', '3'), inZone('b', '1'), newNode('n')], expected: undefined },
    { name: 'a node without CPU', nodes: [inZone('a', '3'), inZone('b', '0')], expected: undefined },
    {
      name: 'control planes do not count',
      nodes: [inZone('a', '1'), inZone('b', '1'), inZone('', '9', { 'node-role.kubernetes.io/control-plane': '' })],
      expected: { a: 0.5, b: 0.5 },
    },
    {
      name: 'nor nodes that are not ready',
      nodes: [inZone('a', '1'), newNode('n', { isReady: false })],
      expected: undefined,
    },
  ])('$name', ({ nodes, expected }) => {
    const shares = zoneShares(nodes)
    expect(shares === undefined ? undefined : Object.fromEntries(shares)).toEqual(expected)
  })
})

describe('allocate', () => {
  const shares = new Map([
    ['a', 0.5],
    ['b', 0.5],
  ])
  it('leaves a fifth of play', () => {
    expect(allocate(shares, 6)).toEqual(
      new Map([
        ['a', { minimum: 3, maximum: 3, desired: 3 }],
        ['b', { minimum: 3, maximum: 3, desired: 3 }],
      ]),
    )
    expect((allocate(shares, 13) as Map<string, object>).get('a')).toEqual({ minimum: 6, maximum: 7, desired: 6.5 })
  })
  it.each([
    { name: 'no shares', shares: undefined, endpoints: 5, why: 'Insufficient Node information' },
    {
      name: 'fewer endpoints than zones',
      shares,
      endpoints: 1,
      why: 'Insufficient number of endpoints (1 endpoints, 2 zones)',
    },
    { name: 'no fair division', shares, endpoints: 3, why: 'Unable to allocate minimum required endpoints' },
  ])('refuses: $name', ({ shares, endpoints, why }) => expect(allocate(shares, endpoints)).toContain(why))
})

describe('isOverloaded', () => {
  const shares = new Map([
    ['a', 0.5],
    ['b', 0.5],
  ])
  it.each([
    { counts: {}, expected: false },
    { counts: { a: 5, b: 5 }, expected: false },
    { counts: { a: 10 }, expected: true },
    { counts: { a: 8, b: 2 }, expected: true },
  ])('$counts: $expected', ({ counts, expected }) =>
    expect(isOverloaded(new Map(Object.entries(counts) as [string, number][]), shares)).toBe(expected),
  )
})
