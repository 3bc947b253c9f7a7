/** Go's durations: what `1h30m` means in flags and in the `timeout` query parameter, and how Go prints one. */

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])
const PART = /^(\d*)(?:\.(\d*))?([^\d.]*)/
/** Go counts nanoseconds in 64 bits. */
const MAX_MS = 2 ** 63 / 1e6

/** Throws an Error with Go's text. */
export function parseDurationMs(text: string): number {
  const quoted = JSON.stringify(text)
  const isNegative = text.startsWith('-')
  let rest = isNegative || text.startsWith('+') ? text.slice(1) : text
  if (rest === '0') return 0
  if (rest === '') throw new Error(`time: invalid duration ${quoted}`)
  let totalMs = 0
  while (rest !== '') {
    const [all = '', whole = '', fraction = '', unit = ''] = PART.exec(rest) ?? []
    if (whole === '' && fraction === '') throw new Error(`time: invalid duration ${quoted}`)
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`)
    const unitMs = UNIT_MS.get(unit)
    if (unitMs === undefined) throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`)
    totalMs += Number(`${whole === '' ? '0' : whole}.${fraction === '' ? '0' : fraction}`) * unitMs
    rest = rest.slice(all.length)
  }
  if (totalMs > MAX_MS) throw new Error(`time: invalid duration ${quoted}`)
  return isNegative ? -totalMs : totalMs
}

/** Duration.String, to the microsecond: `1m2.5s`, `250.125ms`. */
export function formatDuration(ms: number): string {
  const rounded = Math.round(ms * 1000) / 1000
  if (rounded === 0) return '0s'
  if (rounded < 1) return `${Math.round(rounded * 1000)}µs`
  if (rounded < 1000) return `${rounded}ms`
  const minutes = Math.floor(rounded / 60_000)
  const seconds = `${Math.round((rounded - minutes * 60_000) * 1000) / 1e6}s`
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}
