/**
 * Sets of completion indexes as ordered intervals, and their text form in a Job's status: `0,2-5,7`. A run of two is
 * written with a comma. Upstream: pkg/controller/job/indexed_job_utils.go.
 */

interface Interval {
  readonly first: number
  readonly last: number
}

export class CompletionIndexes {
  static readonly NONE = new CompletionIndexes([])

  /** Ordered, disjoint and not adjacent. */
  readonly #intervals: readonly Interval[]

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals
  }

  /** Parts that are no numbers and indexes from `completions` on are left out. */
  static parse(text: string | undefined, completions: number): CompletionIndexes {
    const intervals: Interval[] = []
    for (const part of (text ?? '').split(',')) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part)
      if (match === null) continue
      const first = Number(match[1])
      const last = Math.min(Number(match[2] ?? match[1]), completions - 1)
      if (first < completions && last >= first) intervals.push({ first, last })
    }
    return new CompletionIndexes(merged(intervals))
  }

  with(indexes: Iterable<number>): CompletionIndexes {
    const added = [...indexes].map((index) => ({ first: index, last: index }))
    return added.length === 0 ? this : new CompletionIndexes(merged([...this.#intervals, ...added]))
  }

  has(index: number): boolean {
    let low = 0
    let high = this.#intervals.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#intervals[middle]?.last ?? 0) >= index) high = middle
      else low = middle + 1
    }
    const interval = this.#intervals[low]
    return interval !== undefined && interval.first <= index
  }

  get total(): number {
    return this.#intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  }

  /** How many of `others` are in this set. */
  countOf(others: CompletionIndexes): number {
    let count = 0
    for (const a of this.#intervals)
      for (const b of others.#intervals) count += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1)
    return count
  }

  toString(): string {
    return this.#intervals.map(formatInterval).join(',')
  }
}

function formatInterval({ first, last }: Interval): string {
  if (first === last) return String(first)
  return last === first + 1 ? `${first},${last}` : `${first}-${last}`
}

function merged(unordered: readonly Interval[]): Interval[] {
  const result: Interval[] = []
  for (const interval of [...unordered].sort((a, b) => a.first - b.first)) {
    const previous = result.at(-1)
    if (previous === undefined || interval.first > previous.last + 1) result.push(interval)
    else result[result.length - 1] = { first: previous.first, last: Math.max(previous.last, interval.last) }
  }
  return result
}

/** The lowest `count` indexes below `completions` that are in none of the sets. */
export function firstPendingIndexes(taken: readonly CompletionIndexes[], count: number, completions: number): number[] {
  const pending: number[] = []
  for (let index = 0; index < completions && pending.length < count; index++)
    if (!taken.some((set) => set.has(index))) pending.push(index)
  return pending
}
