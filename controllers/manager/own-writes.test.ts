import { describe, expect, it } from 'vitest'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import { Store } from '#machinery/informers/store.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { OwnWrites } from './own-writes.ts'

const map = (name: string, resourceVersion: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name, resourceVersion },
})

function start() {
  const cache = new Store<ConfigMap>()
  const clock = new FakeClock()
  return { cache, clock, writes: new OwnWrites(cache, clock) }
}

describe('OwnWrites', () => {
  it('waits until the cache shows what was written, or something newer', () => {
    const { cache, writes } = start()
    expect(writes.waitMs('owner')).toBeUndefined()
    cache.set(map('a', '9'))
    writes.wrote('owner', map('a', '10'))
    writes.wrote('owner', map('b', '11'))
    expect(writes.waitMs('owner')).toBe(30_000)
    expect(writes.waitMs('another')).toBeUndefined()
    cache.set(map('a', '100'))
    expect(writes.waitMs('owner')).toBe(30_000)
    cache.set(map('b', '11'))
    expect(writes.waitMs('owner')).toBeUndefined()
  })

  it('stops waiting for a child that has gone, and after half a minute', () => {
    const { clock, writes } = start()
    writes.wrote('owner', map('a', '10'))
    writes.childGone('owner', map('a', '12'))
    expect(writes.waitMs('owner')).toBeUndefined()
    writes.wrote('owner', map('b', '11'))
    clock.advance(20_000)
    expect(writes.waitMs('owner')).toBe(10_000)
    clock.advance(10_000)
    expect(writes.waitMs('owner')).toBeUndefined()
  })
})
