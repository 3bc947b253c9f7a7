// sprig's date functions. Upstream: sprig v3.3.0 date.go. The local zone is UTC.

import { formatDuration, parseDuration, SECOND } from '../gofmt/duration.ts'
import { formatTime, GoTime, loadZone, parseTime, timeFromMs, UTC, ZERO_TIME } from '../gofmt/time.ts'
import { parseInt64 } from '../gotypes/cast.ts'
import { defineFunc, type GoFunc, GoInt, type GoValue } from '../gotypes/value.ts'
import { withState } from '../template/functions.ts'
import type { State } from '../template/state.ts'

function now(state: State): GoTime {
  return timeFromMs(state.environment.now())
}

function asTime(state: State, value: GoValue): GoTime {
  if (value instanceof GoTime) return value
  if (value instanceof GoInt && value.named === undefined) return new GoTime(value.value * SECOND)
  return now(state)
}

function dateInZone(state: State, layout: string, value: GoValue, zone: string): string {
  return formatTime(new GoTime(asTime(state, value).nanoseconds, loadZone(zone) ?? UTC), layout)
}

function ago(state: State, value: GoValue): string {
  const nanoseconds = now(state).nanoseconds - asTime(state, value).nanoseconds
  const half = nanoseconds < 0n ? -SECOND / 2n : SECOND / 2n
  return formatDuration(((nanoseconds + half) / SECOND) * SECOND)
}

function seconds(value: GoValue): string {
  let count = 0n
  if (typeof value === 'string') count = parseInt64(value, 10) ?? 0n
  else if (value instanceof GoInt && value.kind === 'int64') count = value.value
  return formatDuration(BigInt.asIntN(64, count * SECOND))
}

const UNITS: readonly (readonly [bigint, string])[] = [
  [3600n * 24n * 365n, 'y'],
  [3600n * 24n * 30n, 'mo'],
  [3600n * 24n, 'd'],
  [3600n, 'h'],
  [60n, 'm'],
  [1n, 's'],
]

function durationRound(state: State, value: GoValue): string {
  let nanoseconds = 0n
  if (typeof value === 'string') nanoseconds = tryDuration(value) ?? 0n
  else if (value instanceof GoInt) nanoseconds = value.value
  else if (value instanceof GoTime) nanoseconds = now(state).nanoseconds - value.nanoseconds
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds
  for (const [unit, name] of UNITS) if (magnitude >= unit * SECOND) return `${magnitude / (unit * SECOND)}${name}`
  return '0s'
}

function tryDuration(text: string): bigint | undefined {
  try {
    return parseDuration(text)
  } catch {
    return undefined
  }
}

function modify(by: string, time: GoTime): GoTime {
  return new GoTime(time.nanoseconds + parseDuration(by), time.zone)
}

function toDate(layout: string, text: string): GoTime {
  try {
    return parseTime(layout, text)
  } catch {
    return new GoTime(ZERO_TIME)
  }
}

function modifyOrKeep(by: string, time: GoTime): GoTime {
  return tryDuration(by) === undefined ? time : modify(by, time)
}

export const DATE_FUNCTIONS: readonly GoFunc[] = [
  withState(defineFunc('now', '', 'time', now)),
  withState(
    defineFunc('date', 'string, any', 'string', (state: State, layout: string, value: GoValue) =>
      dateInZone(state, layout, value, 'Local'),
    ),
  ),
  ...['dateInZone', 'date_in_zone'].map((name) =>
    withState(defineFunc(name, 'string, any, string', 'string', dateInZone)),
  ),
  withState(
    defineFunc('htmlDate', 'any', 'string', (state: State, value: GoValue) =>
      dateInZone(state, '2006-01-02', value, 'Local'),
    ),
  ),
  withState(
    defineFunc('htmlDateInZone', 'any, string', 'string', (state: State, value: GoValue, zone: string) =>
      dateInZone(state, '2006-01-02', value, zone),
    ),
  ),
  ...['dateModify', 'date_modify'].map((name) => defineFunc(name, 'string, time', 'time', modifyOrKeep)),
  ...['mustDateModify', 'must_date_modify'].map((name) => defineFunc(name, 'string, time', 'time', modify)),
  withState(defineFunc('ago', 'any', 'string', ago)),
  defineFunc('toDate', 'string, string', 'time', toDate),
  defineFunc('mustToDate', 'string, string', 'time', parseTime),
  defineFunc('unixEpoch', 'time', 'string', (time: GoTime) => time.unixSeconds.toString()),
  defineFunc('duration', 'any', 'string', seconds),
  withState(defineFunc('durationRound', 'any', 'string', durationRound)),
]
