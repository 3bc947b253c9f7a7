/**
 * A log file that starts anew when it would become too large; what it was is renamed, compressed if asked for, and removed
 * when it is old. Nobody but its owner may read any of them. Upstream: gopkg.in/natefinch/lumberjack.v2.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage, toError } from '#machinery/util/errors.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Retention } from './backup-names.ts'
import { backupPath, backupsAmong, expiredBackups } from './backup-names.ts'
import type { LogEntry, LogTarget } from './interfaces.ts'
import { EntryWriter } from './write-entries.ts'

export interface LogFileOptions extends Retention {
  readonly path: string
  /** 0 = never rotated. */
  readonly bytesMax: number
  readonly compress: boolean
  readonly clock: Clock
  readonly logger: Logger
}

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Creates the file and its folder; rejects when that cannot be. */
export async function openLogFile(options: LogFileOptions): Promise<LogTarget> {
  await mkdir(dirname(options.path), { recursive: true, mode: FOLDER_MODE })
  const handle = await open(options.path, 'a', FILE_MODE)
  const { size } = await handle.stat()
  return new LogFile(options, handle, size)
}

class LogFile implements LogTarget {
  readonly #options: LogFileOptions
  readonly #writer: EntryWriter
  /** Undefined after a rotation that failed half-way: the next write opens the file again. */
  #handle: FileHandle | undefined
  #size: number
  #tidying: Promise<void>
  #isTidyAgain = false

  constructor(options: LogFileOptions, handle: FileHandle, size: number) {
    this.#options = options
    this.#writer = new EntryWriter(options.clock)
    this.#handle = handle
    this.#size = size
    this.#tidying = this.#tidy()
  }

  async write(entries: readonly LogEntry[]): Promise<void> {
    const { bytesMax } = this.#options
    let run: LogEntry[] = []
    let runBytes = 0
    for (const entry of entries) {
      if (bytesMax > 0 && entry.bytes > bytesMax) {
        entry.settle(new Error(`write length ${entry.bytes} exceeds maximum file size ${bytesMax}`))
        continue
      }
      const isFull = bytesMax > 0 && this.#size + runBytes + entry.bytes > bytesMax
      if (isFull) {
        await this.#append(run)
        run = []
        runBytes = 0
        await this.#rotate()
      }
      run.push(entry)
      runBytes += entry.bytes
    }
    await this.#append(run)
  }

  async close(): Promise<void> {
    await this.#tidying
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #append(entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return
    try {
      this.#handle ??= await open(this.#options.path, 'a', FILE_MODE)
    } catch (err: unknown) {
      for (const { settle } of entries) settle(toError(err))
      return
    }
    this.#size += await this.#writer.write(this.#handle.fd, entries)
  }

  /** A file that cannot be moved away goes on growing: rather that than losing events. */
  async #rotate(): Promise<void> {
    const { path, logger } = this.#options
    if (this.#size === 0) return
    try {
      await rename(path, await this.#freeBackupPath())
      const before = this.#handle
      this.#handle = undefined
      this.#size = 0
      await before?.close()
    } catch (err: unknown) {
      logger.warn({ path, reason: errorMessage(err) }, 'the audit log could not be rotated')
      return
    }
    if (this.#isTidyAgain) return
    this.#isTidyAgain = true
    this.#tidying = this.#tidying.then(() => {
      this.#isTidyAgain = false
      return this.#tidy()
    })
  }

  /** Two rotations in one millisecond must not take each other's name. */
  async #freeBackupPath(): Promise<string> {
    const { path, clock } = this.#options
    for (let timeMs = clock.nowMs(); ; timeMs++) {
      const candidate = backupPath(path, timeMs)
      const isFree = await Promise.all([candidate, `${candidate}.gz`].map(isAbsent))
      if (isFree.every(Boolean)) return candidate
    }
  }

  async #tidy(): Promise<void> {
    const { path, clock, compress, logger } = this.#options
    const folder = dirname(path)
    try {
      const backups = backupsAmong(await readdir(folder), path)
      const expired = new Set(expiredBackups(backups, this.#options, clock.nowMs()))
      for (const { name } of expired) await unlink(join(folder, name))
      if (!compress) return
      const plain = backups.filter((backup) => !backup.isCompressed && !expired.has(backup))
      for (const { name } of plain) await compressFile(join(folder, name))
    } catch (err: unknown) {
      logger.warn({ path, reason: errorMessage(err) }, 'rotated audit logs could not be tidied')
    }
  }
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    await stat(path)
    return false
  } catch {
    return true
  }
}

/** The original goes when its copy is whole. */
async function compressFile(path: string): Promise<void> {
  const compressed = `${path}.gz`
  try {
    await pipeline(
      createReadStream(path),
      createGzip(),
      createWriteStream(compressed, { mode: FILE_MODE, flush: true }),
    )
  } catch (err: unknown) {
    await unlink(compressed).catch(() => undefined)
    throw err
  }
  await unlink(path)
}
