import { expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FailedPodBackoff } from './failed-pod-backoff.ts'

it('waits twice as long after every failure, up to a quarter of an hour, and forgets after twice that', () => {
  const clock = new FakeClock()
  const backoff = new FailedPodBackoff(clock)
  for (const delayMs of [1_000, 2_000, 4_000, 8_000]) {
    expect(backoff.attempt('a', 1, 'node')).toBe(0)
    expect(backoff.attempt('a', 1, 'node')).toBe(delayMs)
    clock.advance(delayMs)
  }
  for (let i = 0; i < 30; i++) clock.advance(backoff.attempt('a', 1, 'node'))
  backoff.attempt('a', 1, 'node')
  expect(backoff.attempt('a', 1, 'node')).toBe(15 * 60_000)
  clock.advance(31 * 60_000)
  expect(backoff.attempt('a', 1, 'node')).toBe(0)
  expect(backoff.attempt('a', 1, 'node')).toBe(1_000)
})

it('counts per node, and anew for another generation or a node that was gone', () => {
  const backoff = new FailedPodBackoff(new FakeClock())
  expect(backoff.attempt('a', 1, 'one')).toBe(0)
  expect(backoff.attempt('a', 1, 'two')).toBe(0)
  expect(backoff.attempt('a', 1, 'one')).toBe(1_000)
  expect(backoff.attempt('a', 2, 'one')).toBe(0)
  backoff.keepOnly('a', new Set(['two']))
  expect(backoff.attempt('a', 2, 'one')).toBe(0)
})
