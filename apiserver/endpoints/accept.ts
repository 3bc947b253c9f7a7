/**
 * The Accept header as clauses in the order they are tried.
 * Upstream: munnerz/goautoneg, whose comparison is not an order (`*\/*;q=1` and `a/b;q=0.1` are each before the other), so
 * that what comes first depends on how it is sorted: short headers are sorted the way Go sorts them.
 */

export interface AcceptClause {
  readonly mediaType: string
  readonly parameters: ReadonlyMap<string, string>
  readonly quality: number
}

export function parseAccept(accept: string): AcceptClause[] {
  const clauses: AcceptClause[] = []
  for (const text of accept.split(',')) {
    const clause = parseClause(text)
    if (clause !== undefined) clauses.push(clause)
  }
  if (clauses.length < 2) return clauses
  return clauses.length > INSERTION_SORT_MAX ? clauses.sort((a, b) => b.quality - a.quality) : insertionSorted(clauses)
}

/** Undefined for what is no media range. */
function parseClause(text: string): AcceptClause | undefined {
  const [range = '', ...rest] = text.split(';')
  const parts = range.trim().toLowerCase().split('/')
  if (parts.length > 2 || (parts.length === 1 && parts[0] !== '*')) return undefined
  const mediaType = `${(parts[0] ?? '').trim()}/${(parts[1] ?? '*').trim()}`
  const parameters = new Map<string, string>()
  let quality = 1
  for (const parameter of rest) {
    const [name = '', value, ...more] = parameter.split('=')
    if (value === undefined || value === '' || more.length > 0) continue
    const token = name.trim()
    if (token === 'q') quality = parseQuality(value)
    else parameters.set(token, value.trim())
  }
  return { mediaType, parameters, quality }
}

/** What is no number is zero: last, not refused. */
function parseQuality(text: string): number {
  const quality = text.trim() === '' ? 0 : Number(text)
  return Number.isNaN(quality) ? 0 : quality
}

/** Go sorts up to this many elements by insertion. */
const INSERTION_SORT_MAX = 12

function insertionSorted(clauses: AcceptClause[]): AcceptClause[] {
  const sorted: AcceptClause[] = []
  for (const clause of clauses) {
    let at = sorted.length
    while (at > 0 && isBefore(clause, sorted[at - 1] ?? clause)) at--
    sorted.splice(at, 0, clause)
  }
  return sorted
}

function isBefore(a: AcceptClause, b: AcceptClause): boolean {
  if (a.quality > b.quality) return true
  const isAnyType = (clause: AcceptClause): boolean => clause.mediaType.startsWith('*/')
  const isAnySubtype = (clause: AcceptClause): boolean => clause.mediaType.endsWith('/*')
  return (!isAnyType(a) && isAnyType(b)) || (!isAnySubtype(a) && isAnySubtype(b))
}
