/**
 * Cron schedules as robfig/cron v3's standard parser reads them: five fields, descriptors (`@hourly`, `@every 5m`), a zone
 * in front (`TZ=`, `CRON_TZ=`). Daylight saving: what falls into a skipped hour does not happen, what falls into a repeated
 * one happens twice. Pure.
 */
import { parseDurationMs } from '../util/go-duration.ts'
import type { CronField, FieldRules } from './field.ts'
import { parseField } from './field.ts'
import type { WallClock } from './time-zone.ts'
import { TimeZone } from './time-zone.ts'

export interface CronSchedule {
  /** The first time after `instantMs`, in whole seconds; undefined when there is none within five years. */
  nextMs(instantMs: number): number | undefined
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const YEARS_MAX = 5

const namesFrom = (first: number, names: string): ReadonlyMap<string, number> =>
  new Map(names.split(' ').map((name, i) => [name, i + first]))

const FIELDS = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  day: { min: 1, max: 31 },
  month: { min: 1, max: 12, names: namesFrom(1, 'jan feb mar apr may jun jul aug sep oct nov dec') },
  weekday: { min: 0, max: 6, names: namesFrom(0, 'sun mon tue wed thu fri sat') },
} satisfies Record<string, FieldRules>

const DESCRIPTORS = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
])
const EVERY = '@every '

/** Throws an Error with upstream's text. `local`: the zone of a schedule that names none; default the process's. */
export function parseCronSchedule(text: string, local?: TimeZone): CronSchedule {
  if (text === '') throw new Error('empty spec string')
  const [, zoneName, rest = ''] = /^(?:CRON_)?TZ=(\S*?) (.*)$/s.exec(text) ?? []
  const zone = zoneName === undefined ? (local ?? TimeZone.local()) : TimeZone.find(zoneName)
  if (zone === undefined) throw new Error(`provided bad location ${zoneName}: unknown time zone ${zoneName}`)
  const spec = zoneName === undefined ? text : rest.trim()
  if (spec.startsWith(EVERY)) return everyMs(spec)
  if (!spec.startsWith('@')) return parseFields(spec, zone)
  const fields = DESCRIPTORS.get(spec)
  if (fields === undefined) throw new Error(`unrecognized descriptor: ${spec}`)
  return parseFields(fields, zone)
}

function everyMs(descriptor: string): CronSchedule {
  let durationMs: number
  try {
    durationMs = parseDurationMs(descriptor.slice(EVERY.length))
  } catch (err: unknown) {
    throw new Error(`failed to parse duration ${descriptor}: ${(err as Error).message}`)
  }
  const delayMs = Math.max(SECOND_MS, Math.floor(durationMs / SECOND_MS) * SECOND_MS)
  return { nextMs: (instantMs) => wholeSeconds(instantMs) + delayMs }
}

function parseFields(spec: string, zone: TimeZone): CronSchedule {
  const texts = spec.split(/\s+/).filter((text) => text !== '')
  if (texts.length !== 5) throw new Error(`expected exactly 5 fields, found ${texts.length}: [${texts.join(' ')}]`)
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = texts
  return new FieldSchedule(
    {
      minute: parseField(minute, FIELDS.minute),
      hour: parseField(hour, FIELDS.hour),
      day: parseField(day, FIELDS.day),
      month: parseField(month, FIELDS.month),
      weekday: parseField(weekday, FIELDS.weekday),
    },
    zone,
  )
}

class FieldSchedule implements CronSchedule {
  readonly #fields: Record<keyof typeof FIELDS, CronField>
  readonly #zone: TimeZone

  constructor(fields: Record<keyof typeof FIELDS, CronField>, zone: TimeZone) {
    this.#fields = fields
    this.#zone = zone
  }

  nextMs(instantMs: number): number | undefined {
    let atMs = wholeSeconds(instantMs) + SECOND_MS
    const lastYear = this.#zone.wallClock(atMs).year + YEARS_MAX
    // Every step moves to the start of a later month, day, hour or minute: the first field that does not match decides.
    for (;;) {
      const wall = this.#zone.wallClock(atMs)
      if (wall.year > lastYear) return undefined
      if (!this.#fields.month.values.has(wall.month)) atMs = this.#startOf(wall, { month: wall.month + 1, day: 1 })
      else if (!this.#isDay(wall)) atMs = this.#startOf(wall, { day: wall.day + 1 })
      else if (!this.#fields.hour.values.has(wall.hour)) atMs = this.#nextHourMs(atMs)
      else if (!this.#fields.minute.values.has(wall.minute) || atMs % MINUTE_MS !== 0) atMs = nextMinuteMs(atMs)
      else return atMs
    }
  }

  #isDay({ day, weekday }: WallClock): boolean {
    const { day: days, weekday: weekdays } = this.#fields
    const [isDay, isWeekday] = [days.values.has(day), weekdays.values.has(weekday)]
    // Two restricted day fields are alternatives.
    return days.isAny || weekdays.isAny ? isDay && isWeekday : isDay || isWeekday
  }

  /** Midnight; where the clock skips it, the first instant of that day. */
  #startOf({ year, month }: WallClock, to: { readonly month?: number; readonly day: number }): number {
    const startMs = this.#zone.instantMs(year, to.month ?? month, to.day, 0)
    const { hour } = this.#zone.wallClock(startMs)
    return hour > 12 ? startMs + (24 - hour) * HOUR_MS : startMs
  }

  /** Zones may be off by parts of an hour, so the wall clock's hour is what is rounded. */
  #nextHourMs(atMs: number): number {
    const offsetMs = this.#zone.offsetMs(atMs)
    return Math.floor((atMs + offsetMs) / HOUR_MS) * HOUR_MS - offsetMs + HOUR_MS
  }
}

function wholeSeconds(instantMs: number): number {
  return Math.floor(instantMs / SECOND_MS) * SECOND_MS
}

function nextMinuteMs(atMs: number): number {
  return Math.floor(atMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS
}
