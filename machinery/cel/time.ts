/**
 * Timestamps and durations in nanoseconds: ranges, RFC 3339, Go's duration text, calendar fields in a zone.
 * Upstream: cel-go common/types/{timestamp,duration,overflow}.go; Go time.ParseDuration.
 */
import { TimeZone } from '../cron/time-zone.ts'
import { MAX_INT, MIN_INT } from './numbers.ts'
import { CelDuration, CelTimestamp, EvaluationError } from './values.ts'

const SECOND = 1_000_000_000n
const MILLISECOND = 1_000_000n
/** 0001-01-01T00:00:00Z. */
const MIN_SECONDS = -62_135_596_800n
/** 9999-12-31T23:59:59Z. */
const MAX_SECONDS = 253_402_300_799n
const DAY_MS = 86_400_000

/** Quotient rounded down, and what is left. */
function floorDivide(value: bigint, divisor: bigint): [quotient: bigint, rest: bigint] {
  const rest = ((value % divisor) + divisor) % divisor
  return [(value - rest) / divisor, rest]
}

export function toTimestamp(epochNanos: bigint): CelTimestamp {
  const [seconds] = floorDivide(epochNanos, SECOND)
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) throw new EvaluationError('timestamp overflow')
  return new CelTimestamp(epochNanos)
}

export function toDuration(nanos: bigint): CelDuration {
  if (nanos < MIN_INT || nanos > MAX_INT) throw new EvaluationError('duration overflow')
  return new CelDuration(nanos)
}

export const secondsToTimestamp = (seconds: bigint): CelTimestamp => toTimestamp(seconds * SECOND)
export const timestampSeconds = ({ epochNanos }: CelTimestamp): bigint => floorDivide(epochNanos, SECOND)[0]

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/

/** Undefined for text that is no RFC 3339 date and time. */
export function parseTimestamp(text: string): CelTimestamp | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  const [zoneHour, zoneMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)]
  if (!isDate || hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return undefined
  const zoneSeconds = (zoneHour * 60 + zoneMinute) * (match[8] === '-' ? -60 : 60)
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - zoneSeconds
  const nanos = BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0'))
  return toTimestamp(BigInt(seconds) * SECOND + nanos)
}

/** RFC 3339 with as many digits of the second as are needed. */
export function timestampText({ epochNanos }: CelTimestamp): string {
  const [seconds, nanos] = floorDivide(epochNanos, SECOND)
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${whole}${fractionText(nanos)}Z`
}

export function durationText({ nanos }: CelDuration): string {
  const magnitude = nanos < 0n ? -nanos : nanos
  return `${nanos < 0n ? '-' : ''}${magnitude / SECOND}${fractionText(magnitude % SECOND)}s`
}

function fractionText(nanos: bigint): string {
  return nanos === 0n ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', MILLISECOND],
  ['s', SECOND],
  ['m', 60n * SECOND],
  ['h', 3600n * SECOND],
])
const PARTS = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy

/** Undefined for text that is no duration of Go, or one of more than 290 years. */
export function parseDuration(text: string): CelDuration | undefined {
  const unsigned = text.replace(/^[+-]/, '')
  if (unsigned === '0') return new CelDuration(0n)
  let nanos = 0n
  let end = 0
  for (const match of unsigned.matchAll(PARTS)) {
    end = match.index + match[0].length
    const [, number = '', unit = ''] = match
    const [whole = '', fraction = ''] = number.split('.')
    const scale = UNITS.get(unit) ?? 0n
    nanos += BigInt(whole === '' ? 0 : whole) * scale
    if (fraction !== '') nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
  }
  if (end === 0 || end !== unsigned.length) return undefined
  const signed = text.startsWith('-') ? -nanos : nanos
  return signed < MIN_INT || signed > MAX_INT ? undefined : new CelDuration(signed)
}

/** A date with UTC fields that are those of the zone: a name, or `+02:00`. Throws an EvaluationError for no zone. */
export function dateIn({ epochNanos }: CelTimestamp, zone: string | undefined): Date {
  const [milliseconds] = floorDivide(epochNanos, MILLISECOND)
  const instantMs = Number(milliseconds)
  return new Date(instantMs + (zone === undefined ? 0 : zoneOffsetMs(zone, instantMs)))
}

function zoneOffsetMs(zone: string, instantMs: number): number {
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone)
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3])
    return minutes * (fixed[1] === '-' ? -60_000 : 60_000)
  }
  const found = zoneNamed(zone)
  if (found === undefined) throw new EvaluationError(`unknown time zone ${zone}`)
  return found.offsetMs(instantMs)
}

/** Zones are dear to make; a handful is kept. */
const ZONES_MAX = 32
const zones = new Map<string, TimeZone | undefined>()

function zoneNamed(name: string): TimeZone | undefined {
  if (!zones.has(name)) {
    if (zones.size >= ZONES_MAX) zones.clear()
    zones.set(name, TimeZone.find(name))
  }
  return zones.get(name)
}

/** 0 for the first of January. */
export function dayOfYear(date: Date): number {
  const start = new Date(0)
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1)
  return Math.floor((date.getTime() - start.getTime()) / DAY_MS)
}
