import { describe, expect, it } from 'vitest'
import { nextRange, ttlSeconds } from './node-ttl.ts'

describe('the TTL of a cluster', () => {
  it.each([
    [0, 1, 0],
    [0, 100, 0],
    [0, 101, 15],
    [1, 95, 15],
    [1, 89, 0],
    [0, 501, 30],
    [0, 5_000, 300],
    [4, 1_900, 300],
    [4, 1_700, 60],
    [4, 0, 0],
  ])('from range %i with %i nodes is %i s', (range, nodes, seconds) => {
    expect(ttlSeconds(nextRange(range, nodes))).toBe(seconds)
  })
})
