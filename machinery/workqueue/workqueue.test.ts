/** The queue's promises: no duplicates, no key in two hands, delays by the clock. */
import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createDefaultRateLimiter, ExponentialBackoff, TokenBucket } from './rate-limiter.ts'
import { WorkQueue } from './workqueue.ts'

function newQueue(): { clock: FakeClock; queue: WorkQueue } {
  const clock = new FakeClock()
  return { clock, queue: new WorkQueue({ clock }) }
}

describe('WorkQueue', () => {
  it('hands out each key once however often it was added', async () => {
    const { queue } = newQueue()
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    expect(queue.depth).toBe(2)
    expect([await queue.take(), await queue.take()]).toEqual(['a', 'b'])
  })

  it('brings a key back after done when it was added while being worked on', async () => {
    const { queue } = newQueue()
    queue.add('a')
    expect(await queue.take()).toBe('a')
    queue.add('a')
    expect(queue.depth).toBe(0)
    queue.done('a')
    expect(await queue.take()).toBe('a')
  })

  it('gives a key to a waiting worker at once', async () => {
    const { queue } = newQueue()
    const taken = queue.take()
    queue.add('a')
    expect(await taken).toBe('a')
    expect(queue.depth).toBe(0)
  })

  it('adds delayed keys in order of their due time, the earliest request counting', () => {
    const { clock, queue } = newQueue()
    queue.addAfter('late', 5_000)
    queue.addAfter('early', 1_000)
    queue.addAfter('late', 2_000)
    queue.addAfter('late', 9_000)
    clock.advance(999)
    expect(queue.depth).toBe(0)
    clock.advance(1)
    expect(queue.depth).toBe(1)
    clock.advance(1_000)
    expect(queue.depth).toBe(2)
    expect(queue.delayedCount).toBe(0)
    clock.advance(60_000)
    expect(queue.depth).toBe(2)
  })

  it('keeps hundreds of delayed keys in due order', async () => {
    const { clock, queue } = newQueue()
    const delays = Array.from({ length: 300 }, (_, i) => ((i * 7919) % 300) + 1)
    for (const delay of delays) queue.addAfter(`k${delay}`, delay)
    clock.advance(300)
    const order: number[] = []
    for (let i = 0; i < 300; i++) order.push(Number((await queue.take())?.slice(1)))
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(new Set(order).size).toBe(300)
  })

  it('waits longer after each failure and starts anew after forget', () => {
    const { clock, queue } = newQueue()
    queue.addRateLimited('a')
    queue.addRateLimited('a')
    expect(queue.retries('a')).toBe(2)
    clock.advance(5)
    expect(queue.depth).toBe(1)
    queue.forget('a')
    expect(queue.retries('a')).toBe(0)
  })

  it('releases waiting workers when shut down and takes nothing more', async () => {
    const { queue } = newQueue()
    const waiting = queue.take()
    queue.shutDown()
    queue.add('a')
    expect(await waiting).toBeUndefined()
    expect(await queue.take()).toBeUndefined()
  })

  it('measures what has been worked on so far', async () => {
    const { clock, queue } = newQueue()
    queue.add('a')
    queue.add('b')
    await queue.take()
    clock.advance(2_000)
    await queue.take()
    clock.advance(1_000)
    expect(queue.unfinishedWorkSeconds()).toBe(4)
    expect(queue.longestRunningSeconds()).toBe(3)
  })
})

describe('rate limiters', () => {
  it('doubles from 5 ms to 1000 s', () => {
    const backoff = new ExponentialBackoff()
    const delays = Array.from({ length: 19 }, () => backoff.nextDelayMs('a'))
    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40])
    expect(delays.at(-1)).toBe(1_000_000)
  })

  it('lets a burst through and then ten per second', () => {
    const clock = new FakeClock()
    const limiter = createDefaultRateLimiter(clock)
    for (let i = 0; i < 100; i++) expect(limiter.nextDelayMs(`k${i}`)).toBe(5)
    expect(limiter.nextDelayMs('x')).toBe(100)
    expect(limiter.nextDelayMs('y')).toBe(200)
  })

  it('earns tokens with time, up to the burst', () => {
    const clock = new FakeClock()
    const bucket = new TokenBucket({ qps: 1, burst: 2 }, clock)
    expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false])
    clock.advance(1_000)
    expect([bucket.tryTake(), bucket.tryTake()]).toEqual([true, false])
    clock.advance(60_000)
    expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, true, false])
  })
})
