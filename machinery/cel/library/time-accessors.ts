/** Parts of timestamps and durations. Upstream: cel-go common/types/{timestamp,duration}.go. */
import { defineMember, type Overload } from '../functions.ts'
import { dateIn, dayOfYear } from '../time.ts'
import type { CelDuration, CelTimestamp } from '../values.ts'

const DATE_PARTS: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDayOfYear: dayOfYear,
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
}

const DURATION_UNITS: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
}

export const TIME_FUNCTIONS: readonly Overload[] = [
  ...Object.entries(DATE_PARTS).flatMap(([name, part]) => [
    defineMember(`timestamp.${name}(): int`, (time: CelTimestamp) => BigInt(part(dateIn(time, undefined)))),
    defineMember(`timestamp.${name}(string): int`, (time: CelTimestamp, zone: string) =>
      BigInt(part(dateIn(time, zone))),
    ),
  ]),
  ...Object.entries(DURATION_UNITS).map(([name, unit]) =>
    defineMember(`duration.${name}(): int`, ({ nanos }: CelDuration) => nanos / unit),
  ),
  // Of the part below a second.
  defineMember('duration.getMilliseconds(): int', ({ nanos }: CelDuration) => (nanos / 1_000_000n) % 1_000n),
]
