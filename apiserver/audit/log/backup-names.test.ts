import { describe, expect, it } from 'vitest'
import { backupPath, backupsAmong, expiredBackups } from './backup-names.ts'

const PATH = '/var/log/knarr/audit.log'
const at = (text: string): number => Date.parse(text)

it('names a backup as lumberjack does', () => {
  expect(backupPath(PATH, at('2026-11-21T15:34:18.007Z'))).toBe('/var/log/knarr/audit-2026-11-21T15-34-18.007.log')
  expect(backupPath('/logs/audit', at('2026-11-21T15:34:18Z'))).toBe('/logs/audit-2026-11-21T15-34-18.000')
})

it('knows its own files, newest first', () => {
  const names = [
    'audit.log',
    'audit-2026-11-21T15-34-18.007.log',
    'audit-2026-11-22T00-00-00.000.log.gz',
    'audit-2026-11-21T15-34-18.log',
    'audit-notes.log',
    'other-2026-11-21T15-34-18.007.log',
    'audit-2026-11-21T15-34-18.007.txt',
    'audit-2026-13-41T15-34-18.007.log',
  ]
  expect(backupsAmong(names, PATH).map(({ name, isCompressed }) => [name, isCompressed])).toEqual([
    ['audit-2026-11-22T00-00-00.000.log.gz', true],
    ['audit-2026-11-21T15-34-18.007.log', false],
  ])
})

describe('of the backups', () => {
  const names = [
    'audit-2026-11-20T00-00-00.000.log.gz',
    'audit-2026-11-20T00-00-00.000.log',
    'audit-2026-11-10T00-00-00.000.log',
    'audit-2026-11-01T00-00-00.000.log.gz',
  ]
  const backups = backupsAmong(names, PATH)
  const now = at('2026-11-21T00:00:00Z')

  it.each([
    ['none goes without limits', 0, 0, []],
    ['the oldest go beyond the number, a file and its copy being one', 2, 0, [names[3]]],
    ['those before the age go', 0, 11, [names[3]]],
    ['both limits hold', 1, 15, [names[2], names[3]]],
  ])('%s', (_, backupsMax, ageMaxDays, expected) => {
    expect(expiredBackups(backups, { backupsMax, ageMaxDays }, now).map(({ name }) => name)).toEqual(expected)
  })
})
