import { beforeEach, describe, expect, it } from 'vitest'
import { deepFreeze } from '#machinery/util/json.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { Fixture } from './fixture.ts'
import { createPod, LIST, labelled, makeFixture, makePod, onNode, POD_STORE, RecordingSink, WATCH } from './fixture.ts'
import type { CachedObject, StoreWatchOptions } from './interface.ts'

let fixture: Fixture<FakeClock>

beforeEach(async () => {
  fixture = await makeFixture(new FakeClock())
})

async function watch(options: Partial<StoreWatchOptions> = {}, sink = new RecordingSink(), signal?: AbortSignal) {
  await fixture.pods.watch({ ...WATCH, ...options }, sink, signal ?? new AbortController().signal)
  return sink
}

const create = (path: string, labels?: Record<string, string>, node?: string) =>
  createPod(fixture.pods, path, labels, node)

function update(old: CachedObject, labels: Record<string, string>, node?: string): Promise<CachedObject> {
  const { namespace, name } = old.object.metadata
  return fixture.pods.update(old, makePod(`${namespace}/${name}`, labels, node))
}

describe('the start of a watch', () => {
  beforeEach(async () => {
    const a = await create('ns/a') // 2
    await create('ns/b') // 3
    await update(a, { v: '2' }) // 4
  })

  it.each<[string, Partial<StoreWatchOptions>, string[]]>([
    ['unset: the current objects', {}, ['ADDED ns/a@4', 'ADDED ns/b@3']],
    ['0: the current objects', { resourceVersion: '0' }, ['ADDED ns/a@4', 'ADDED ns/b@3']],
    ['n: what came after n', { resourceVersion: '2' }, ['ADDED ns/b@3', 'MODIFIED ns/a@4']],
    ['the current revision: nothing', { resourceVersion: '4' }, []],
    ['unset without initial events: nothing', { sendInitialEvents: false }, []],
    ['0 without initial events: nothing', { sendInitialEvents: false, resourceVersion: '0' }, []],
    [
      'n without initial events: what came after n',
      { sendInitialEvents: false, resourceVersion: '3' },
      ['MODIFIED ns/a@4'],
    ],
    ['initial events without bookmarks', { sendInitialEvents: true }, ['ADDED ns/a@4', 'ADDED ns/b@3']],
    [
      'initial events',
      { sendInitialEvents: true, allowBookmarks: true },
      ['ADDED ns/a@4', 'ADDED ns/b@3', 'BOOKMARK k8s.io/initial-events-end@4'],
    ],
    [
      'initial events not older than n',
      { sendInitialEvents: true, allowBookmarks: true, resourceVersion: '3', name: 'a' },
      ['ADDED ns/a@4', 'BOOKMARK k8s.io/initial-events-end@4'],
    ],
  ])('%s', async (_, options, expected) => {
    const sink = await watch(options)
    expect(sink.lines).toEqual(expected)
    await create('ns/a2')
    expect(sink.lines.slice(expected.length)).toEqual(options.name === undefined ? ['ADDED ns/a2@5'] : [])
  })

  it('in the future skips what the client says it has', async () => {
    const sink = await watch({ resourceVersion: '6' })
    await create('ns/five')
    await create('ns/six')
    await create('ns/seven')
    expect(sink.lines).toEqual(['ADDED ns/seven@7'])
  })

  it('with initial events from the future is answered with ResourceVersionTooLarge', async () => {
    const waiting = watch({ sendInitialEvents: true, allowBookmarks: true, resourceVersion: '9' })
    const failure = expect(waiting).rejects.toMatchObject({ code: 504 })
    await fixture.clock.advanceInSteps(5000, 1000)
    await failure
  })

  it('refuses a resourceVersion that is no number', async () => {
    await expect(watch({ resourceVersion: 'abc' })).rejects.toMatchObject({ code: 400 })
  })

  it('gives bookmarks the kind of the resource and the revision of the whole store', async () => {
    const sink = await watch({ sendInitialEvents: true, allowBookmarks: true, namespace: 'none' })
    expect(JSON.parse(sink.events[0]?.object.json().toString() ?? '')).toEqual({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { resourceVersion: '4', annotations: { 'k8s.io/initial-events-end': 'true' } },
    })
  })
})

describe('resuming from far back', () => {
  const overflowWindow = async (): Promise<void> => {
    const value = Buffer.from(
      `{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"noise","name":"x"},"x":"${'x'.repeat(40_000)}"}`,
    )
    for (let i = 0; i < 1000; i++) await fixture.storage.create(`/registry/pods/noise/${i}`, value)
  }

  it('reads the log when the window has moved on', async () => {
    const a = await create('ns/a', { app: 'x' })
    const changed = await update(a, { app: 'y' })
    await fixture.pods.delete(changed)
    await create('ns/b', { app: 'x' })
    await overflowWindow()
    const all = await watch({ resourceVersion: '2', namespace: 'ns' })
    expect(all.lines).toEqual(['MODIFIED ns/a@3', 'DELETED ns/a@4', 'ADDED ns/b@5'])
    const selected = await watch({ resourceVersion: '2', namespace: 'ns', selection: labelled('app', 'x') })
    expect(selected.lines).toEqual(['DELETED ns/a@3', 'ADDED ns/b@5'])
    const one = await watch({ resourceVersion: '2', namespace: 'ns', name: 'b' })
    await create('ns/c')
    expect(one.lines).toEqual(['ADDED ns/b@5'])
    expect(all.lines.at(-1)).toBe('ADDED ns/c@1006')
  })

  it('delivers what happens while the log is read after what it reads, and once', async () => {
    await create('ns/a')
    await overflowWindow()
    const sink = new RecordingSink()
    const watching = watch({ resourceVersion: '1', namespace: 'ns' }, sink)
    const writing = create('ns/b')
    await Promise.all([watching, writing])
    expect(sink.lines).toEqual(['ADDED ns/a@2', 'ADDED ns/b@1003'])
  })

  it('is refused with Expired when the log is compacted too', async () => {
    await create('ns/a')
    await overflowWindow()
    await fixture.storage.compact(500)
    await expect(watch({ resourceVersion: '2' })).rejects.toMatchObject({
      code: 410,
      reason: 'Expired',
      message: 'too old resource version: 2 (500)',
    })
    expect((await watch({ resourceVersion: '500', namespace: 'ns' })).lines).toEqual([])
  })
})

describe('selection', () => {
  it('turns entering into ADDED and leaving into DELETED with the content that was selected', async () => {
    const sink = await watch({ selection: labelled('app', 'x') })
    const a = await create('ns/a', { app: 'y' }) // 2
    const entered = await update(a, { app: 'x', n: '1' }) // 3
    const stayed = await update(entered, { app: 'x', n: '2' }) // 4
    const left = await update(stayed, { app: 'z' }) // 5
    await fixture.pods.delete(left) // 6
    expect(sink.lines).toEqual(['ADDED ns/a@3', 'MODIFIED ns/a@4', 'DELETED ns/a@5'])
    expect(sink.events[2]?.object.object.metadata.labels).toEqual({ app: 'x', n: '2' })
    expect(JSON.parse(sink.events[2]?.object.json().toString() ?? '')).toEqual(sink.events[2]?.object.object)
  })

  it('sends a deleted object with its last content and the revision of the delete', async () => {
    const sink = await watch()
    const a = await create('ns/a', { app: 'x' })
    const deleted = await fixture.pods.delete(a)
    expect(deleted.object.metadata).toMatchObject({ resourceVersion: '3', labels: { app: 'x' } })
    expect(sink.lines).toEqual(['ADDED ns/a@2', 'DELETED ns/a@3'])
    expect(a.object.metadata.resourceVersion).toBe('2')
  })

  it.each<[string, Partial<StoreWatchOptions>, string[]]>([
    ['all', {}, ['ADDED a/x@2', 'ADDED b/x@3', 'ADDED a/y@4', 'MODIFIED a/x@5', 'DELETED a/y@6']],
    ['one namespace', { namespace: 'a' }, ['ADDED a/x@2', 'ADDED a/y@4', 'MODIFIED a/x@5', 'DELETED a/y@6']],
    ['one object', { namespace: 'a', name: 'y' }, ['ADDED a/y@4', 'DELETED a/y@6']],
    ['one name everywhere', { name: 'x' }, ['ADDED a/x@2', 'ADDED b/x@3', 'MODIFIED a/x@5']],
    ['one node', { selection: onNode('n1') }, ['ADDED a/x@2', 'ADDED a/y@4', 'DELETED a/x@5', 'DELETED a/y@6']],
    ['the other node', { selection: onNode('n2') }, ['ADDED b/x@3', 'ADDED a/x@5']],
    ['a node and a namespace', { selection: onNode('n2'), namespace: 'a' }, ['ADDED a/x@5']],
    ['a node and a name', { selection: onNode('n2'), name: 'x' }, ['ADDED b/x@3', 'ADDED a/x@5']],
  ])('of %s', async (_, options, expected) => {
    const live = await watch({ ...options, resourceVersion: '1' })
    const x = await create('a/x', {}, 'n1')
    await create('b/x', {}, 'n2')
    const y = await create('a/y', {}, 'n1')
    await update(x, {}, 'n2')
    await fixture.pods.delete(y)
    expect(live.lines).toEqual(expected)
    expect((await watch({ ...options, resourceVersion: '1' })).lines).toEqual(expected)
  })

  it('shows an event only to watchers it may concern', async () => {
    let evaluated = 0
    const counting = (nodeName: string) => ({
      ...onNode(nodeName),
      matches: () => {
        evaluated++
        return true
      },
    })
    for (let i = 0; i < 200; i++) {
      await watch({ selection: counting(`n${i}`) })
      await watch({ selection: counting(`n${i}`), namespace: 'ns', name: `p${i}` })
      await watch({ selection: counting(`n${i}`), name: `p${i}` })
    }
    evaluated = 0
    await create('ns/p7', {}, 'n7')
    expect(evaluated).toBe(3)
  })
})

describe('sharing', () => {
  it('gives all watchers the same event', async () => {
    const sinks = [await watch(), await watch({ namespace: 'ns' }), await watch({ selection: labelled('app', 'x') })]
    const a = await create('ns/a', { app: 'x' })
    await fixture.pods.delete(a)
    for (const i of [0, 1]) expect(new Set(sinks.map((sink) => sink.events[i])).size).toBe(1)
    expect(sinks[0]?.events[0]?.object).toBe(a)
  })

  it('ends a watch with its signal', async () => {
    const aborter = new AbortController()
    const sink = await watch({}, new RecordingSink(), aborter.signal)
    aborter.abort()
    await create('ns/a')
    expect([sink.lines, sink.ends]).toEqual([[], []])
  })

  it('ends all watches when the store closes', async () => {
    const sink = await watch()
    fixture.pods.close()
    expect(sink.ends).toEqual(['closed'])
  })
})

describe('a slow sink', () => {
  it('gets its backlog and what came meanwhile at its own pace, in order', async () => {
    for (let i = 0; i < 5; i++) await create(`ns/p${i}`)
    const sink = await watch({ sendInitialEvents: true, allowBookmarks: true }, new RecordingSink(2))
    await create('ns/q')
    expect(sink.lines).toEqual(['ADDED ns/p0@2', 'ADDED ns/p1@3'])
    sink.take(2)
    expect(sink.lines).toHaveLength(4)
    sink.take(100)
    expect(sink.lines.slice(4)).toEqual(['ADDED ns/p4@6', 'BOOKMARK k8s.io/initial-events-end@6', 'ADDED ns/q@7'])
    await create('ns/r')
    expect(sink.lines.at(-1)).toBe('ADDED ns/r@8')
  })

  it('is ended when too much is held back for it, and does not hold up others', async () => {
    const slow = await watch({}, new RecordingSink(1))
    const quick = await watch()
    for (let i = 0; i < 8200; i++) await fixture.storage.create(`/registry/pods/ns/${i}`, SMALL)
    expect([slow.events.length, slow.ends]).toEqual([1, ['too-slow']])
    expect([quick.events.length, quick.ends]).toEqual([8200, []])
    slow.take(1)
    expect(slow.events).toHaveLength(1)
  })
})

describe('a sink that throws', () => {
  it('loses its watch; the writer and the other watchers notice nothing', async () => {
    let calls = 0
    const broken = {
      onEvent: () => {
        calls++
        throw new Error('broken')
      },
      onEnd: () => {},
    }
    await fixture.pods.watch(WATCH, broken, new AbortController().signal)
    const sound = await watch()
    await create('ns/a')
    await create('ns/b')
    expect([calls, sound.lines]).toEqual([1, ['ADDED ns/a@2', 'ADDED ns/b@3']])
  })
})

describe('bookmarks', () => {
  it('come about every minute, with the latest revision of any resource', async () => {
    const sink = await watch({ allowBookmarks: true, resourceVersion: '0' })
    await fixture.storage.create('/registry/nodes/n', SMALL)
    fixture.clock.advance(59_000)
    expect(sink.lines).toEqual([])
    fixture.clock.advance(2000)
    expect(sink.lines).toEqual(['BOOKMARK @2'])
    fixture.clock.advance(60_000)
    expect(sink.lines).toEqual(['BOOKMARK @2', 'BOOKMARK @2'])
  })

  it('come shortly before the watch times out', async () => {
    const sink = await watch({ allowBookmarks: true, timeoutMs: 30_000 })
    fixture.clock.advance(27_000)
    expect(sink.lines).toEqual([])
    fixture.clock.advance(2000)
    expect(sink.lines).toEqual(['BOOKMARK @1'])
  })

  it('are not sent to those who did not ask, and cost no timer then', async () => {
    const sink = await watch({ resourceVersion: '0' })
    expect(fixture.clock.pendingTimers).toBe(0)
    fixture.clock.advance(120_000)
    expect(sink.lines).toEqual([])
  })

  it('stop with the last watch', async () => {
    const aborter = new AbortController()
    await watch({ allowBookmarks: true }, new RecordingSink(), aborter.signal)
    expect(fixture.clock.pendingTimers).toBe(1)
    aborter.abort()
    expect(fixture.clock.pendingTimers).toBe(0)
  })
})

describe('the store', () => {
  it('is filled with what storage holds, decoded when needed', async () => {
    await create('ns/a', { app: 'x' }, 'n1')
    const reopened = await (async () => {
      fixture.pods.close()
      return fixture.cacher.openStore(POD_STORE)
    })()
    await reopened.ready
    expect(reopened.count()).toBe(1)
    const found = reopened.peek(reopened.keyOf('ns', 'a'))
    expect(found?.object).toEqual({ ...makePod('ns/a', { app: 'x' }, 'n1'), metadata: { ...found?.object.metadata } })
    expect(found?.object.metadata.resourceVersion).toBe('2')
    const list = await reopened.list({ ...LIST, selection: onNode('n1') })
    expect(list.items).toEqual([found])
  })

  it('stores no resourceVersion, and kind, apiVersion and metadata first', async () => {
    const pod = { ...makePod('ns/a'), spec: { nodeName: 'n' } }
    pod.metadata.resourceVersion = '99'
    const { key } = await fixture.pods.create(fixture.pods.keyOf('ns', 'a'), pod)
    const stored = (await fixture.storage.get(key))?.value.toString() ?? ''
    expect(stored).toMatch(/^\{"kind":"Pod","apiVersion":"v1","metadata":\{"name"/)
    expect(stored).not.toContain('resourceVersion')
  })

  it('serves JSON that equals the object, also for empty metadata', async () => {
    await fixture.storage.create(
      '/registry/pods/ns/bare',
      Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{}}'),
    )
    const bare = fixture.pods.peek('/registry/pods/ns/bare')
    expect(bare?.json().toString()).toBe('{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"2"}}')
    expect(bare?.object.metadata).toEqual({ resourceVersion: '2' })
  })

  it('does not touch an old object whose parts a new one shares', async () => {
    const a = await create('ns/a', { app: 'x' })
    const draft = { ...a.object, spec: { nodeName: 'n1' } } as ReturnType<typeof makePod>
    const b = await fixture.pods.update(a, draft)
    expect([a.object.metadata.resourceVersion, b.object.metadata.resourceVersion]).toEqual(['2', '3'])
  })

  it('freezes what it hands out', async () => {
    const a = await create('ns/a', { app: 'x' })
    expect(() => Object.assign(a.object.metadata.labels ?? {}, { app: 'y' })).toThrow(TypeError)
    expect(deepFreeze(a.object)).toBe(a.object)
  })

  it('makes each representation once', async () => {
    const a = await create('ns/a')
    let made = 0
    const make = () => ++made
    expect([a.memo('table', make), a.memo('table', make), a.memo('v2', make)]).toEqual([1, 1, 2])
    expect(a.json()).toBe(a.json())
  })

  it('keeps groups apart', async () => {
    const { cacher, storage } = fixture
    const grouped = cacher.openStore({ ...POD_STORE, group: 'metrics.k8s.io' })
    await grouped.ready
    await createPod(grouped, 'ns/a')
    await create('ns/b')
    expect([grouped.count(), fixture.pods.count()]).toEqual([1, 1])
    expect((await storage.list('/')).entries.map(({ key }) => key)).toEqual([
      '/registry/metrics.k8s.io/pods/ns/a',
      '/registry/pods/ns/b',
    ])
  })

  it('peeks at one object, a namespace, or all', async () => {
    await create('b/a')
    await create('a/b')
    await create('a/a')
    const { pods } = fixture
    expect(pods.peekAll('').map(({ key }) => key)).toEqual(
      ['a/a', 'a/b', 'b/a'].map((path) => `/registry/pods/${path}`),
    )
    expect(pods.peekAll('b')).toEqual([pods.peek(pods.keyOf('b', 'a'))])
    expect(pods.peekAll('none')).toEqual([])
  })

  it('refuses a stale update, and answers get with the latest', async () => {
    const a = await create('ns/a')
    await update(a, { v: '2' })
    await expect(update(a, { v: '3' })).rejects.toMatchObject({ code: 'Conflict', revision: 3 })
    await expect(fixture.pods.delete(a)).rejects.toMatchObject({ code: 'Conflict' })
    expect((await fixture.pods.get(a.key))?.revision).toBe(3)
    expect((await fixture.pods.get(a.key, '0'))?.revision).toBe(3)
    expect(await fixture.pods.get(fixture.pods.keyOf('ns', 'none'))).toBeUndefined()
  })
})

const SMALL = Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"ns","name":"x"}}')
