/** What the sqlite driver makes of killed processes, second processes, damaged files and full disks. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { Storage } from '#apiserver/storage/interface.ts'
import { openSqliteStorage } from '#apiserver/storage/sqlite/storage.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { testValue } from './storage-crash-writer.ts'

const directory = mkdtempSync(join(tmpdir(), 'knarr-crash-'))
const children = new Set<ChildProcess>()
const storages = new Set<Storage>()
let files = 0

const newPath = (): string => join(directory, `${files++}.db`)

async function open(path: string, options: { quotaBytes?: number; clock?: FakeClock } = {}): Promise<Storage> {
  const storage = await openSqliteStorage({ path, clock: new FakeClock(), ...options })
  storages.add(storage)
  return storage
}

async function close(storage: Storage): Promise<void> {
  storages.delete(storage)
  await storage.close()
}

/** Starts the writer; `lines` fills as it acknowledges. `until` resolves when it has printed that many. */
function startWriter(path: string, round: string) {
  const script = fileURLToPath(new URL('./storage-crash-writer.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, round], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  const lines: string[] = []
  let wanted = Number.POSITIVE_INFINITY
  let wake: () => void = () => {}
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => {
    lines.push(line)
    if (lines.length >= wanted) wake()
  })
  const until = (count: number) =>
    new Promise<void>((resolve, reject) => {
      wanted = count
      wake = resolve
      child.on('exit', () => reject(new Error('the writer ended by itself')))
      if (lines.length >= count) resolve()
    })
  const kill = async (): Promise<void> => {
    const isRead = new Promise((resolve) => reader.on('close', resolve))
    child.kill('SIGKILL')
    await isRead
    children.delete(child)
  }
  return { lines, until, kill }
}

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all([...storages].map(close))
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a process killed amid a thousand concurrent writes', () => {
  it('loses nothing acknowledged, shows nothing half, and its successor goes on', async () => {
    const path = newPath()
    let highest = 1
    for (const round of ['r0', 'r1', 'r2']) {
      const writer = startWriter(path, round)
      await writer.until(3500)
      await writer.kill()

      const acknowledged = new Map<string, { revision: number; n: number }>()
      for (const line of writer.lines) {
        const [key = '', revision, n] = line.split(' ')
        if (line !== 'open' && n !== undefined) acknowledged.set(key, { revision: Number(revision), n: Number(n) })
      }
      expect(acknowledged.size).toBe(1000)

      const storage = await open(path)
      const { entries, revision } = await storage.list('/registry/test/')
      const stored = new Map(entries.map((entry) => [entry.key, entry]))
      for (const [key, { revision: acknowledgedRevision, n }] of acknowledged) {
        const entry = stored.get(key)
        const value = JSON.parse(entry?.value.toString() ?? '{}')
        // At most the one write after the acknowledged one may have made it to the disk unreported.
        expect(value.n - n).toBeOneOf([0, 1])
        if (value.n === n) expect(entry?.modRevision).toBe(acknowledgedRevision)
        expect(entry?.value.equals(testValue(key, value.n))).toBe(true)
        highest = Math.max(highest, acknowledgedRevision)
      }
      expect(revision).toBeGreaterThanOrEqual(highest)
      const next = await storage.create(`/registry/after/${round}`, Buffer.from('x'))
      expect(next.revision).toBe(revision + 1)
      highest = next.revision
      await close(storage)
    }
  })
})

describe('opening', () => {
  it('makes a file only its owner can read', async () => {
    const path = newPath()
    const storage = await open(path)
    await storage.create('/a', Buffer.from('x'))
    for (const file of [path, `${path}-wal`]) expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
  })

  it('narrows the mode of a file that is there', async () => {
    const path = newPath()
    await close(await open(path))
    chmodSync(path, 0o644)
    await open(path)
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
  })

  it('is refused while another process has the file, and not after its end', async () => {
    const path = newPath()
    const holder = startWriter(path, '')
    await holder.until(1)
    await expect(open(path)).rejects.toThrow(`cannot open the database "${path}": another process is using it; stop`)
    await holder.kill()
    const storage = await open(path)
    await storage.create('/a', Buffer.from('x'))
  })

  it('is refused while this process has the file', async () => {
    const path = newPath()
    const storage = await open(path)
    await expect(open(path)).rejects.toThrow('is using it')
    await storage.create('/a', Buffer.from('x'))
  })

  it.each<[string, (path: string) => void, RegExp]>([
    ['text', (path) => writeFileSync(path, 'hello '.repeat(1000)), /damaged or not a database .* restore a backup/],
    ['zeros', (path) => writeFileSync(path, Buffer.alloc(20_000)), /damaged or not a database|not made by knarr/],
    ["another program's database", makeForeign, /not made by knarr; choose another file/],
    ['the database of a newer knarr', makeNewer, /schema version is 99, this knarr knows 1; use the knarr/],
    ['a directory', (path) => mkdirSync(path), /cannot be written|does not lead to a file/],
  ])('refuses %s', async (_, make, message) => {
    const path = newPath()
    make(path)
    const error = await open(path).then(
      () => undefined,
      (err: Error) => err,
    )
    expect(error?.message).toMatch(message)
    expect(error?.message).toContain(`cannot open the database "${path}"`)
  })

  it('does not change a file it refuses', async () => {
    const path = newPath()
    makeForeign(path)
    const before = readFileSync(path)
    await expect(open(path)).rejects.toThrow('not made by knarr')
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it.each([
    ['a missing directory', () => join(directory, 'missing', 'state.db'), /directory does not exist; create/],
    [
      'a file in the place of the directory',
      () => join(makeFile(), 'state.db'),
      /does not lead to a file in a directory/,
    ],
    ['a directory nobody may write to', () => '/proc/state.db', /cannot be written|directory does not exist/],
  ])('refuses %s', async (_, makePath, message) => {
    const path = makePath()
    const error = await open(path).then(
      () => undefined,
      (err: Error) => err,
    )
    expect(error?.message).toMatch(message)
    expect(error?.message).toContain(path)
  })

  it('refuses a database whose pages are overwritten', async () => {
    const path = newPath()
    const storage = await open(path)
    await Promise.all(Array.from({ length: 200 }, (_, i) => storage.create(`/a/${i}`, Buffer.alloc(2000, 'x'))))
    await close(storage)
    const file = openSync(path, 'r+')
    const size = statSync(path).size
    for (let at = 8192; at < size; at += 8192) writeSync(file, Buffer.alloc(4096, 0xee), 0, 4096, at)
    closeSync(file)
    await expect(open(path)).rejects.toThrow(/is damaged or not a database .* restore a backup/)
  })
})

describe('a file that may not grow', () => {
  const BIG = Buffer.alloc(20_000, 'b')

  it('fails the writes it cannot take, keeps the rest, and takes writes again after compaction', async () => {
    const path = newPath()
    const storage = await open(path, { quotaBytes: 1024 * 1024 })
    let { revision } = await storage.create('/full/a', Buffer.from('first'))
    let updates = 0
    const fill = async (): Promise<void> => {
      for (; updates < 1000; updates++) revision = (await storage.update('/full/a', BIG, revision)).revision
    }
    await expect(fill()).rejects.toMatchObject({
      code: 'Unavailable',
      cause: { message: expect.stringContaining('full') },
    })
    expect(updates).toBeGreaterThan(10)

    const behind = Array.from({ length: 20 }, (_, i) => storage.create(`/full/${i}`, BIG))
    const sameKey = [storage.update('/full/a', BIG, revision), storage.update('/full/a', BIG, revision)]
    const outcomes = await Promise.allSettled([...behind, ...sameKey])
    expect(new Set(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code))).toEqual(
      new Set(['Unavailable']),
    )
    expect(await storage.currentRevision()).toBe(revision)
    expect(await storage.list('/full/')).toMatchObject({
      revision,
      entries: [{ key: '/full/a', modRevision: revision }],
    })

    await storage.compact(revision)
    const later = await storage.create('/full/b', Buffer.from('later'))
    expect(later.revision).toBe(revision + 1)
    await close(storage)
    const reopened = await open(path)
    expect(await reopened.currentRevision()).toBe(revision + 1)
    expect((await reopened.list('/full/')).entries.map(({ key, value }) => [key, value.length])).toEqual([
      ['/full/a', BIG.length],
      ['/full/b', 5],
    ])
  })

  it('gives the space of compacted history back to the disk', async () => {
    const path = newPath()
    const storage = await open(path)
    let { revision } = await storage.create('/a', Buffer.from('x'))
    for (let i = 0; i < 500; i++) revision = (await storage.update('/a', BIG, revision)).revision
    await storage.compact(revision)
    await close(storage)
    expect(statSync(path).size).toBeLessThan(5 * 1024 * 1024)
  })
})

describe('reopening', () => {
  it('deletes keys whose time ran out meanwhile, and the others in time', async () => {
    const path = newPath()
    const clock = new FakeClock()
    const storage = await open(path, { clock })
    await storage.create('/t/short', Buffer.from('x'), { ttlSeconds: 60 })
    await storage.create('/t/long', Buffer.from('x'), { ttlSeconds: 600 })
    await storage.create('/t/kept', Buffer.from('x'))
    await close(storage)
    clock.advance(120_000)
    const reopened = await open(path, { clock })
    const deleted: string[] = []
    let wake: () => void = () => {}
    const watcher = {
      onEvents: (events: readonly { key: string }[]) => {
        deleted.push(...events.map(({ key }) => key))
        wake()
      },
      onError: () => {},
    }
    await reopened.watch('/t/', 4, watcher, new AbortController().signal)
    const seen = async (count: number): Promise<void> => {
      while (deleted.length < count) await new Promise<void>((resolve) => (wake = resolve))
    }
    clock.advance(1)
    await seen(1)
    clock.advance(600_000)
    await seen(2)
    expect(deleted).toEqual(['/t/short', '/t/long'])
    expect((await reopened.list('/t/')).entries.map(({ key }) => key)).toEqual(['/t/kept'])
  })

  it('does not give a revision out twice when the last write was a delete that is compacted', async () => {
    const path = newPath()
    const storage = await open(path)
    await storage.create('/a', Buffer.from('x'))
    await storage.delete('/a', 2)
    await storage.compact(3)
    await close(storage)
    const reopened = await open(path)
    expect([await reopened.currentRevision(), await reopened.compactedRevision()]).toEqual([3, 3])
    expect(await reopened.create('/a', Buffer.from('x'))).toEqual({ revision: 4 })
  })

  it('compacts by itself all but the last thousand revisions and the last ten minutes', async () => {
    const clock = new FakeClock()
    const storage = await open(newPath(), { clock })
    const keys = Array.from({ length: 1_200 }, (_, index) => `/${index}`)
    await Promise.all(keys.map((key) => storage.create(key, Buffer.from('x'))))
    clock.advance(10 * 60_000)
    expect(await storage.compactedRevision()).toBeLessThanOrEqual(1) // What there was ten minutes ago.
    clock.advance(5 * 60_000)
    expect(await storage.compactedRevision()).toBe((await storage.currentRevision()) - 1_000)
  })
})

function makeForeign(path: string): void {
  const db = new Database(path)
  db.exec('CREATE TABLE other (x)')
  db.close()
}

function makeNewer(path: string): void {
  const db = new Database(path)
  db.exec('CREATE TABLE log (x)')
  db.pragma(`application_id = ${0x6b6e7272}`)
  db.pragma('user_version = 99')
  db.close()
}

function makeFile(): string {
  const path = newPath()
  writeFileSync(path, '')
  return path
}
