import { describe, expect, it } from 'vitest'
import { seededRandom } from '#test/support/random-object.ts'
import { parseCronSchedule } from './schedule.ts'
import { TimeZone } from './time-zone.ts'

const UTC = TimeZone.find('') as TimeZone

function errorOf(schedule: string): string | undefined {
  try {
    parseCronSchedule(schedule, UTC)
    return undefined
  } catch (err: unknown) {
    return (err as Error).message
  }
}

/** The first `count` times after `from`, in UTC. */
function times(schedule: string, from: string, count: number): string[] {
  const parsed = parseCronSchedule(schedule, UTC)
  const found: string[] = []
  let at: number | undefined = Date.parse(from)
  while (found.length < count) {
    at = parsed.nextMs(at)
    if (at === undefined) return [...found, 'never']
    found.push(new Date(at).toISOString().replace('.000Z', 'Z'))
  }
  return found
}

describe('a schedule', () => {
  it.each([
    ['', 'empty spec string'],
    ['*/5 * * * *', undefined],
    ['0 9-17/2 * jan-mar mon,fri', undefined],
    ['0 9-17/2 * JAN-mar Mon,fri', undefined],
    ['@hourly', undefined],
    ['@every 1h30m', undefined],
    ['@every -1m', undefined],
    ['TZ=Asia/Tokyo 0 5 * * ?', undefined],
    ['CRON_TZ=Asia/Tokyo @daily', undefined],
    ['TZ=Mars/Olympus 0 5 * * *', 'provided bad location Mars/Olympus: unknown time zone Mars/Olympus'],
    ['TZ=UTC', 'expected exactly 5 fields, found 1: [TZ=UTC]'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['0 0 * * * *', 'expected exactly 5 fields, found 6: [0 0 * * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['9-5 * * * *', 'beginning of range (9) beyond end of range (5): 9-5'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['* * * * x', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['-1 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
    ['*/-2 * * * *', 'negative number (-2) not allowed: -2'],
    ['@never', 'unrecognized descriptor: @never'],
    ['@every 5', 'failed to parse duration @every 5: time: missing unit in duration "5"'],
  ])('%j: %s', (schedule, error) => {
    expect(errorOf(schedule)).toBe(error)
  })
})

describe('the times of a schedule', () => {
  it.each([
    ['every five minutes', '*/5 * * * *', ['2026-01-01T00:05:00Z', '2026-01-01T00:10:00Z']],
    ['from a number on in steps', '20/15 3 * * *', ['2026-01-01T03:20:00Z', '2026-01-01T03:35:00Z']],
    ['lists and ranges', '0 6,8-9 * * *', ['2026-01-01T06:00:00Z', '2026-01-01T08:00:00Z', '2026-01-01T09:00:00Z']],
    ['the end of long months', '59 23 31 * *', ['2026-01-31T23:59:00Z', '2026-03-31T23:59:00Z']],
    ['leap days', '0 0 29 feb ?', ['2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z']],
    ['a day that never comes', '59 23 31 2 *', ['never']],
    [
      'either of two day fields',
      '0 0 13 * fri',
      ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z', '2026-01-13T00:00:00Z'],
    ],
    ['both, when one of them is a star', '0 0 */1 * fri', ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z']],
    ['either, when the star has steps', '0 0 */20 * fri', ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z']],
    ['@weekly', '@weekly', ['2026-01-04T00:00:00Z', '2026-01-11T00:00:00Z']],
    ['@yearly', '@yearly', ['2027-01-01T00:00:00Z', '2028-01-01T00:00:00Z']],
    ['@every counts from what came before', '@every 1h30m', ['2026-01-01T01:30:00Z', '2026-01-01T03:00:00Z']],
    ['@every is a second at least', '@every 10ms', ['2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z']],
    ['a zone in front', 'TZ=Asia/Tokyo 0 5 * * *', ['2026-01-01T20:00:00Z', '2026-01-02T20:00:00Z']],
    ['a zone half an hour off', 'TZ=Asia/Kolkata 15 * * * *', ['2026-01-01T00:45:00Z', '2026-01-01T01:45:00Z']],
  ])('%s', (_name, schedule, expected) => {
    expect(times(schedule, '2026-01-01T00:00:00Z', expected.length)).toEqual(expected)
  })

  it('are whole seconds, after the given instant', () => {
    expect(times('* * * * *', '2026-01-01T00:00:59.900Z', 1)).toEqual(['2026-01-01T00:01:00Z'])
    expect(times('* * * * *', '2026-01-01T00:01:00Z', 1)).toEqual(['2026-01-01T00:02:00Z'])
    expect(times('@every 2s', '2026-01-01T00:00:00.700Z', 1)).toEqual(['2026-01-01T00:00:02Z'])
  })

  it.each([
    // New York loses 02:00-03:00 on 2026-03-08 and has 01:00-02:00 twice on 2026-11-01.
    [
      'what is skipped does not happen',
      'America/New_York',
      '30 2 * * *',
      '2026-03-07T12:00:00Z',
      ['2026-03-09T06:30:00Z'],
    ],
    [
      'every hour goes on over a gap',
      'America/New_York',
      '0 * * * *',
      '2026-03-08T05:30:00Z',
      ['2026-03-08T06:00:00Z', '2026-03-08T07:00:00Z'],
    ],
    [
      'what is repeated happens twice',
      'America/New_York',
      '30 1 * * *',
      '2026-11-01T00:00:00Z',
      ['2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z', '2026-11-02T06:30:00Z'],
    ],
    // Beirut goes from 00:00 to 01:00 on 2026-03-29: that day has no midnight.
    ['a day without midnight', 'Asia/Beirut', '30 1 29 3 *', '2026-03-01T00:00:00Z', ['2026-03-28T22:30:00Z']],
    [
      'midnight of such a day is left out',
      'Asia/Beirut',
      '0 0 * * *',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T21:00:00Z'],
    ],
    ['a shift of half an hour', 'Australia/Lord_Howe', '15 2 * * *', '2026-10-03T00:00:00Z', ['2026-10-04T15:15:00Z']],
  ])('daylight saving: %s', (_name, zone, schedule, from, expected) => {
    expect(times(`TZ=${zone} ${schedule}`, from, expected.length)).toEqual(expected)
  })

  it('match their fields, in every zone, and never go back', () => {
    const next = seededRandom(7)
    const int = (max: number): number => Math.floor(next() * max)
    for (let round = 0; round < 100; round++) {
      const zone = TimeZone.find(
        ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'][int(4)] ?? '',
      ) as TimeZone
      const [minute, hour, day] = [int(60), int(24), 1 + int(28)]
      const schedule = parseCronSchedule(`${minute} ${hour} ${day} * *`, zone)
      let at = Date.parse('2026-01-01T00:00:00Z') + int(300) * 86_400_000 + int(86_400_000)
      for (let i = 0; i < 14; i++) {
        const found = schedule.nextMs(at) ?? Number.NaN
        expect(found).toBeGreaterThan(at)
        expect(zone.wallClock(found)).toMatchObject({ minute, hour, day })
        at = found
      }
    }
  })
})

describe('a time zone', () => {
  it.each([
    ['', '2026-07-01T12:00:00Z', '2026-07-01T12:00:00Z'],
    ['Europe/Berlin', '2026-07-01T12:00:00Z', '2026-07-01T14:00:00+02:00'],
    ['America/St_Johns', '2026-01-01T00:00:00Z', '2025-12-31T20:30:00-03:30'],
  ])('%j writes %s as %s', (zone, instant, text) => {
    expect(TimeZone.find(zone)?.format(Date.parse(instant))).toBe(text)
  })

  it.each(['Mars/Olympus', '+01:00', '-5'])('%s is none', (name) => {
    expect(TimeZone.find(name)).toBeUndefined()
  })
})
