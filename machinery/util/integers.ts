/** Integers as Go's strconv reads them. */

/** An unsigned integer in the base its prefix says; undefined when it is none. Upstream: strconv.ParseUint, base 0. */
export function parseBaseZero(text: string): bigint | undefined {
  if (text === '') return undefined
  if (
    text.includes('_') &&
    !/^(?:0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[bB]_?[01]+(?:_[01]+)*|0[oO]?_?[0-7]+(?:_[0-7]+)*|[0-9]+(?:_[0-9]+)*)$/.test(
      text,
    )
  ) {
    return undefined
  }
  const clean = text.replaceAll('_', '')
  if (/^0[xX][0-9a-fA-F]+$/.test(clean)) return BigInt(clean.toLowerCase())
  if (/^0[bB][01]+$/.test(clean)) return BigInt(clean.toLowerCase())
  if (/^0[oO][0-7]+$/.test(clean)) return BigInt(clean.toLowerCase())
  if (/^0[0-7]+$/.test(clean)) return BigInt(`0o${clean.slice(1)}`)
  if (/^(?:0|[1-9][0-9]*)$/.test(clean)) return BigInt(clean)
  return undefined
}
