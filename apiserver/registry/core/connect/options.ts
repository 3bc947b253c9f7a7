/** Query parameters as Go's conversions read them. Upstream: apimachinery pkg/runtime/conversion.go. */
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { ConnectRequest } from '../../../proxy/interfaces.ts'

type Query = ConnectRequest['query']

/** Present means true, unless it says `false` or `0`. */
export function booleanIn(query: Query, name: string): boolean {
  if (!query.has(name)) return false
  const value = query.get(name)
  return value !== '0' && value.toLowerCase() !== 'false'
}

export function integerIn(query: Query, name: string): number | undefined {
  return query.has(name) ? parseGoInt(query.get(name), 64) : undefined
}

export function parseGoInt(text: string, bits: 32 | 64): number {
  const value = Number(text)
  if (!/^[+-]?\d+$/.test(text)) throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  const isInRange = bits === 32 ? value === (value | 0) : Number.isSafeInteger(value)
  if (!isInRange) throw newBadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
  return value
}
