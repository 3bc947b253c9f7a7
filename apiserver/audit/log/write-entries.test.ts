import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '#machinery/util/clock.ts'
import { EntryWriter } from './write-entries.ts'

let folder: string
let reading: number
let writing: number

/** A pipe that blocks nobody, as standard output may be. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'knarr-pipe-'))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  writing = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
})
afterEach(() => {
  if (reading !== -1) closeSync(reading)
  closeSync(writing)
  rmSync(folder, { recursive: true, force: true })
})

const entryOf = (line: string, settle: (failure: Error | undefined) => void) => ({
  chunks: [Buffer.from(line)],
  bytes: line.length,
  settle,
})

function readSome(): string {
  const buffer = Buffer.alloc(1024 * 1024)
  try {
    return buffer.toString('latin1', 0, readSync(reading, buffer))
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code === 'EAGAIN') return ''
    throw err
  }
}

it('a reader that is slow gets everything, piece by piece', async () => {
  const lines = Array.from({ length: 8 }, (_, index) => `${String(index).repeat(100_000)}\n`)
  const settled: (Error | undefined)[] = []
  const entries = lines.map((line) => entryOf(line, (failure) => void settled.push(failure)))
  let isDone = false
  const writingAll = new EntryWriter(systemClock).write(writing, entries).then((written) => {
    isDone = true
    return written
  })
  let read = ''
  while (!isDone || read.length < lines.join('').length) {
    read += readSome()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await writingAll).toBe(lines.join('').length)
  expect(read).toBe(lines.join(''))
  expect(settled).toEqual(lines.map(() => undefined))
})

it('a line that was broken off does not swallow the next one', async () => {
  const outcomes: string[] = []
  const settle = (failure: Error | undefined): void => void outcomes.push(failure?.message ?? 'written')
  const writer = new EntryWriter(systemClock)
  const failing = writer.write(writing, [entryOf('whole\n', settle), entryOf(`${'x'.repeat(200_000)}\n`, settle)])
  while (readSome() === '') await new Promise((resolve) => setImmediate(resolve))
  closeSync(reading)
  reading = -1
  expect(await failing).toBeGreaterThan(6)
  expect(outcomes).toEqual(['written', expect.stringContaining('EPIPE')])
  const path = join(folder, 'file')
  const file = openSync(path, 'a')
  await writer.write(file, [entryOf('next\n', settle)])
  await writer.write(file, [entryOf('last\n', settle)])
  closeSync(file)
  expect(readFileSync(path, 'utf8')).toBe('\nnext\nlast\n')
})
