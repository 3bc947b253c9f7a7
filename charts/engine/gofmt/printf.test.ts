import { describe, expect, it } from 'vitest'
import { type GoValue, int } from '../gotypes/value.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { sprintf } from './printf.ts'
import { formatTime, loadZone, parseTime } from './time.ts'

describe('sprintf', () => {
  it.each<[string, GoValue[], string]>([
    ['%v %d %s', [1000000, int(7), 'x'], '1e+06 7 x'],
    [
      '%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U',
      Array.from({ length: 10 }, () => int(65)),
      '   65|65   |00065|+65|41|41|101|1000001|A|U+0041',
    ],
    [
      '%8.3f|%-8.2f|%08.3f|%e|%g',
      [2.71428, 2.5, -2.71428, 123456, 1e-7],
      '   2.714|2.50    |-002.714|1.234560e+05|1e-07',
    ],
    ['%q %#v %T', ['a"b', ['x', 1], new Map()], '"a\\"b" []interface {}{"x", 1} map[string]interface {}'],
    ['%[2]s %[1]s', ['a', 'b'], 'b a'],
    ['%*d', [int(4), int(7)], '   7'],
    ['%d', [1.5], '%!d(float64=1.5)'],
    ['%d', [], '%!d(MISSING)'],
    ['x', ['extra'], 'x%!(EXTRA string=extra)'],
    ['%z', [int(1)], '%!z(int=1)'],
    ['%s', [null], '%!s(<nil>)'],
    ['%', [], '%!(NOVERB)'],
  ])('%j', (format, args, want) => {
    expect(sprintf(format, args)).toBe(want)
  })
})

describe('durations and times', () => {
  it.each([['1h15m30.918s'], ['1.5ms'], ['-2m0s'], ['0s'], ['1µs']])('prints %s as it was', (text) => {
    expect(formatDuration(parseDuration(text))).toBe(text)
  })

  it('formats and parses Go layouts', () => {
    const time = parseTime('2006-01-02T15:04:05Z07:00', '2024-02-03T04:05:06.789+02:00')
    expect(formatTime(time, 'Mon Jan _2 15:04:05.000 2006 -0700')).toBe('Sat Feb  3 04:05:06.789 2024 +0200')
    expect(
      formatTime(parseTime('2006-01-02 15:04', '2024-07-01 12:00', loadZone('Europe/Berlin')), '15:04 -07:00 3PM 002'),
    ).toBe('12:00 +02:00 12PM 183')
    expect(() => parseTime('2006-01-02', '2024-02-31')).toThrow('parsing time "2024-02-31": day out of range')
  })
})
