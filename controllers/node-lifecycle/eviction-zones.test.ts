import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { EvictionRates, ZoneCount, ZoneState } from './eviction-zones.ts'
import { EvictionZones, zoneOf, zoneState } from './eviction-zones.ts'

const RATES: EvictionRates = { normal: 0.1, secondary: 0.01, largeZoneNodes: 50, unhealthyShare: 0.55 }
const counts = (zones: Record<string, [ready: number, notReady: number]>): Map<string, ZoneCount> =>
  new Map(Object.entries(zones).map(([zone, [ready, notReady]]) => [zone, { ready, notReady }]))

describe('zoneState', () => {
  it.each<[number, number, ZoneState]>([
    [0, 0, 'Normal'],
    [1, 0, 'Normal'],
    [0, 1, 'FullDisruption'],
    [1, 2, 'Normal'],
    [2, 3, 'PartialDisruption'],
    [3, 3, 'Normal'],
    [9, 11, 'PartialDisruption'],
    [10, 12, 'Normal'],
  ])('%i ready, %i not', (ready, notReady, expected) => {
    expect(zoneState({ ready, notReady }, RATES.unhealthyShare)).toBe(expected)
  })
})

describe('zoneOf', () => {
  it.each([
    [{}, ''],
    [{ 'topology.kubernetes.io/zone': 'a' }, ':\0:a'],
    [{ 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'a' }, 'r:\0:a'],
    [{ 'failure-domain.beta.kubernetes.io/region': 'r' }, 'r:\0:'],
  ])('%j', (labels, expected) => {
    expect(zoneOf({ apiVersion: 'v1', kind: 'Node', metadata: { labels }, spec: {} })).toBe(expected)
  })
})

describe('eviction rates', () => {
  const rate = (zones: EvictionZones, zone: string): number => zones.queueOf(zone).perSecond

  it('slow down in a large zone that has lost most of its nodes, and stop in a small one', () => {
    const zones = new EvictionZones(new FakeClock(), RATES)
    zones.update(counts({ large: [20, 31], small: [2, 3], well: [3, 0], gone: [0, 2] }))
    expect(['large', 'small', 'well', 'gone'].map((zone) => rate(zones, zone))).toEqual([0.01, 0, 0.1, 0.1])
    zones.update(counts({ large: [51, 0], small: [5, 0], well: [3, 0], gone: [2, 0] }))
    expect(['large', 'small', 'well', 'gone'].map((zone) => rate(zones, zone))).toEqual([0.1, 0.1, 0.1, 0.1])
  })

  it('are zero while no node anywhere is ready', () => {
    const zones = new EvictionZones(new FakeClock(), RATES)
    expect(zones.update(counts({ a: [1, 1], b: [1, 0] }))).toBe('none')
    expect(zones.update(counts({ a: [0, 2], b: [0, 1] }))).toBe('all-lost')
    expect(rate(zones, 'a')).toBe(0)
    expect(zones.update(counts({ a: [0, 2], b: [0, 1] }))).toBe('none')
    expect(zones.update(counts({ a: [0, 2], b: [1, 0] }))).toBe('back')
    expect(rate(zones, 'a')).toBe(0.1)
    expect(zones.update(new Map())).toBe('none')
  })
})

/** Small deterministic generator: the seed is the test's name. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

describe.each(Array.from({ length: 20 }, (_, seed) => seed))('a random outage, seed %i', (seed) => {
  it('never lets more nodes through than one at once and one per ten seconds in each zone', async () => {
    const random = randomOf(seed)
    const clock = new FakeClock()
    const zones = new EvictionZones(clock, RATES)
    const nodes = Array.from({ length: 40 }, (_, i) => ({ name: `n${i}`, zone: `z${i % 3}`, isReady: true }))
    const passed = new Map<string, number[]>()
    for (let second = 0; second < 600; second++) {
      for (const node of nodes) if (random() < 0.01) node.isReady = !node.isReady
      const tally = new Map<string, ZoneCount>()
      for (const { zone, isReady, name } of nodes) {
        const count = tally.get(zone) ?? { ready: 0, notReady: 0 }
        tally.set(zone, count)
        if (isReady) count.ready++
        else count.notReady++
        if (isReady) zones.remove(name)
        else zones.queueOf(zone).add(name)
      }
      if (zones.update(tally) === 'all-lost') for (const { name } of nodes) zones.remove(name)
      const areAllLost = nodes.every(({ isReady }) => !isReady)
      for (const zone of tally.keys())
        await zones.queueOf(zone).letThrough((name) => {
          expect(areAllLost).toBe(false)
          expect(nodes.find((node) => node.name === name)).toMatchObject({ zone, isReady: false })
          passed.set(zone, [...(passed.get(zone) ?? []), clock.monotonicMs()])
          return Promise.resolve(true)
        })
      clock.advance(1_000)
    }
    expect(passed.size).toBe(3)
    for (const times of passed.values())
      for (let i = 1; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(9_999)
  })
})
