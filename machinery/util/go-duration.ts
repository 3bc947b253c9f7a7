/** Go's time.ParseDuration, in milliseconds: what `1h30m` means in flags and in the `timeout` query parameter. */

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
