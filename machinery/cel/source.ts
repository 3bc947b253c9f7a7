/**
 * The text of an expression by code points, and what is wrong with it in cel-go's words and layout.
 * Upstream: cel-go common/{source,error,errors}.go.
 */

/** Code points at most; upstream's default. */
export const EXPRESSION_MAX = 100_000
/** Characters of a line that are still shown under a message. */
const SNIPPET_MAX = 16_384
/** Issues shown at most. */
export const ISSUES_MAX = 100

/** Something that keeps an expression from being compiled; `offset` counts code points. */
export interface Issue {
  readonly offset: number
  readonly message: string
}

export class Source {
  readonly text: string
  readonly points: readonly string[]
  readonly #lineStarts: readonly number[]

  constructor(text: string) {
    this.text = text
    this.points = Array.from(text)
    const starts = [0]
    for (const [i, point] of this.points.entries()) if (point === '\n') starts.push(i + 1)
    this.#lineStarts = starts
  }

  /** `ERROR: <input>:1:5: message`, the line, and a mark under the place. */
  describe({ offset, message }: Issue): string {
    if (offset < 0) return `ERROR: <input>:-1:0: ${message}`
    const line = this.#lineOf(offset)
    const start = this.#lineStarts[line] ?? 0
    const column = offset - start
    const head = `ERROR: <input>:${line + 1}:${column + 1}: ${message}`
    const end = (this.#lineStarts[line + 1] ?? this.points.length + 1) - 1
    const shown = this.points.slice(start, end).map((point) => (point === '\t' ? ' ' : point))
    if (shown.length > SNIPPET_MAX) return head
    const isWide = (point: string | undefined): boolean => point !== undefined && point > '\u007f'
    const dots = shown.slice(0, column).map((point) => (isWide(point) ? '\uff0e' : '.'))
    return `${head}\n | ${shown.join('')}\n | ${dots.join('')}${isWide(shown[column]) ? '\uff3e' : '^'}`
  }

  #lineOf(offset: number): number {
    let line = 0
    while (line + 1 < this.#lineStarts.length && (this.#lineStarts[line + 1] ?? 0) <= offset) line++
    return line
  }
}

/** Thrown by the parser and the checker where they cannot go on; never leaves this folder. */
export class IssueError extends Error {
  readonly issue: Issue

  constructor(issue: Issue) {
    super(issue.message)
    this.issue = issue
  }
}
