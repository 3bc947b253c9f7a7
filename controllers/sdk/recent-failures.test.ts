import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { RecentFailures } from './recent-failures.ts'

describe('RecentFailures', () => {
  it('counts failures in a row and forgets a key that succeeded', () => {
    const clock = new FakeClock()
    const failures = new RecentFailures(clock)
    failures.failed('default/a', new Error('first'))
    failures.failed('default/b', 'no error object')
    clock.advance(5_000)
    failures.failed('default/a', new Error('second'))
    expect(failures.list()).toEqual([
      { key: 'default/b', error: 'no error object', time: '2026-01-01T00:00:00Z', count: 1 },
      { key: 'default/a', error: 'second', time: '2026-01-01T00:00:05Z', count: 2 },
    ])
    failures.succeeded('default/a')
    expect(failures.list().map(({ key }) => key)).toEqual(['default/b'])
  })

  it('keeps the newest twenty', () => {
    const failures = new RecentFailures(new FakeClock())
    for (let i = 0; i < 100; i++) failures.failed(`default/${i}`, new Error('x'.repeat(10_000)))
    expect(failures.list().map(({ key }) => key)).toEqual(Array.from({ length: 20 }, (_, i) => `default/${80 + i}`))
    expect(failures.list().every(({ error }) => error.length === 500)).toBe(true)
  })
})
