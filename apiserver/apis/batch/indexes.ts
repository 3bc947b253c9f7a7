/** Lists of completion indexes such as `0,2-4`. Upstream: pkg/apis/batch/validation validateIndexesFormat. */

interface Interval {
  readonly first: number
  readonly last: number
}

interface Refusal {
  readonly error: string
}

/** How many indexes `text` lists, or what is wrong with it. */
export function parseIndexes(text: string, completions: number): number | Refusal {
  const intervals = parseIntervals(text, completions)
  if ('error' in intervals) return intervals
  return intervals.list.reduce((total, { first, last }) => total + last - first + 1, 0)
}

/** The first index that both lists hold. Malformed lists hold none. */
export function overlappingIndex(a: string, b: string, completions: number): number | undefined {
  const left = parseIntervals(a, completions)
  const right = parseIntervals(b, completions)
  if ('error' in left || 'error' in right) return undefined
  for (const one of left.list) {
    for (const other of right.list) {
      if (one.first <= other.last && other.first <= one.last) return Math.max(one.first, other.first)
    }
  }
  return undefined
}

function parseIntervals(text: string, completions: number): { readonly list: Interval[] } | Refusal {
  const list: Interval[] = []
  if (text === '') return { list }
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions)
    if ('error' in interval) return interval
    const previous = list.at(-1)?.last
    if (previous !== undefined && previous >= interval.first) return outOfOrder(previous, interval.first)
    list.push(interval)
  }
  return { list }
}

const outOfOrder = (previous: number, current: number): Refusal => ({
  error: `non-increasing order, previous: ${previous}, current: ${current}`,
})

function parseInterval(text: string, completions: number): Interval | Refusal {
  const limits = text.split('-')
  if (limits.length > 2) {
    const rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
    return { error: `the fragment ${JSON.stringify(text)} ${rule}` }
  }
  const numbers: number[] = []
  for (const limit of limits) {
    if (!/^\+?\d+$/.test(limit))
      return { error: `cannot convert string to integer for index: ${JSON.stringify(limit)}` }
    if (Number(limit) >= completions) return { error: `too large index: ${JSON.stringify(limit)}` }
    numbers.push(Number(limit))
  }
  const [first = 0, last = first] = numbers
  if (numbers.length > 1 && first >= last) return outOfOrder(first, last)
  return { first, last }
}
