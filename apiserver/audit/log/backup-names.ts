/**
 * What rotated files are called, and which of them go: `audit-2026-11-21T15-34-18.123.log`, as lumberjack names them, so
 * that what reads kube-apiserver's files reads these.
 */
import { basename, dirname, extname, join } from 'node:path'

export interface Backup {
  readonly name: string
  readonly timeMs: number
  readonly isCompressed: boolean
}

export interface Retention {
  /** 0 = no limit. */
  readonly backupsMax: number
  /** 0 = no limit. */
  readonly ageMaxDays: number
}

const DAY_MS = 86_400_000
const COMPRESSED = '.gz'
const STAMP = /^(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})-(\d{2}\.\d{3})$/

export function backupPath(path: string, timeMs: number): string {
  const [stem, extension] = partsOf(path)
  const stamp = new Date(timeMs).toISOString().slice(0, 23).replaceAll(':', '-')
  return join(dirname(path), `${stem}-${stamp}${extension}`)
}

/** Of all names in the folder of the log at `path`, its backups, newest first. */
export function backupsAmong(names: readonly string[], path: string): Backup[] {
  const [stem, extension] = partsOf(path)
  const found: Backup[] = []
  for (const name of names) {
    const isCompressed = name.endsWith(`${extension}${COMPRESSED}`)
    const end = isCompressed ? `${extension}${COMPRESSED}` : extension
    if (!name.startsWith(`${stem}-`) || !name.endsWith(end)) continue
    const stamp = STAMP.exec(name.slice(stem.length + 1, name.length - end.length))
    const timeMs = stamp === null ? Number.NaN : Date.parse(`${stamp[1]}T${stamp[2]}:${stamp[3]}:${stamp[4]}Z`)
    if (!Number.isNaN(timeMs)) found.push({ name, timeMs, isCompressed })
  }
  return found.sort((a, b) => b.timeMs - a.timeMs)
}

/** `backups` newest first. A file and its compressed copy count as one. */
export function expiredBackups(backups: readonly Backup[], retention: Retention, nowMs: number): Backup[] {
  const { backupsMax, ageMaxDays } = retention
  const kept = new Set<number>()
  return backups.filter(({ timeMs }) => {
    kept.add(timeMs)
    if (backupsMax > 0 && kept.size > backupsMax) return true
    return ageMaxDays > 0 && timeMs < nowMs - ageMaxDays * DAY_MS
  })
}

function partsOf(path: string): readonly [stem: string, extension: string] {
  const extension = extname(path)
  return [basename(path, extension), extension]
}
