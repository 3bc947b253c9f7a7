import { describe, expect, it } from 'vitest'
import { endOfPrefix, SortedMap } from './sorted-map.ts'

/** A small linear congruential generator: the same operations on every run. */
function seeded(seed: number): (maxExclusive: number) => number {
  let state = seed
  return (maxExclusive) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % maxExclusive
  }
}

function collect(map: SortedMap<number>, start: string, end?: string): [string, number][] {
  const found: [string, number][] = []
  map.scan(start, end, (value, key) => {
    found.push([key, value])
    return true
  })
  return found
}

describe('SortedMap', () => {
  it.each([1, 2, 3])('behaves like a sorted array of entries (seed %d)', (seed) => {
    const next = seeded(seed)
    const map = new SortedMap<number>()
    const model = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const key = `k${String(next(3000)).padStart(5, '0')}`
      if (next(3) === 0) {
        expect(map.delete(key)).toBe(model.delete(key))
      } else {
        map.set(key, i)
        model.set(key, i)
      }
    }
    const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
    expect(map.size).toBe(model.size)
    expect(collect(map, '')).toEqual(sorted)
    for (let i = 0; i < 200; i++) {
      const start = `k${String(next(3000)).padStart(5, '0')}`
      const end = i % 3 === 0 ? undefined : `k${String(next(3100)).padStart(5, '0')}`
      const inRange = sorted.filter(([key]) => key >= start && (end === undefined || key < end))
      expect(collect(map, start, end)).toEqual(inRange)
      if (end === undefined || end >= start) expect(map.count(start, end)).toBe(inRange.length)
      expect(map.get(start)).toBe(model.get(start))
    }
    for (const key of model.keys()) map.delete(key)
    expect([map.size, collect(map, ''), map.get('k')]).toEqual([0, [], undefined])
  })

  it('stops a scan when told to', () => {
    const map = new SortedMap<number>()
    for (let i = 0; i < 1000; i++) map.set(String(i).padStart(4, '0'), i)
    let visited = 0
    map.scan('0100', undefined, (value) => {
      visited++
      return value < 700
    })
    expect(visited).toBe(601)
  })
})

describe('endOfPrefix', () => {
  it.each([
    ['/a/', '/a0'],
    ['', undefined],
    ['\uffff', undefined],
  ])('of %j is %j', (prefix, end) => {
    expect(endOfPrefix(prefix)).toBe(end)
  })
})
