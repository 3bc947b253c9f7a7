// YAML errors with the texts of go-yaml v2.

import { GoError } from '../gotypes/error.ts'

export class YamlError extends GoError {}

/** go-yaml leaves the position out when it is on the first line. `line` is zero based. */
export function yamlErrorAt(message: string, line: number, isScanner: boolean, contextLine = 0): YamlError {
  let shown = 0
  if (line !== 0) shown = isScanner ? line + 1 : line
  else if (contextLine !== 0) shown = contextLine
  return new YamlError(`yaml: ${shown === 0 ? '' : `line ${shown}: `}${message}`)
}
