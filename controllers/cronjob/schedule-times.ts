/**
 * Which time of its schedule a CronJob should run for now, and when to look again. Pure.
 * Upstream: pkg/controller/cronjob/utils.go mostRecentScheduleTime, nextScheduleTime, nextScheduleTimeDuration.
 */
import type { CronJob } from '#machinery/api/batch/v1/types.gen.ts'
import type { CronSchedule } from '#machinery/cron/schedule.ts'
import { parseCronSchedule } from '#machinery/cron/schedule.ts'
import { TimeZone } from '#machinery/cron/time-zone.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** Looked a little late rather than a little early. */
const LOOK_LATER_MS = 100
const MISSED_MAX = 100

export interface DueTime {
  /** The last time of the schedule that has passed since the last run; undefined: none has. */
  readonly dueMs: number | undefined
  readonly hasMissedTooMany: boolean
}

/** spec.timeZone goes in front of the schedule, unless that names a zone itself. Throws an Error for what cannot be read. */
export function scheduleOf({ spec }: DeepReadonly<CronJob>): CronSchedule {
  const { schedule, timeZone } = spec
  const isZoned = schedule.includes('TZ') || timeZone === undefined || TimeZone.find(timeZone) === undefined
  return parseCronSchedule(isZoned ? schedule : `TZ=${timeZone === '' ? 'UTC' : timeZone} ${schedule}`)
}

/** Throws an Error when the schedule has no times. Runs older than startingDeadlineSeconds are not due. */
export function dueTime(cronJob: DeepReadonly<CronJob>, schedule: CronSchedule, nowMs: number): DueTime {
  const { startingDeadlineSeconds } = cronJob.spec
  const earliestMs = lastTimeMs(cronJob)
  const deadlineMs = startingDeadlineSeconds === undefined ? earliestMs : nowMs - startingDeadlineSeconds * 1_000
  const { recentMs, missed } = mostRecent(Math.max(earliestMs, deadlineMs), schedule, nowMs)
  return { dueMs: recentMs, hasMissedTooMany: missed > MISSED_MAX }
}

/** How long until the next time; undefined when there is none. */
export function nextDelayMs(cronJob: DeepReadonly<CronJob>, schedule: CronSchedule, nowMs: number): number | undefined {
  const nextMs = schedule.nextMs(startOfWaitMs(cronJob, schedule, nowMs))
  return nextMs === undefined ? undefined : Math.max(0, nextMs + LOOK_LATER_MS - nowMs)
}

function startOfWaitMs(cronJob: DeepReadonly<CronJob>, schedule: CronSchedule, nowMs: number): number {
  const earliestMs = lastTimeMs(cronJob)
  try {
    const { recentMs, missed } = mostRecent(earliestMs, schedule, nowMs)
    return recentMs ?? (missed === 0 ? earliestMs : nowMs)
  } catch {
    return nowMs
  }
}

function lastTimeMs({ metadata, status }: DeepReadonly<CronJob>): number {
  return Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '')
}

interface Recent {
  readonly recentMs: number | undefined
  /** About how many have passed, from the distance of the first two. */
  readonly missed: number
}

function mostRecent(earliestMs: number, schedule: CronSchedule, nowMs: number): Recent {
  const first = schedule.nextMs(earliestMs)
  if (first !== undefined && nowMs < first) return { recentMs: undefined, missed: 0 }
  const second = first === undefined ? undefined : schedule.nextMs(first)
  if (first === undefined || second === undefined)
    throw new Error('time difference between two schedules is less than 1 second')
  if (nowMs < second) return { recentMs: first, missed: 0 }
  const periodMs = second - first
  const missed = Math.floor((nowMs - first) / periodMs) + 1
  // Irregular schedules may have times closer to now than the regular distance says: the last stretch is walked.
  let recentMs: number | undefined
  for (
    let at = schedule.nextMs(first + (missed - 2) * periodMs);
    at !== undefined && at <= nowMs;
    at = schedule.nextMs(at)
  )
    recentMs = at
  return { recentMs, missed }
}
