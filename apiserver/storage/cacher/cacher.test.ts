import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { StorageWatcher } from '../interface.ts'
import { StorageError } from '../interface.ts'
import { MemoryStorage } from '../memory/storage.ts'
import { createCacher } from './cacher.ts'
import { createPod, LIST, POD_STORE, RecordingSink, WATCH } from './fixture.ts'

/** A storage whose watch can be cut, and fails to come back a few times. */
class FlakyStorage extends MemoryStorage {
  failures = 0
  cut: () => void = () => {}

  override async watch(prefix: string, after: number, watcher: StorageWatcher, signal: AbortSignal): Promise<void> {
    if (this.failures > 0) {
      this.failures--
      throw new StorageError('Unavailable', prefix)
    }
    const aborter = new AbortController()
    this.cut = () => {
      aborter.abort()
      watcher.onError(new StorageError('Unavailable', prefix))
    }
    await super.watch(prefix, after, watcher, AbortSignal.any([signal, aborter.signal]))
  }
}

const POD = Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"ns","name":"other"}}')

describe('a cacher whose storage watch is lost', () => {
  it('ends the watches, reads everything anew, and goes on', async () => {
    const clock = new FakeClock()
    const storage = new FlakyStorage({ clock })
    const cacher = createCacher(storage, clock)
    const pods = cacher.openStore(POD_STORE)
    const a = await createPod(pods, 'ns/a')
    await createPod(pods, 'ns/b')
    const sink = new RecordingSink()
    await pods.watch(WATCH, sink, new AbortController().signal)

    storage.failures = 2
    storage.cut()
    await storage.create('/registry/pods/ns/other', POD)
    await storage.delete(a.key, a.revision)
    expect(sink.ends).toEqual(['closed'])
    const listing = pods.list(LIST)
    const creating = createPod(pods, 'ns/c')
    await clock.advanceInSteps(4000, 500)

    const names = (await listing).items.map(({ object }) => object.metadata.name)
    expect(names).toEqual(expect.arrayContaining(['b', 'other']))
    expect(names).not.toContain('a')
    await creating
    expect(pods.peekAll('ns').map(({ object }) => object.metadata.name)).toEqual(['b', 'c', 'other'])
    const again = new RecordingSink()
    await pods.watch({ ...WATCH, sendInitialEvents: false }, again, new AbortController().signal)
    await createPod(pods, 'ns/d')
    expect(again.lines).toEqual(['ADDED ns/d@7'])
    cacher.close()
    expect(again.ends).toEqual(['closed'])
  })

  it('comes up when the first watch fails', async () => {
    const clock = new FakeClock()
    const storage = new FlakyStorage({ clock })
    storage.failures = 1
    const pods = createCacher(storage, clock).openStore(POD_STORE)
    const creating = createPod(pods, 'ns/a')
    await clock.advanceInSteps(2000, 500)
    expect((await creating).revision).toBe(2)
  })
})
