/**
 * Wall clock and instant of a named time zone, over the zone data Intl brings. An ambiguous or skipped wall clock time is
 * the instant Go's time.Date makes of it, so that schedules pass daylight saving changes as upstream's do.
 */

const MINUTE_MS = 60_000
/** Since 1973 zones change their offset on quarters of an hour only. */
const SLOT_MS = 15 * MINUTE_MS
const OFFSETS_MAX = 1_000

export interface WallClock {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  /** 0 is Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
}

export class TimeZone {
  readonly #format: Intl.DateTimeFormat
  readonly #offsets = new Map<number, number>()

  private constructor(format: Intl.DateTimeFormat) {
    this.#format = format
  }

  /** Undefined: there is no such zone. The empty name is UTC. */
  static find(name: string): TimeZone | undefined {
    // Intl also takes offsets such as +01:00, which are no names.
    if (/^[+-]/.test(name)) return undefined
    try {
      return new TimeZone(newFormat(name === '' ? 'UTC' : name))
    } catch {
      return undefined
    }
  }

  /** The zone this process runs in. */
  static local(): TimeZone {
    return new TimeZone(newFormat(undefined))
  }

  wallClock(instantMs: number): WallClock {
    const wall = new Date(instantMs + this.offsetMs(instantMs))
    return {
      year: wall.getUTCFullYear(),
      month: wall.getUTCMonth() + 1,
      day: wall.getUTCDate(),
      weekday: wall.getUTCDay(),
      hour: wall.getUTCHours(),
      minute: wall.getUTCMinutes(),
    }
  }

  /** Days and months beyond their range roll over. */
  instantMs(year: number, month: number, day: number, hour: number): number {
    const wallMs = Date.UTC(year, month - 1, day, hour)
    const guess = this.offsetMs(wallMs)
    const atGuess = this.offsetMs(wallMs - guess)
    return wallMs - (atGuess === guess ? guess : atGuess)
  }

  /** Milliseconds the wall clock is ahead of UTC. */
  offsetMs(instantMs: number): number {
    const slot = Math.floor(instantMs / SLOT_MS)
    const known = this.#offsets.get(slot)
    if (known !== undefined) return known
    if (this.#offsets.size >= OFFSETS_MAX) this.#offsets.clear()
    const offset = this.#readOffsetMs(slot * SLOT_MS)
    this.#offsets.set(slot, offset)
    return offset
  }

  /** RFC 3339 with the zone's offset, `Z` where it is none. */
  format(instantMs: number): string {
    const offset = this.offsetMs(instantMs)
    const wall = new Date(instantMs + offset).toISOString().slice(0, 19)
    if (offset === 0) return `${wall}Z`
    const minutes = Math.abs(offset) / MINUTE_MS
    const digits = (value: number): string => String(Math.trunc(value)).padStart(2, '0')
    return `${wall}${offset < 0 ? '-' : '+'}${digits(minutes / 60)}:${digits(minutes % 60)}`
  }

  #readOffsetMs(instantMs: number): number {
    const parts = new Map(this.#format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]))
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
    const wallMs = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
    return wallMs - instantMs
  }
}

function newFormat(timeZone: string | undefined): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    ...(timeZone === undefined ? {} : { timeZone }),
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
}
