import { beforeEach, describe, expect, it } from 'vitest'
import { isExpired } from '#machinery/meta/errors.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { Fixture } from './fixture.ts'
import { createPod, LIST, labelled, makeFixture, makePod, onNode } from './fixture.ts'
import type { StoreList, StoreListOptions } from './interface.ts'

let fixture: Fixture<FakeClock>

beforeEach(async () => {
  fixture = await makeFixture(new FakeClock())
})

const list = (options: Partial<StoreListOptions> = {}): Promise<StoreList> => fixture.pods.list({ ...LIST, ...options })

function names(result: StoreList): string[] {
  return result.items.map(({ object }) => `${object.metadata.namespace}/${object.metadata.name}`)
}

/** Reads on from a first page until the last. */
async function allPages(options: Partial<StoreListOptions>): Promise<StoreList[]> {
  const pages = [await list(options)]
  for (let token = pages[0]?.continueToken ?? ''; token !== ''; token = pages.at(-1)?.continueToken ?? '') {
    pages.push(await list({ ...options, resourceVersion: '', resourceVersionMatch: '', continueToken: token }))
  }
  return pages
}

describe('selection', () => {
  beforeEach(async () => {
    await createPod(fixture.pods, 'b/two', { app: 'x' }, 'n1') // 2
    await createPod(fixture.pods, 'a/one', { app: 'x' }, 'n2')
    await createPod(fixture.pods, 'b/one', { app: 'y' }, 'n1')
    await createPod(fixture.pods, 'bb/one', { app: 'y' }) // 5
  })

  it.each<[string, Partial<StoreListOptions>, string[]]>([
    ['everything, by namespace and name', {}, ['a/one', 'b/one', 'b/two', 'bb/one']],
    ['one namespace', { namespace: 'b' }, ['b/one', 'b/two']],
    ['an unknown namespace', { namespace: 'c' }, []],
    ['one name in a namespace', { namespace: 'b', name: 'one' }, ['b/one']],
    ['one name in all namespaces', { name: 'one' }, ['a/one', 'b/one', 'bb/one']],
    ['a predicate', { selection: labelled('app', 'x') }, ['a/one', 'b/two']],
    ['an index', { selection: onNode('n1') }, ['b/one', 'b/two']],
    ['an index within a namespace', { selection: onNode('n2'), namespace: 'b' }, []],
    [
      'an index nobody keeps',
      { selection: { ...labelled('app', 'y'), index: { name: 'no', value: '' } } },
      ['b/one', 'bb/one'],
    ],
    ['name and predicate', { namespace: 'b', name: 'one', selection: labelled('app', 'x') }, []],
  ])('lists %s', async (_, options, expected) => {
    expect(names(await list(options))).toEqual(expected)
    // The same from the past, where no index helps.
    await createPod(fixture.pods, 'b/late', { app: 'x' }, 'n1')
    expect(names(await list({ ...options, resourceVersion: '5', resourceVersionMatch: 'Exact' }))).toEqual(expected)
  })

  it('follows an object that moves from one index value to another', async () => {
    const { pods } = fixture
    const pod = await pods.get(pods.keyOf('b', 'two'))
    if (pod === undefined) throw new Error('missing')
    const moved = await pods.update(pod, makePod('b/two', {}, 'n2'))
    expect(names(await list({ selection: onNode('n1') }))).toEqual(['b/one'])
    expect(names(await list({ selection: onNode('n2') }))).toEqual(['a/one', 'b/two'])
    await pods.delete(moved)
    expect(names(await list({ selection: onNode('n2') }))).toEqual(['a/one'])
  })
})

describe('resourceVersion', () => {
  beforeEach(async () => {
    const first = await createPod(fixture.pods, 'ns/a') // 2
    await createPod(fixture.pods, 'ns/b') // 3
    const second = await fixture.pods.update(first, makePod('ns/a', { v: '2' })) // 4
    await fixture.pods.delete(second) // 5
    await fixture.storage.create('/registry/nodes/n', Buffer.from('{}')) // 6
  })

  it.each<[string, Partial<StoreListOptions>, string, string[]]>([
    ['unset is the latest of all resources', {}, '6', ['ns/b']],
    ['0 is any', { resourceVersion: '0' }, '6', ['ns/b']],
    ['0 ignores the limit', { resourceVersion: '0', limit: 1 }, '6', ['ns/b']],
    ['n is not older than n', { resourceVersion: '3' }, '6', ['ns/b']],
    ['NotOlderThan n', { resourceVersion: '3', resourceVersionMatch: 'NotOlderThan', limit: 5 }, '6', ['ns/b']],
    ['Exact', { resourceVersion: '3', resourceVersionMatch: 'Exact' }, '3', ['ns/a', 'ns/b']],
    ['Exact after the update', { resourceVersion: '4', resourceVersionMatch: 'Exact' }, '4', ['ns/a', 'ns/b']],
    ['Exact before everything', { resourceVersion: '1', resourceVersionMatch: 'Exact' }, '1', []],
    ['n with a limit is exact', { resourceVersion: '3', limit: 5 }, '3', ['ns/a', 'ns/b']],
  ])('%s', async (_, options, resourceVersion, expected) => {
    const result = await list(options)
    expect(names(result)).toEqual(expected)
    expect(result.resourceVersion).toBe(resourceVersion)
  })

  it('gives objects of the past with the version they had', async () => {
    const { items } = await list({ resourceVersion: '3', resourceVersionMatch: 'Exact' })
    expect(items.map((item) => item.object.metadata.resourceVersion)).toEqual(['2', '3'])
    expect(JSON.parse(items[0]?.json().toString() ?? '')).toEqual(items[0]?.object)
  })

  it('waits for a revision that is not there yet', async () => {
    const waiting = list({ resourceVersion: '7' })
    await createPod(fixture.pods, 'ns/c')
    expect(names(await waiting)).toEqual(['ns/b', 'ns/c'])
  })

  it.each(['', 'Exact', 'NotOlderThan'] as const)('gives up waiting after three seconds (%s)', async (match) => {
    const waiting = list({ resourceVersion: '99', resourceVersionMatch: match })
    const failure = expect(waiting).rejects.toMatchObject({
      code: 504,
      status: { message: 'Timeout: Too large resource version: 99, current: 6', details: { retryAfterSeconds: 1 } },
    })
    await fixture.clock.advanceInSteps(5000, 1000)
    await failure
  })

  it.each(['x', '-1', '1.5'])('refuses %j', async (resourceVersion) => {
    await expect(list({ resourceVersion })).rejects.toMatchObject({ code: 400 })
  })

  it('says Expired below the compaction point, also within the window', async () => {
    await fixture.storage.compact(5)
    await expect(list({ resourceVersion: '4', resourceVersionMatch: 'Exact' })).rejects.toMatchObject({
      code: 410,
      reason: 'Expired',
      message: 'The resourceVersion for the provided list is too old.',
    })
  })
})

describe('pages', () => {
  beforeEach(async () => {
    for (let i = 0; i < 10; i++) await createPod(fixture.pods, `ns/p${i}`, { parity: i % 2 === 0 ? 'even' : 'odd' })
    await createPod(fixture.pods, 'other/p') // 12
  })

  it('cover everything once, and count what remains', async () => {
    const pages = await allPages({ namespace: 'ns', limit: 4 })
    expect(pages.map(names)).toEqual([
      ['ns/p0', 'ns/p1', 'ns/p2', 'ns/p3'],
      ['ns/p4', 'ns/p5', 'ns/p6', 'ns/p7'],
      ['ns/p8', 'ns/p9'],
    ])
    expect(pages.map(({ remainingItemCount }) => remainingItemCount)).toEqual([6, 2, undefined])
    expect(pages.map(({ resourceVersion }) => resourceVersion)).toEqual(['12', '12', '12'])
  })

  it('end without a token when the limit fits exactly', async () => {
    expect(await list({ namespace: 'ns', limit: 10 })).toMatchObject({
      continueToken: '',
      remainingItemCount: undefined,
    })
  })

  it('are filled up with matching objects, and not counted', async () => {
    const pages = await allPages({ namespace: 'ns', limit: 2, selection: labelled('parity', 'odd') })
    expect(pages.map(names)).toEqual([['ns/p1', 'ns/p3'], ['ns/p5', 'ns/p7'], ['ns/p9']])
    expect(pages.map(({ remainingItemCount }) => remainingItemCount)).toEqual([undefined, undefined, undefined])
  })

  const change = async (): Promise<void> => {
    const { pods } = fixture
    const get = async (name: string) => (await pods.get(pods.keyOf('ns', name))) ?? expect.unreachable()
    await pods.delete(await get('p5'))
    await pods.update(await get('p6'), makePod('ns/p6', { changed: 'yes' }))
    await createPod(pods, 'ns/p55')
    await pods.delete(await get('p9'))
    await createPod(pods, 'ns/p9', { reborn: 'yes' })
  }

  it.each([
    ['the event window', 0],
    ['the storage log', 30_000],
  ])('stay consistent while objects change, from %s', async (_, noise) => {
    const first = await list({ namespace: 'ns', limit: 4 })
    await change()
    for (let i = 0; i < noise; i++) await fixture.storage.create(`/registry/pods/noise/${i}`, NOISE)
    const token = first.continueToken
    const second = await list({ namespace: 'ns', limit: 4, continueToken: token })
    expect(names(second)).toEqual(['ns/p4', 'ns/p5', 'ns/p6', 'ns/p7'])
    expect(second.items[2]?.object.metadata.labels).toEqual({ parity: 'even' })
    expect(second).toMatchObject({ resourceVersion: '12', remainingItemCount: 2 })
    const third = await list({ namespace: 'ns', limit: 4, continueToken: second.continueToken })
    expect(names(third)).toEqual(['ns/p8', 'ns/p9'])
    expect(third.items[1]?.object.metadata.labels).toEqual({ parity: 'odd' })
    const odd = await list({ namespace: 'ns', limit: 2, continueToken: token, selection: labelled('parity', 'odd') })
    expect(names(odd)).toEqual(['ns/p5', 'ns/p7'])
    expect(odd.continueToken).not.toBe('')
  })

  it('expire with a token that goes on at the latest state', async () => {
    const first = await list({ namespace: 'ns', limit: 4 })
    await change()
    await fixture.storage.compact(17)
    const err = await list({ namespace: 'ns', limit: 4, continueToken: first.continueToken }).catch((thrown) => thrown)
    expect(isExpired(err)).toBe(true)
    expect(err.message).toContain('the continue token in this response')
    const token = err.status.metadata.continue
    const next = await list({ namespace: 'ns', limit: 4, continueToken: token })
    expect(names(next)).toEqual(['ns/p4', 'ns/p55', 'ns/p6', 'ns/p7'])
    expect(next).toMatchObject({ resourceVersion: '17', remainingItemCount: 2 })
    const last = await list({ namespace: 'ns', limit: 4, continueToken: next.continueToken })
    expect([names(last), last.resourceVersion]).toEqual([['ns/p8', 'ns/p9'], '17'])
  })

  it('cannot be continued at another resourceVersion', async () => {
    const { continueToken } = await list({ limit: 1 })
    await expect(list({ limit: 1, continueToken, resourceVersion: '5' })).rejects.toMatchObject({
      code: 400,
      message: 'specifying resource version is not allowed when using continue',
    })
    expect(names(await list({ limit: 1, continueToken, resourceVersion: '0' }))).toEqual(['ns/p1'])
  })
})

const NOISE = Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"noise"}}')
