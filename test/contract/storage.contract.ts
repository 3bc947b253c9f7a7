/** What every Storage driver must do. Run for each of them by storage.test.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Storage, StorageErrorCode, StorageEvent } from '#apiserver/storage/interface.ts'
import { StorageError } from '#apiserver/storage/interface.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const texts = (entries: readonly { key: string; value: Buffer }[]): string[] =>
  entries.map(({ key, value }) => `${key}=${value.toString()}`)

async function codeOf(write: Promise<unknown>): Promise<StorageErrorCode | 'none'> {
  try {
    await write
    return 'none'
  } catch (err) {
    expect(err).toBeInstanceOf(StorageError)
    return (err as StorageError).code
  }
}

/** A watcher that remembers, and lets a test wait for the nth event. */
class Recorder {
  readonly events: StorageEvent[] = []
  readonly errors: StorageError[] = []
  readonly #aborter = new AbortController()
  #wake: () => void = () => {}

  onEvents(events: readonly StorageEvent[]): void {
    this.events.push(...events)
    this.#wake()
  }

  onError(error: StorageError): void {
    this.errors.push(error)
    this.#wake()
  }

  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  stop(): void {
    this.#aborter.abort()
  }

  async seen(count: number): Promise<string[]> {
    while (this.events.length < count) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.events.map(describeEvent)
  }
}

function describeEvent({ type, key, value, previousValue }: StorageEvent): string {
  return `${type} ${key} ${previousValue?.toString() ?? '-'}>${value.toString()}`
}

export function storageContract(name: string, makeStorage: (clock: FakeClock) => Promise<Storage>): void {
  describe(`storage contract: ${name}`, () => {
    let clock: FakeClock
    let storage: Storage

    beforeEach(async () => {
      clock = new FakeClock()
      storage = await makeStorage(clock)
    })

    afterEach(() => storage.close())

    async function startWatch(prefix: string, after: number): Promise<Recorder> {
      const recorder = new Recorder()
      await storage.watch(prefix, after, recorder, recorder.signal)
      return recorder
    }

    describe('writes', () => {
      it('gives every write the next revision, starting above 1', async () => {
        expect(await storage.currentRevision()).toBe(1)
        expect(await storage.create('/a', bytes('1'))).toEqual({ revision: 2 })
        expect(await storage.update('/a', bytes('2'), 2)).toEqual({ revision: 3 })
        expect(await storage.delete('/a', 3)).toEqual({ revision: 4 })
        expect(await storage.currentRevision()).toBe(4)
      })

      it('shows a write once it has resolved', async () => {
        await storage.create('/a', bytes('1'))
        expect(await storage.get('/a')).toMatchObject({
          key: '/a',
          value: bytes('1'),
          modRevision: 2,
          createRevision: 2,
        })
        await storage.update('/a', bytes('2'), 2)
        expect(await storage.get('/a')).toMatchObject({ value: bytes('2'), modRevision: 3, createRevision: 2 })
        await storage.delete('/a', 3)
        expect(await storage.get('/a')).toBeUndefined()
      })

      it.each<[string, (s: Storage) => Promise<unknown>, StorageErrorCode, number]>([
        ['create of an existing key', (s) => s.create('/a', bytes('x')), 'KeyExists', 2],
        ['update at an old revision', (s) => s.update('/a', bytes('x'), 1), 'Conflict', 2],
        ['update at a future revision', (s) => s.update('/a', bytes('x'), 99), 'Conflict', 2],
        ['update of a missing key', (s) => s.update('/b', bytes('x'), 2), 'KeyNotFound', 2],
        ['delete at an old revision', (s) => s.delete('/a', 1), 'Conflict', 2],
        ['delete of a missing key', (s) => s.delete('/b', 2), 'KeyNotFound', 2],
      ])('refuses the %s and changes nothing', async (_, write, code, revision) => {
        await storage.create('/a', bytes('1'))
        await expect(write(storage)).rejects.toMatchObject({ code, revision })
        expect(texts((await storage.list('/')).entries)).toEqual(['/a=1'])
        expect(await storage.currentRevision()).toBe(2)
      })

      it('starts a new life when a deleted key is created again', async () => {
        await storage.create('/a', bytes('1'))
        await storage.delete('/a', 2)
        await storage.create('/a', bytes('2'))
        expect(await storage.get('/a')).toMatchObject({ modRevision: 4, createRevision: 4 })
      })

      it('lets exactly one of many concurrent creates of a key win', async () => {
        const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(storage.create('/a', bytes('x')))))
        expect(codes.toSorted()).toEqual([...Array(19).fill('KeyExists'), 'none'])
        expect(await storage.currentRevision()).toBe(2)
      })

      it('lets exactly one of many concurrent updates at a revision win', async () => {
        await storage.create('/a', bytes('0'))
        const codes = await Promise.all(
          Array.from({ length: 20 }, (_, i) => codeOf(storage.update('/a', bytes(`${i}`), 2))),
        )
        expect(codes.filter((code) => code === 'none')).toHaveLength(1)
        expect(codes.filter((code) => code === 'Conflict')).toHaveLength(19)
      })

      it('checks writes of a key in the order they were issued', async () => {
        const results = await Promise.all([
          codeOf(storage.create('/a', bytes('1'))),
          codeOf(storage.delete('/a', 2)),
          codeOf(storage.create('/a', bytes('2'))),
          codeOf(storage.update('/a', bytes('3'), 4)),
          codeOf(storage.update('/a', bytes('4'), 4)),
        ])
        expect(results).toEqual(['none', 'none', 'none', 'none', 'Conflict'])
        expect(texts((await storage.list('/')).entries)).toEqual(['/a=3'])
      })

      it('keeps any bytes, none and many', async () => {
        const big = Buffer.alloc(3 * 1024 * 1024, Buffer.from([0, 255, 10, 200]))
        await Promise.all([storage.create('/empty', Buffer.alloc(0)), storage.create('/big', big)])
        expect((await storage.get('/empty'))?.value.length).toBe(0)
        expect((await storage.get('/big'))?.value.equals(big)).toBe(true)
      })
    })

    describe('list', () => {
      beforeEach(async () => {
        for (const key of ['/p/c', '/p/a', '/q/a', '/p/b', '/pp/a', '/p/b/x'])
          await storage.create(key, bytes(key.slice(-1)))
      })

      it('returns the keys of the prefix in order', async () => {
        const list = await storage.list('/p/')
        expect(texts(list.entries)).toEqual(['/p/a=a', '/p/b=b', '/p/b/x=x', '/p/c=c'])
        expect(list).toMatchObject({ revision: 7, remaining: 0 })
      })

      it.each([
        [undefined, 2, ['/p/a', '/p/b'], 2],
        ['/p/b\0', 2, ['/p/b/x', '/p/c'], 0],
        ['/p/b', 1, ['/p/b'], 2],
        ['/p/zzz', 1, [], 0],
        ['/a', 10, ['/p/a', '/p/b', '/p/b/x', '/p/c'], 0],
      ])('pages from %j with limit %d', async (startKey, limit, keys, remaining) => {
        for (const revision of [undefined, 7]) {
          const options = { limit, ...(startKey && { startKey }), ...(revision && { revision }) }
          const list = await storage.list('/p/', options)
          expect(list.entries.map(({ key }) => key)).toEqual(keys)
          expect(list.remaining).toBe(remaining)
        }
      })

      it('reads the past as it was', async () => {
        await storage.update('/p/a', bytes('A'), 3)
        await storage.delete('/p/b', 5)
        await storage.create('/p/b', bytes('B'))
        const at = async (revision: number) => texts((await storage.list('/p/', { revision })).entries)
        expect(await at(1)).toEqual([])
        expect(await at(3)).toEqual(['/p/a=a', '/p/c=c'])
        expect(await at(7)).toEqual(['/p/a=a', '/p/b=b', '/p/b/x=x', '/p/c=c'])
        expect(await at(8)).toEqual(['/p/a=A', '/p/b=b', '/p/b/x=x', '/p/c=c'])
        expect(await at(9)).toEqual(['/p/a=A', '/p/b/x=x', '/p/c=c'])
        const past = await storage.list('/p/', { revision: 8, limit: 1, startKey: '/p/b' })
        expect(past.entries).toMatchObject([{ key: '/p/b', modRevision: 5, createRevision: 5 }])
        expect(past).toMatchObject({ revision: 8, remaining: 2 })
      })

      it('refuses the future', async () => {
        await expect(storage.list('/p/', { revision: 8 })).rejects.toMatchObject({
          code: 'FutureRevision',
          revision: 7,
        })
      })
    })

    describe('watch', () => {
      it('delivers what was logged, then what comes, in order and once', async () => {
        await storage.create('/w/a', bytes('1'))
        await storage.create('/x/a', bytes('1'))
        await storage.update('/w/a', bytes('2'), 2)
        const recorder = await startWatch('/w/', 2)
        await storage.delete('/w/a', 4)
        await storage.create('/w/a', bytes('3'))
        await storage.create('/x/b', bytes('3'))
        expect(await recorder.seen(3)).toEqual(['put /w/a 1>2', 'delete /w/a 2>2', 'put /w/a ->3'])
        expect(recorder.events.map(({ revision, createRevision }) => [revision, createRevision])).toEqual([
          [4, 2],
          [5, 2],
          [6, 6],
        ])
      })

      it('misses nothing and repeats nothing while writes go on', async () => {
        const writes = (from: number) =>
          Promise.all(Array.from({ length: 200 }, (_, i) => storage.create(`/w/${from + i}`, bytes('x'))))
        await writes(0)
        const writing = [writes(1000), writes(2000)]
        const recorders = await Promise.all([startWatch('/w/', 1), startWatch('/w/', 100), startWatch('/w/', 201)])
        writing.push(writes(3000))
        await Promise.all(writing)
        for (const [recorder, first] of [
          [recorders[0], 2],
          [recorders[1], 101],
          [recorders[2], 202],
        ] as const) {
          await recorder?.seen(802 - first)
          const revisions = recorder?.events.map(({ revision }) => revision)
          expect(revisions).toEqual(Array.from({ length: 802 - first }, (_, i) => first + i))
        }
      })

      it('hands attachments to live watchers only', async () => {
        const attachment = { decoded: true }
        const live = await startWatch('/w/', 1)
        await storage.create('/w/a', bytes('1'), { attachment })
        await storage.delete('/w/a', 2, { attachment })
        await live.seen(2)
        expect(live.events.map((event) => event.attachment)).toEqual([attachment, attachment])
        const late = await startWatch('/w/', 1)
        expect(late.events.map((event) => event.attachment)).toEqual([undefined, undefined])
      })

      it('has delivered the logged events when it resolves', async () => {
        for (let i = 0; i < 50; i++) await storage.create(`/w/${i}`, bytes('x'))
        expect((await startWatch('/w/', 1)).events).toHaveLength(50)
      })

      it('shows events before it answers the writer', async () => {
        const recorder = await startWatch('/w/', 1)
        await storage.create('/w/a', bytes('1'))
        expect(recorder.events).toHaveLength(1)
      })

      it('keeps the order for all when a watcher writes', async () => {
        const first = new Recorder()
        let isFirst = true
        const writing = {
          onEvents: (events: readonly StorageEvent[]) => {
            first.onEvents(events)
            if (isFirst) void storage.create('/w/b', bytes('2'))
            isFirst = false
          },
          onError: () => {},
        }
        await storage.watch('/w/', 1, writing, first.signal)
        const second = await startWatch('/w/', 1)
        await storage.create('/w/a', bytes('1'))
        const expected = ['put /w/a ->1', 'put /w/b ->2']
        expect(await first.seen(2)).toEqual(expected)
        expect(await second.seen(2)).toEqual(expected)
      })

      it('ends with its signal', async () => {
        const recorder = await startWatch('/w/', 1)
        recorder.stop()
        await storage.create('/w/a', bytes('1'))
        expect(recorder.events).toEqual([])
      })
    })

    describe('compaction', () => {
      beforeEach(async () => {
        await storage.create('/c/a', bytes('1')) // 2
        await storage.create('/c/b', bytes('1'))
        await storage.update('/c/a', bytes('2'), 2) // 4
        await storage.delete('/c/b', 3)
        await storage.update('/c/a', bytes('3'), 4) // 6
      })

      it('refuses what lies below the point, and keeps what lies above', async () => {
        await storage.compact(5)
        expect(await storage.compactedRevision()).toBe(5)
        await expect(storage.list('/c/', { revision: 4 })).rejects.toMatchObject({ code: 'Compacted', revision: 5 })
        await expect(startWatch('/c/', 4)).rejects.toMatchObject({ code: 'Compacted', revision: 5 })
        expect(texts((await storage.list('/c/', { revision: 5 })).entries)).toEqual(['/c/a=2'])
        const recorder = await startWatch('/c/', 5)
        expect(await recorder.seen(1)).toEqual(['put /c/a 2>3'])
        expect(texts((await storage.list('/c/')).entries)).toEqual(['/c/a=3'])
      })

      it('may be repeated, and never goes back', async () => {
        await storage.compact(5)
        await storage.compact(5)
        await storage.compact(3)
        expect(await storage.compactedRevision()).toBe(5)
      })

      it('compacts all there is', async () => {
        await storage.delete('/c/a', 6)
        await storage.compact(7)
        expect((await storage.list('/c/', { revision: 7 })).entries).toEqual([])
        expect(await storage.create('/c/a', bytes('4'))).toEqual({ revision: 8 })
      })

      it('refuses the future', async () => {
        await expect(storage.compact(7)).rejects.toMatchObject({ code: 'FutureRevision' })
      })
    })

    describe('time to live', () => {
      it('deletes the key after it', async () => {
        const recorder = await startWatch('/t/', 1)
        await storage.create('/t/a', bytes('1'), { ttlSeconds: 60 })
        await storage.create('/t/b', bytes('1'), { ttlSeconds: 120 })
        clock.advance(59_000)
        expect(await storage.get('/t/a')).toBeDefined()
        clock.advance(2000)
        expect(await recorder.seen(3)).toContain('delete /t/a 1>1')
        expect(texts((await storage.list('/t/')).entries)).toEqual(['/t/b=1'])
        clock.advance(60_000)
        expect(await recorder.seen(4)).toContain('delete /t/b 1>1')
      })

      it('is that of the last write', async () => {
        const recorder = await startWatch('/t/', 1)
        await storage.create('/t/kept', bytes('1'), { ttlSeconds: 10 })
        await storage.update('/t/kept', bytes('2'), 2)
        await storage.create('/t/longer', bytes('1'), { ttlSeconds: 10 })
        await storage.update('/t/longer', bytes('2'), 4, { ttlSeconds: 100 })
        await storage.create('/t/end', bytes('1'), { ttlSeconds: 20 })
        clock.advance(30_000)
        expect((await recorder.seen(6)).at(-1)).toBe('delete /t/end 1>1')
        expect(texts((await storage.list('/t/')).entries)).toEqual(['/t/kept=2', '/t/longer=2'])
      })

      it('spares a key that was deleted and made again', async () => {
        const recorder = await startWatch('/t/', 1)
        await storage.create('/t/a', bytes('1'), { ttlSeconds: 10 })
        await storage.delete('/t/a', 2)
        await storage.create('/t/a', bytes('2'))
        await storage.create('/t/end', bytes('1'), { ttlSeconds: 20 })
        clock.advance(30_000)
        expect((await recorder.seen(5)).at(-1)).toBe('delete /t/end 1>1')
        expect(texts((await storage.list('/t/')).entries)).toEqual(['/t/a=2'])
      })
    })

    describe('close', () => {
      it('answers the writes before it and refuses those after', async () => {
        const before = Array.from({ length: 50 }, (_, i) => codeOf(storage.create(`/k/${i}`, bytes('x'))))
        const chained = [codeOf(storage.create('/k/0', bytes('x')))]
        const closing = storage.close()
        const after = [
          codeOf(storage.create('/late', bytes('x'))),
          codeOf(storage.get('/k/0')),
          codeOf(storage.list('/')),
        ]
        expect(new Set(await Promise.all(before))).toEqual(new Set(['none']))
        expect(await Promise.all(chained)).toEqual(['KeyExists'])
        expect(await Promise.all(after)).toEqual(['Unavailable', 'Unavailable', 'Unavailable'])
        await closing
        await storage.close()
      })

      it('ends watches with an error', async () => {
        const recorder = await startWatch('/', 1)
        await storage.close()
        expect(recorder.errors.map(({ code }) => code)).toEqual(['Unavailable'])
      })
    })
  })
}
