import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { CacheEntry } from './cache-entry.ts'
import { CacheEvent } from './cache-event.ts'
import { EncodedBudget } from './encoded-budget.ts'
import { EventWindow } from './event-window.ts'

const MINUTE_MS = 60_000
const settings = { isFrozen: false, encoded: new EncodedBudget(), representations: new EncodedBudget() }
let clock: FakeClock
let window: EventWindow
let revision: number

beforeEach(() => {
  clock = new FakeClock()
  window = new EventWindow(clock, 10)
  revision = 10
})

function push(count: number, bytes = 10): void {
  for (let i = 0; i < count; i++) {
    revision++
    const key = `/k/${revision % 7}`
    const previous = revision > 17 ? new CacheEntry(key, revision - 7, Buffer.alloc(0), settings) : undefined
    window.push(
      new CacheEvent(revision, key, new CacheEntry(key, revision, Buffer.alloc(0), settings), previous),
      bytes,
    )
  }
}

const revisionsAfter = (after: number): number[] => window.after(after).map((event) => event.revision)

describe('EventWindow', () => {
  it('has everything since the list at first', () => {
    expect([window.floor, revisionsAfter(10)]).toEqual([10, []])
    push(3)
    expect([window.floor, revisionsAfter(10), revisionsAfter(12), revisionsAfter(99)]).toEqual([
      10,
      [11, 12, 13],
      [13],
      [],
    ])
  })

  it('keeps a hundred old events, and all fresh ones', () => {
    push(100)
    clock.advance(6 * MINUTE_MS)
    push(50)
    expect([window.floor, revisionsAfter(window.floor).length]).toEqual([60, 100])
    push(3000)
    expect(window.floor).toBe(110)
    expect(revisionsAfter(window.floor)).toHaveLength(revision - window.floor)
  })

  it('holds ten thousand events at most', () => {
    push(25_000)
    expect(revisionsAfter(window.floor)).toHaveLength(10_000)
    expect(window.floor).toBe(revision - 10_000)
  })

  it('shrinks when its events have aged', () => {
    push(1000)
    for (let i = 0; i < 10; i++) {
      clock.advance(6 * MINUTE_MS)
      push(100)
    }
    expect(revisionsAfter(window.floor).length).toBeLessThanOrEqual(200)
  })

  it('pins 32 MiB at most', () => {
    push(100, 1024 * 1024)
    expect(revisionsAfter(window.floor)).toHaveLength(32)
  })

  it('knows every changed key as it was', () => {
    push(20) // 11..30 over seven keys
    const versions = window.undoTo(26)
    expect([...versions].map(([key, entry]) => [key, entry?.revision])).toEqual([
      ['/k/6', 20],
      ['/k/0', 21],
      ['/k/1', 22],
      ['/k/2', 23],
    ])
    expect([...window.undoTo(10)].map(([, entry]) => entry)).toEqual(Array(7).fill(undefined))
  })
})
