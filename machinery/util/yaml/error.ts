/** YAML errors with the texts of go-yaml v2. */

export class YamlSyntaxError extends Error {
  override readonly name = 'YamlSyntaxError'
  /** The text without its position. */
  readonly detail: string
  /** Where the mistake is, from 1. */
  readonly line: number
  readonly column: number

  constructor(message: string, detail: string, line: number, column: number) {
    super(message)
    this.detail = detail
    this.line = line
    this.column = column
  }
}

/** A position in the text, from 0. */
export interface YamlPosition {
  readonly line: number
  readonly column: number
}

/** go-yaml leaves the position out when it is on the first line, and its parser counts from 0. */
export function yamlErrorAt(detail: string, at: YamlPosition, isScanner: boolean, contextLine = 0): YamlSyntaxError {
  let shown = 0
  if (at.line !== 0) shown = isScanner ? at.line + 1 : at.line
  else if (contextLine !== 0) shown = contextLine
  return new YamlSyntaxError(
    `yaml: ${shown === 0 ? '' : `line ${shown}: `}${detail}`,
    detail,
    at.line + 1,
    at.column + 1,
  )
}

/** An error go-yaml gives without a position. */
export function yamlError(detail: string, at: YamlPosition, prefix = 'yaml: '): YamlSyntaxError {
  return new YamlSyntaxError(prefix + detail, detail, at.line + 1, at.column + 1)
}
