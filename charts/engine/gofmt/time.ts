// time.Time: Go layouts, formatting and parsing. Zones come from Intl; the local zone is UTC.

import { GoError } from '../gotypes/error.ts'
import { defineFunc, type GoFunc, type GoInt, GoObject, int, int64 } from '../gotypes/value.ts'
import { duration } from './duration.ts'
import { quote } from './quote.ts'

interface Zone {
  readonly name: string
  /** Seconds east of UTC at an instant. */
  readonly offsetAt: (unixSeconds: number) => { offset: number; abbreviation: string }
}

export const UTC: Zone = { name: 'UTC', offsetAt: () => ({ offset: 0, abbreviation: 'UTC' }) }

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

export class GoTime extends GoObject {
  /** Nanoseconds since 1970. */
  readonly nanoseconds: bigint
  readonly zone: Zone

  constructor(nanoseconds: bigint, zone: Zone = UTC) {
    super('time.Time', {
      methods: timeMethods(() => this),
      text: () => formatTime(this, '2006-01-02 15:04:05.999999999 -0700 MST'),
      json: () => formatTime(this, '2006-01-02T15:04:05.999999999Z07:00'),
    })
    this.nanoseconds = nanoseconds
    this.zone = zone
  }

  get unixSeconds(): bigint {
    const seconds = this.nanoseconds / 1_000_000_000n
    return this.nanoseconds % 1_000_000_000n < 0n ? seconds - 1n : seconds
  }

  get fraction(): number {
    return Number(this.nanoseconds - this.unixSeconds * 1_000_000_000n)
  }
}

interface Fields {
  year: number
  month: number
  day: number
  weekday: number
  hour: number
  minute: number
  second: number
  yearDay: number
  offset: number
  abbreviation: string
}

function fieldsOf(time: GoTime): Fields {
  const seconds = Number(time.unixSeconds)
  const { offset, abbreviation } = time.zone.offsetAt(seconds)
  const date = new Date((seconds + offset) * 1000)
  const year = date.getUTCFullYear()
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    yearDay: Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1,
    offset,
    abbreviation,
  }
}

function timeMethods(self: () => GoTime): ReadonlyMap<string, GoFunc> {
  const method = (
    name: string,
    signature: string,
    result: string,
    impl: (...args: never[]) => unknown,
  ): [string, GoFunc] => [name, defineFunc(name, signature, result, impl)]
  return new Map([
    method('Format', 'string', 'string', (layout: string) => formatTime(self(), layout)),
    method('Unix', '', 'int64', () => int64(self().unixSeconds)),
    method('UnixNano', '', 'int64', () => int64(self().nanoseconds)),
    method('UnixMilli', '', 'int64', () => int64(self().nanoseconds / 1_000_000n)),
    method('Year', '', 'int', () => int(fieldsOf(self()).year)),
    method('Month', '', 'time.Month', () => monthValue(fieldsOf(self()).month)),
    method('Day', '', 'int', () => int(fieldsOf(self()).day)),
    method('Hour', '', 'int', () => int(fieldsOf(self()).hour)),
    method('Minute', '', 'int', () => int(fieldsOf(self()).minute)),
    method('Second', '', 'int', () => int(fieldsOf(self()).second)),
    method('Nanosecond', '', 'int', () => int(self().fraction)),
    method('YearDay', '', 'int', () => int(fieldsOf(self()).yearDay)),
    method('UTC', '', 'time.Time', () => new GoTime(self().nanoseconds)),
    method('Local', '', 'time.Time', () => new GoTime(self().nanoseconds)),
    method('AddDate', 'int, int, int', 'time.Time', (years: number, months: number, days: number) =>
      addDate(self(), years, months, days),
    ),
    method('Add', 'time.Duration', 'time.Time', (by: GoInt) => new GoTime(self().nanoseconds + by.value, self().zone)),
    method('Sub', 'time.Time', 'time.Duration', (other: GoTime) => duration(self().nanoseconds - other.nanoseconds)),
    method('Before', 'time.Time', 'bool', (other: GoTime) => self().nanoseconds < other.nanoseconds),
    method('After', 'time.Time', 'bool', (other: GoTime) => self().nanoseconds > other.nanoseconds),
    method('Equal', 'time.Time', 'bool', (other: GoTime) => self().nanoseconds === other.nanoseconds),
    method('IsZero', '', 'bool', () => self().nanoseconds === ZERO_TIME),
    method('String', '', 'string', () => formatTime(self(), '2006-01-02 15:04:05.999999999 -0700 MST')),
  ])
}

/** 0001-01-01T00:00:00Z. */
export const ZERO_TIME = -62_135_596_800n * 1_000_000_000n

function monthValue(month: number): GoObject {
  return new GoObject('time.Month', { text: () => MONTHS[month - 1] ?? '' })
}

function addDate(time: GoTime, years: number, months: number, days: number): GoTime {
  const fields = fieldsOf(time)
  const date = Date.UTC(
    fields.year + years,
    fields.month - 1 + months,
    fields.day + days,
    fields.hour,
    fields.minute,
    fields.second,
  )
  return new GoTime(BigInt(date / 1000 - fields.offset) * 1_000_000_000n + BigInt(time.fraction), time.zone)
}

/** The tokens of a layout, longest first where one is a prefix of another. */
const TOKENS =
  /January|Jan|Monday|Mon|MST|2006|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|__2|002|_2006|_2|01|02|03|04|05|06|15|PM|pm|[.,]0+(?![0-9])|[.,]9+(?![0-9])|1|2|3|4|5/g

export function formatTime(time: GoTime, layout: string): string {
  const fields = fieldsOf(time)
  return layout.replace(TOKENS, (token, at: number) => formatToken(token, fields, time.fraction, layout, at))
}

function pad(value: number, width: number, fill = '0'): string {
  return String(Math.abs(value)).padStart(width, fill)
}

function formatToken(token: string, fields: Fields, fraction: number, layout: string, at: number): string {
  switch (token) {
    case 'January':
      return MONTHS[fields.month - 1] ?? ''
    case 'Jan':
      // "Jan" inside a lower-case word is text.
      return /[a-z]/.test(layout[at + 3] ?? '') ? token : (MONTHS[fields.month - 1] ?? '').slice(0, 3)
    case 'Monday':
      return DAYS[fields.weekday] ?? ''
    case 'Mon':
      return /[a-z]/.test(layout[at + 3] ?? '') ? token : (DAYS[fields.weekday] ?? '').slice(0, 3)
    case 'MST':
      return fields.abbreviation
    case '2006':
      return fields.year < 0 ? `-${pad(fields.year, 4)}` : pad(fields.year, 4)
    case '_2006':
      return `_${pad(fields.year, 4)}`
    case '06':
      return pad(fields.year % 100, 2)
    case '01':
      return pad(fields.month, 2)
    case '1':
      return String(fields.month)
    case '02':
      return pad(fields.day, 2)
    case '_2':
      return pad(fields.day, 2, ' ')
    case '2':
      return String(fields.day)
    case '__2':
      return pad(fields.yearDay, 3, ' ')
    case '002':
      return pad(fields.yearDay, 3)
    default:
      return formatClockToken(token, fields, fraction)
  }
}

function formatClockToken(token: string, fields: Fields, fraction: number): string {
  const hour12 = fields.hour % 12 === 0 ? 12 : fields.hour % 12
  switch (token) {
    case '15':
      return pad(fields.hour, 2)
    case '03':
      return pad(hour12, 2)
    case '3':
      return String(hour12)
    case '04':
      return pad(fields.minute, 2)
    case '4':
      return String(fields.minute)
    case '05':
      return pad(fields.second, 2)
    case '5':
      return String(fields.second)
    case 'PM':
      return fields.hour >= 12 ? 'PM' : 'AM'
    case 'pm':
      return fields.hour >= 12 ? 'pm' : 'am'
    default:
      return /^[.,]/.test(token) ? formatFraction(token, fraction) : formatOffset(token, fields.offset)
  }
}

function formatFraction(token: string, fraction: number): string {
  const digits = String(fraction)
    .padStart(9, '0')
    .slice(0, token.length - 1)
  if (token[1] === '0') return token[0] + digits
  const trimmed = digits.replace(/0+$/, '')
  return trimmed === '' ? '' : token[0] + trimmed
}

function formatOffset(token: string, offset: number): string {
  if (token.startsWith('Z') && offset === 0) return 'Z'
  const sign = offset < 0 ? '-' : '+'
  const minutes = Math.floor(Math.abs(offset) / 60)
  const hh = pad(Math.floor(minutes / 60), 2)
  const mm = pad(minutes % 60, 2)
  const ss = pad(Math.abs(offset) % 60, 2)
  switch (token.slice(1)) {
    case '07':
      return sign + hh
    case '0700':
      return sign + hh + mm
    case '07:00':
      return `${sign}${hh}:${mm}`
    case '070000':
      return sign + hh + mm + ss
    default:
      return `${sign}${hh}:${mm}:${ss}`
  }
}

const PATTERNS: ReadonlyMap<string, string> = new Map([
  ['January', '(?<month>[A-Za-z]+)'],
  ['Jan', '(?<mon>[A-Za-z]{3})'],
  ['Monday', '[A-Za-z]+'],
  ['Mon', '[A-Za-z]{3}'],
  ['MST', '(?<zone>[A-Z][A-Za-z]{2,4}|[+-][0-9]{2,4})'],
  ['2006', '(?<year>[0-9]{4})'],
  ['06', '(?<yy>[0-9]{2})'],
  ['01', '(?<m>[0-9]{2})'],
  ['1', '(?<m>[0-9]{1,2})'],
  ['02', '(?<d>[0-9]{2})'],
  ['_2', ' ?(?<d>[0-9]{1,2})'],
  ['2', '(?<d>[0-9]{1,2})'],
  ['15', '(?<H>[0-9]{2})'],
  ['03', '(?<h>[0-9]{2})'],
  ['3', '(?<h>[0-9]{1,2})'],
  ['04', '(?<M>[0-9]{2})'],
  ['4', '(?<M>[0-9]{1,2})'],
  ['05', '(?<s>[0-9]{2})(?<f>[.,][0-9]+)?'],
  ['5', '(?<s>[0-9]{1,2})(?<f>[.,][0-9]+)?'],
  ['PM', '(?<pm>AM|PM)'],
  ['pm', '(?<pm>am|pm)'],
  ['-0700', '(?<o>[+-][0-9]{4})'],
  ['-07:00', '(?<o>[+-][0-9]{2}:[0-9]{2})'],
  ['-07', '(?<o>[+-][0-9]{2})'],
  ['Z0700', '(?<o>Z|[+-][0-9]{4})'],
  ['Z07:00', '(?<o>Z|[+-][0-9]{2}:[0-9]{2})'],
  ['Z07', '(?<o>Z|[+-][0-9]{2})'],
])

/** time.ParseInLocation. */
export function parseTime(layout: string, text: string, zone: Zone = UTC): GoTime {
  const bad = (): GoError =>
    new GoError(
      `parsing time ${quote(text)} as ${quote(layout)}: cannot parse ${quote(text)} as ${quote(firstToken(layout))}`,
    )
  let pattern = ''
  let last = 0
  for (const match of layout.matchAll(TOKENS)) {
    pattern += escapeRegExp(layout.slice(last, match.index))
    const isFraction = /^[.,]/.test(match[0])
    pattern += isFraction ? '' : (PATTERNS.get(match[0]) ?? escapeRegExp(match[0]))
    last = match.index + match[0].length
  }
  pattern += escapeRegExp(layout.slice(last))
  const groups = new RegExp(`^${pattern}$`).exec(text)?.groups
  if (groups === undefined) {
    if (new RegExp(`^${pattern}$`).test(text)) return new GoTime(BigInt(Date.UTC(0, 0, 1)) * 1_000_000n, zone)
    throw bad()
  }
  return timeFromGroups(groups, layout, text, zone)
}

function firstToken(layout: string): string {
  return layout.match(TOKENS)?.[0] ?? layout
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function timeFromGroups(groups: Record<string, string | undefined>, layout: string, text: string, zone: Zone): GoTime {
  const range = (what: string): GoError => new GoError(`parsing time ${quote(text)}: ${what} out of range`)
  const number = (name: string, fallback: number): number =>
    groups[name] === undefined ? fallback : Number(groups[name])
  const name = groups['month'] ?? groups['mon']
  const month =
    name === undefined ? number('m', 1) : MONTHS.findIndex((full) => full === name || full.slice(0, 3) === name) + 1
  if (month < 1 || month > 12) throw range('month')
  const yy = number('yy', 0)
  const year = groups['yy'] === undefined ? number('year', 0) : yy >= 69 ? 1900 + yy : 2000 + yy
  const day = number('d', 1)
  if (day < 1 || day > new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()) throw range('day')
  let hour = number('H', number('h', 0))
  const pm = groups['pm']?.toLowerCase()
  if (pm === 'pm' && hour < 12) hour += 12
  if (pm === 'am' && hour === 12) hour = 0
  const minute = number('M', 0)
  const second = number('s', 0)
  if (hour > 23) throw range('hour')
  if (minute > 59) throw range('minute')
  if (second > 59) throw range('second')
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second))
  date.setUTCFullYear(year, month - 1, day)
  const seconds = date.getTime() / 1000
  const nanoseconds = BigInt((groups['f'] ?? '').slice(1).padEnd(9, '0').slice(0, 9) || '0')
  return resolveZone(seconds, nanoseconds, groups, layout, zone)
}

function resolveZone(
  seconds: number,
  nanoseconds: bigint,
  groups: Record<string, string | undefined>,
  _layout: string,
  zone: Zone,
): GoTime {
  const offsetText = groups['o']
  if (offsetText !== undefined) {
    const offset = parseOffset(offsetText)
    const fixed: Zone = offset === 0 ? UTC : fixedZone(offset)
    return new GoTime(BigInt(seconds - offset) * 1_000_000_000n + nanoseconds, fixed)
  }
  const offset = zone.offsetAt(seconds).offset
  return new GoTime(BigInt(seconds - zone.offsetAt(seconds - offset).offset) * 1_000_000_000n + nanoseconds, zone)
}

function parseOffset(text: string): number {
  if (text === 'Z') return 0
  const digits = text.slice(1).replaceAll(':', '')
  const value = Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4) || '0') * 60
  return text.startsWith('-') ? -value : value
}

function fixedZone(offset: number): Zone {
  const sign = offset < 0 ? '-' : '+'
  const minutes = Math.floor(Math.abs(offset) / 60)
  const hhmm = pad(Math.floor(minutes / 60), 2) + pad(minutes % 60, 2)
  return {
    name: '',
    offsetAt: () => ({ offset, abbreviation: sign + (hhmm.endsWith('00') ? hhmm.slice(0, 2) : hhmm) }),
  }
}

/** time.LoadLocation; undefined when unknown. */
export function loadZone(name: string): Zone | undefined {
  if (name === '' || name === 'UTC' || name === 'Local') return UTC
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    const short = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'short' })
    return { name, offsetAt: (seconds) => zoneOffset(format, short, seconds) }
  } catch {
    return undefined
  }
}

function zoneOffset(
  format: Intl.DateTimeFormat,
  short: Intl.DateTimeFormat,
  seconds: number,
): { offset: number; abbreviation: string } {
  const date = new Date(seconds * 1000)
  const parts = new Map(format.formatToParts(date).map((part) => [part.type, Number(part.value)]))
  const get = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
  const local = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second')) / 1000
  const abbreviation = short.formatToParts(date).find((part) => part.type === 'timeZoneName')?.value ?? ''
  return { offset: local - seconds, abbreviation }
}

export function timeFromMs(ms: number): GoTime {
  return new GoTime(BigInt(Math.trunc(ms)) * 1_000_000n)
}
