/** Unified diffs of pretty JSON, three lines of context. Upstream: apimachinery pkg/util/diff over go-difflib. */

const CONTEXT = 3

/** Hunks without file headers; '' when both print alike. Meant for objects of some dozens of lines: O(n·m). */
export function jsonDiff(before: unknown, after: unknown): string {
  const a = JSON.stringify(before, null, 1).split('\n')
  const b = JSON.stringify(after, null, 1).split('\n')
  const lines = align(a, b)
  let text = ''
  for (let i = 0; i < lines.length; ) {
    if (lines[i]?.mark === ' ') {
      i++
      continue
    }
    const start = Math.max(0, i - CONTEXT)
    const end = hunkEnd(lines, i)
    text += hunk(lines, start, end)
    i = end
  }
  return text
}

interface Line {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

/** Changes that are at most twice the context apart share a hunk. */
function hunkEnd(lines: readonly Line[], first: number): number {
  let last = first
  for (let i = first; i < lines.length && i - last <= 2 * CONTEXT; i++) if (lines[i]?.mark !== ' ') last = i
  return Math.min(lines.length, last + CONTEXT + 1)
}

function hunk(lines: readonly Line[], start: number, end: number): string {
  const count = (mark: '-' | '+', from: number, to: number): number =>
    lines.slice(from, to).filter((line) => line.mark !== mark).length
  const range = (other: '-' | '+'): string => {
    const length = count(other, start, end)
    const first = count(other, 0, start) + (length === 0 ? 0 : 1)
    return length === 1 ? String(first) : `${first},${length}`
  }
  const body = lines.slice(start, end).map(({ mark, text }) => `${mark}${text}\n`)
  return `@@ -${range('+')} +${range('-')} @@\n${body.join('')}`
}

/** Longest common subsequence; removals before additions. */
function align(a: readonly string[], b: readonly string[]): Line[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i] ?? []
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i++] ?? '' })
      j++
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ mark: '-', text: a[i++] ?? '' })
    } else lines.push({ mark: '+', text: b[j++] ?? '' })
  }
  return lines
}
