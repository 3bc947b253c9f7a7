// time.Duration: printing and parsing.

import { GoError } from '../gotypes/error.ts'
import { GoInt } from '../gotypes/value.ts'
import { setDurationFormatter } from './print.ts'
import { quote } from './quote.ts'

export const SECOND = 1_000_000_000n

export function duration(nanoseconds: bigint): GoInt {
  return new GoInt(BigInt.asIntN(64, nanoseconds), 'int64', 'time.Duration')
}

export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  const sign = nanoseconds < 0n ? '-' : ''
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds
  if (magnitude < SECOND) return sign + formatSmall(magnitude)
  const seconds = magnitude / SECOND
  const fraction = (magnitude % SECOND).toString().padStart(9, '0').replace(/0+$/, '')
  const hours = seconds / 3600n
  const minutes = (seconds / 60n) % 60n
  const rest = `${seconds % 60n}${fraction === '' ? '' : `.${fraction}`}s`
  if (hours > 0n) return `${sign}${hours}h${minutes}m${rest}`
  return minutes > 0n ? `${sign}${minutes}m${rest}` : sign + rest
}

function formatSmall(magnitude: bigint): string {
  if (magnitude < 1000n) return `${magnitude}ns`
  const [unit, scale, digits] = magnitude < 1_000_000n ? (['µs', 1000n, 3] as const) : (['ms', 1_000_000n, 6] as const)
  const fraction = (magnitude % scale).toString().padStart(digits, '0').replace(/0+$/, '')
  return `${magnitude / scale}${fraction === '' ? '' : `.${fraction}`}${unit}`
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1000n],
  ['µs', 1000n],
  ['μs', 1000n],
  ['ms', 1_000_000n],
  ['s', SECOND],
  ['m', 60n * SECOND],
  ['h', 3600n * SECOND],
])

export function parseDuration(text: string): bigint {
  const invalid = new GoError(`time: invalid duration ${quote(text)}`)
  const match = /^([+-]?)(.*)$/s.exec(text)
  const body = match?.[2] ?? ''
  if (body === '0') return 0n
  if (body === '') throw invalid
  let total = 0n
  let rest = body
  while (rest !== '') {
    const part = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/.exec(rest)
    if (part === null || (part[1] === '' && (part[2] ?? '') === '')) throw invalid
    const [all, whole = '', fraction = '', unit = ''] = part
    if (unit === '') throw new GoError(`time: missing unit in duration ${quote(text)}`)
    const scale = UNITS.get(unit)
    if (scale === undefined) throw new GoError(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`)
    total += BigInt(whole === '' ? '0' : whole) * scale
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length)
    rest = rest.slice(all.length)
  }
  if (total > 2n ** 63n - 1n) throw invalid
  return match?.[1] === '-' ? -total : total
}

setDurationFormatter((value: GoInt) => formatDuration(value.value))
