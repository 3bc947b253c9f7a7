/** Random operations, the same on the sqlite driver and on the memory reference: everything observable must agree. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Storage, StorageEvent } from '#apiserver/storage/interface.ts'
import { StorageError } from '#apiserver/storage/interface.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { FakeClock } from '#test/support/fake-clock.ts'

const STEPS = 500
const directory = mkdtempSync(join(tmpdir(), 'knarr-random-'))

afterAll(() => rmSync(directory, { recursive: true, force: true }))

type Pick = (maxExclusive: number) => number

function seeded(seed: number): Pick {
  let state = seed
  return (maxExclusive) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) % maxExclusive
  }
}

/** What a caller can see of an outcome. */
async function outcomeOf(action: Promise<unknown>): Promise<unknown> {
  try {
    return describeValue(await action)
  } catch (err) {
    if (!(err instanceof StorageError)) throw err
    // The reference publishes every write at once, so it knows a later revision when it misses a key.
    return err.code === 'KeyNotFound' ? err.code : `${err.code} ${err.revision}`
  }
}

function describeValue(value: unknown): string {
  return JSON.stringify(value ?? null, (name, member) => {
    if (name === 'expiresAtMs') return undefined
    return member?.type === 'Buffer' ? Buffer.from(member.data).toString('base64') : member
  })
}

class Recorder {
  readonly seen: string[] = []
  readonly aborter = new AbortController()

  onEvents(events: readonly StorageEvent[]): void {
    for (const { type, key, revision, createRevision, value, previousValue } of events) {
      this.seen.push(
        `${revision} ${type} ${key} ${createRevision} ${value.toString('hex')} ${previousValue?.toString('hex')}`,
      )
    }
  }

  onError(): void {
    this.seen.push('error')
  }
}

type Operation = (storage: Storage) => Promise<unknown>

/** Writes of different keys, to be issued together: their order is then the order of issue on both. */
function writes(pick: Pick, revision: number, knownRevisions: Map<string, number>): Operation[] {
  const keys = new Set(Array.from({ length: 1 + pick(8) }, () => `/r/${pick(3)}/${pick(12)}`))
  return [...keys].map((key) => {
    const value = Buffer.alloc(pick(50) === 0 ? 30_000 : pick(40), pick(256))
    const expected = pick(5) === 0 ? revision - pick(5) : (knownRevisions.get(key) ?? 0)
    const kind = pick(10)
    if (kind < 4) return (storage) => storage.create(key, value)
    return kind < 8 ? (storage) => storage.update(key, value, expected) : (storage) => storage.delete(key, expected)
  })
}

function read(pick: Pick, revision: number): Operation {
  const key = `/r/${pick(3)}/${pick(12)}`
  const past = Math.max(0, revision - pick(60))
  const prefix = ['/', '/r/', `/r/${pick(3)}/`][pick(3)] ?? '/'
  const kind = pick(10)
  if (kind < 2) return (storage) => storage.get(key)
  if (kind < 3) return (storage) => storage.compact(past)
  if (kind < 8) {
    const options = { revision: past + pick(3), limit: pick(6), startKey: key }
    return (storage) => storage.list(prefix, options)
  }
  return async (storage) => {
    const recorder = new Recorder()
    await storage.watch(prefix, past, recorder, recorder.aborter.signal)
    recorder.aborter.abort()
    return recorder.seen
  }
}

describe('sqlite and memory', () => {
  it.each([11, 22, 33, 44])('agree on every outcome, also after reopening (seed %d)', async (seed) => {
    const pick = seeded(seed)
    const clock = new FakeClock()
    const path = join(directory, `${seed}.db`)
    const memory = new MemoryStorage({ clock })
    let sqlite = await openSqliteStorage({ path, clock })
    const knownRevisions = new Map<string, number>()
    let recorders = await watchBoth(memory, sqlite, 1)

    for (let step = 0; step < STEPS; step++) {
      const revision = await memory.currentRevision()
      const group = pick(2) === 0 ? writes(pick, revision, knownRevisions) : [read(pick, revision)]
      const expected = await Promise.all(group.map((run) => outcomeOf(run(memory))))
      const actual = await Promise.all(group.map((run) => outcomeOf(run(sqlite))))
      expect(actual, `step ${step}`).toEqual(expected)
      expect(describeValue(await sqlite.list('/'))).toEqual(describeValue(await memory.list('/')))
      for (const { key, modRevision } of (await memory.list('/')).entries) knownRevisions.set(key, modRevision)
      if (pick(150) === 0) {
        expect(recorders.sqlite.seen).toEqual(recorders.memory.seen)
        await sqlite.close()
        sqlite = await openSqliteStorage({ path, clock })
        recorders.memory.aborter.abort()
        recorders = await watchBoth(memory, sqlite, await memory.currentRevision())
      }
    }
    expect(recorders.sqlite.seen).toEqual(recorders.memory.seen)
    expect(await sqlite.compactedRevision()).toBe(await memory.compactedRevision())
    await sqlite.close()
    await memory.close()
  })
})

async function watchBoth(memory: Storage, sqlite: Storage, after: number) {
  const recorders = { memory: new Recorder(), sqlite: new Recorder() }
  await memory.watch('/', after, recorders.memory, recorders.memory.aborter.signal)
  await sqlite.watch('/', after, recorders.sqlite, recorders.sqlite.aborter.signal)
  return recorders
}
