import { expect, it } from 'vitest'
import { makeNode } from '#test/support/scheduling.ts'
import { TopologyCounts } from './topology-counts.ts'

const a = makeNode({ name: 'a', labels: { zone: 'x' } })
const b = makeNode({ name: 'b', labels: { zone: 'y' } })
const bare = makeNode({ name: 'bare' })

it('counts by domain, and knows when nothing is left', () => {
  const counts = new TopologyCounts()
  counts.add(bare, 'zone', 1)
  expect(counts.isEmpty).toBe(true)
  counts.add(a, 'zone', 2)
  counts.add(b, 'zone', 1)
  expect([counts.count(a, 'zone'), counts.count(b, 'zone'), counts.count(bare, 'zone')]).toEqual([2, 1, 0])
  counts.add(a, 'zone', -2)
  counts.add(b, 'zone', -1)
  expect(counts.isEmpty).toBe(true)
})

it('keeps copies, and copies of copies, apart', () => {
  const counts = new TopologyCounts()
  counts.add(a, 'zone', 1)
  const copy = counts.clone()
  copy.add(a, 'zone', -1)
  const second = copy.clone()
  second.add(b, 'other', 1)
  second.add(b, 'zone', 1)
  expect([counts.isEmpty, copy.isEmpty, second.isEmpty]).toEqual([false, true, false])
  expect([counts.count(a, 'zone'), copy.count(a, 'zone'), second.count(b, 'zone')]).toEqual([1, 0, 1])
  expect([copy.count(b, 'zone'), [...second.keys()]]).toEqual([0, ['zone']])
})
