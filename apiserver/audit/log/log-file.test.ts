import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { discardLogger } from '#machinery/util/logger.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { LogTarget } from './interfaces.ts'
import type { LogFileOptions } from './log-file.ts'
import { openLogFile } from './log-file.ts'

let folder: string
let path: string
let clock: FakeClock
let file: LogTarget | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'knarr-audit-'))
  path = join(folder, 'logs', 'audit.log')
  clock = new FakeClock('2026-11-21T15:34:18Z')
})
afterEach(async () => {
  await file?.close()
  file = undefined
  rmSync(folder, { recursive: true, force: true })
})

async function open(more: Partial<LogFileOptions> = {}): Promise<LogTarget> {
  const limits = { bytesMax: 0, backupsMax: 0, ageMaxDays: 0, compress: false }
  file = await openLogFile({ path, clock, logger: discardLogger, ...limits, ...more })
  return file
}

/** What became of each line: 'written', or why not. */
async function write(target: LogTarget, ...lines: string[]): Promise<string[]> {
  const outcomes = lines.map(() => 'unsettled')
  const entries = lines.map((line, index) => {
    const chunks = [Buffer.from(line.slice(0, 2)), `${line.slice(2)}\n`]
    const settle = (failure: Error | undefined): void => {
      outcomes[index] = failure?.message ?? 'written'
    }
    return { chunks, bytes: line.length + 1, settle }
  })
  await target.write(entries)
  return outcomes
}

const content = (name = path): string => readFileSync(name, 'utf8')
const names = (): string[] => readdirSync(dirname(path)).sort()

describe('the file', () => {
  it('and its folder are for the owner alone', async () => {
    await write(await open(), 'one', 'two')
    expect(content()).toBe('one\ntwo\n')
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
    expect((statSync(dirname(path)).mode & 0o777).toString(8)).toBe('700')
  })

  it('is appended to after a restart', async () => {
    await write(await open(), 'one')
    await file?.close()
    await write(await open(), 'two')
    expect(content()).toBe('one\ntwo\n')
  })

  it('that cannot be is an error at once', async () => {
    mkdirSync(path, { recursive: true })
    await expect(open()).rejects.toThrow(/EISDIR/)
  })
})

describe('rotation', () => {
  it('starts a new file when the line would not fit, and no line is lost or split', async () => {
    const target = await open({ bytesMax: 10 })
    expect(await write(target, 'aaaa', 'bbbb')).toEqual(['written', 'written'])
    clock.advance(1500)
    expect(await write(target, 'cccc', 'dddd', 'eeee')).toEqual(['written', 'written', 'written'])
    expect(content()).toBe('eeee\n')
    expect(content(join(dirname(path), 'audit-2026-11-21T15-34-19.500.log'))).toBe('aaaa\nbbbb\n')
    // The second rotation of the same millisecond takes the next one's name.
    expect(content(join(dirname(path), 'audit-2026-11-21T15-34-19.501.log'))).toBe('cccc\ndddd\n')
    for (const name of names()) expect((statSync(join(dirname(path), name)).mode & 0o777).toString(8)).toBe('600')
  })

  it('counts what the file held before the start', async () => {
    mkdirSync(dirname(path))
    writeFileSync(path, 'before\n')
    await write(await open({ bytesMax: 10 }), 'aaaa')
    expect(content()).toBe('aaaa\n')
    expect(names()).toHaveLength(2)
  })

  it('refuses a line larger than a file', async () => {
    const outcomes = await write(await open({ bytesMax: 10 }), 'aaaa', 'x'.repeat(20), 'bbbb')
    expect(outcomes).toEqual(['written', 'write length 21 exceeds maximum file size 10', 'written'])
    expect(content()).toBe('aaaa\nbbbb\n')
  })

  it('keeps as many backups as it may, and none that is too old', async () => {
    mkdirSync(dirname(path))
    writeFileSync(join(dirname(path), 'audit-2020-01-01T00-00-00.000.log'), 'old')
    writeFileSync(join(dirname(path), 'other.log'), 'not ours')
    const target = await open({ bytesMax: 5, backupsMax: 2, ageMaxDays: 30 })
    for (const line of ['aaaa', 'bbbb', 'cccc', 'dddd']) {
      await write(target, line)
      clock.advance(1000)
    }
    await eventually(() =>
      expect(names()).toEqual([
        'audit-2026-11-21T15-34-20.000.log',
        'audit-2026-11-21T15-34-21.000.log',
        'audit.log',
        'other.log',
      ]),
    )
  })

  it('compresses backups where asked to', async () => {
    const target = await open({ bytesMax: 5, compress: true })
    await write(target, 'aaaa', 'bbbb')
    await file?.close()
    file = undefined
    const backup = join(dirname(path), 'audit-2026-11-21T15-34-18.000.log.gz')
    expect(names()).toEqual(['audit-2026-11-21T15-34-18.000.log.gz', 'audit.log'])
    expect(gunzipSync(readFileSync(backup)).toString()).toBe('aaaa\n')
    expect((statSync(backup).mode & 0o777).toString(8)).toBe('600')
  })

  it('that fails leaves the file growing', async () => {
    const target = await open({ bytesMax: 5 })
    await write(target, 'aaaa')
    rmSync(path)
    expect(await write(target, 'bbbb')).toEqual(['written'])
    expect(existsSync(path)).toBe(false)
  })
})

describe('a full disk', () => {
  it('is told of every line', async () => {
    path = '/dev/full'
    const target = await open()
    const outcomes = await write(target, 'one', 'two')
    expect(outcomes).toEqual([expect.stringContaining('ENOSPC'), expect.stringContaining('ENOSPC')])
  })
})

it('chmod by its owner is left alone', async () => {
  mkdirSync(dirname(path))
  writeFileSync(path, '')
  chmodSync(path, 0o640)
  await write(await open(), 'one')
  expect((statSync(path).mode & 0o777).toString(8)).toBe('640')
})
