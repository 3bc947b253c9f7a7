import { describe, expect, it } from 'vitest'
import type { CronJob } from '#machinery/api/batch/v1/types.gen.ts'
import { dueTime, nextDelayMs, scheduleOf } from './schedule-times.ts'

const at = (time: string): number => Date.parse(time.length === 8 ? `2026-05-19T${time}Z` : time)
const CREATED = '2026-05-19T09:00:00Z'

function cronJob(schedule: string, last?: string, startingDeadlineSeconds?: number): CronJob {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'c', creationTimestamp: CREATED },
    spec: {
      schedule,
      timeZone: 'UTC',
      jobTemplate: {},
      ...(startingDeadlineSeconds === undefined ? {} : { startingDeadlineSeconds }),
    },
    status: last === undefined ? {} : { lastScheduleTime: `2026-05-19T${last}Z` },
  }
}

describe('the time that is due', () => {
  it.each<[string, CronJob, string, string | undefined, boolean]>([
    ['before the first', cronJob('0 * * * *'), '09:59:59', undefined, false],
    ['at the first', cronJob('0 * * * *'), '10:00:00', '10:00:00', false],
    ['after the first', cronJob('0 * * * *'), '10:02:00', '10:00:00', false],
    ['it has run', cronJob('0 * * * *', '10:00:00'), '10:59:00', undefined, false],
    ['the last of some', cronJob('0 * * * *', '10:00:00'), '14:30:00', '14:00:00', false],
    ['the last of very many', cronJob('* * * * *'), '23:30:30', '23:30:00', true],
    ['of a hundred', cronJob('* * * * *'), '10:40:30', '10:40:00', false],
    ['of a hundred and one', cronJob('* * * * *'), '10:41:30', '10:41:00', true],
    ['@every counts from creation', cronJob('@every 1h'), '12:30:00', '12:00:00', false],
    ['too old for the deadline', cronJob('0 * * * *', undefined, 60), '10:02:00', undefined, false],
    ['within the deadline', cronJob('0 * * * *', undefined, 300), '10:02:00', '10:00:00', false],
    ['the deadline bounds what is missed', cronJob('* * * * *', undefined, 300), '23:30:30', '23:30:00', false],
    ['irregular, found near now', cronJob('30 6-16/4 * * *'), '15:00:00', '14:30:00', false],
    ['irregular, too far back to be found', cronJob('30 10,11,12,15,18,22 * * *'), '20:00:00', undefined, false],
  ])('%s', (_name, object, now, expected, hasMissedTooMany) => {
    const found = dueTime(object, scheduleOf(object), at(now))
    expect(found.dueMs === undefined ? undefined : new Date(found.dueMs).toISOString().slice(11, 19)).toBe(expected)
    expect(found.hasMissedTooMany).toBe(hasMissedTooMany)
  })

  it('is an error for a day that never comes', () => {
    const never = cronJob('59 23 31 2 *')
    expect(() => dueTime(never, scheduleOf(never), at('10:00:00'))).toThrow(
      'time difference between two schedules is less than 1 second',
    )
  })
})

describe('the wait for the next', () => {
  it.each<[string, CronJob, string, number | undefined]>([
    ['the first', cronJob('0 * * * *'), '09:10:00', 50 * 60_000 + 100],
    ['it has run', cronJob('0 * * * *', '10:00:00'), '10:10:00', 50 * 60_000 + 100],
    ['some were missed', cronJob('0 * * * *'), '13:10:00', 50 * 60_000 + 100],
    ['@every keeps its rhythm', cronJob('@every 1h', '10:20:00'), '13:10:00', 10 * 60_000 + 100],
    ['it never comes', cronJob('59 23 31 2 *'), '10:00:00', undefined],
  ])('%s', (_name, object, now, expected) => {
    expect(nextDelayMs(object, scheduleOf(object), at(now))).toBe(expected)
  })
})

it('reads the schedule in spec.timeZone', () => {
  const berlin: CronJob = cronJob('0 9 * * *')
  berlin.spec.timeZone = 'Europe/Berlin'
  expect(scheduleOf(berlin).nextMs(at('00:00:00'))).toBe(at('07:00:00'))
})
