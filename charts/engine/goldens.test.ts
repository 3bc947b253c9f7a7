// Rows printed by Go's text/template, sprig, go-yaml and semver (../shared/data/helm-goldens, see its README).
// Every row must be equal, but for the exceptions below.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { GoValue } from './gotypes/value.ts'
import { DATA, hasData, renderText } from './testing/fixtures.ts'
import { parseYaml } from './yaml/parse.ts'

interface Row {
  readonly tpl: string
  readonly valuesYaml: string
  readonly out?: string
  readonly err?: string
}

/** Template text → why our answer differs from the row. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  [
    '{{ with .Values.e }}a{{ else with .Values.b }}{{ . }}{{ end }}',
    'rows are Go 1.19, Helm is Go 1.26: else with exists since 1.23',
  ],
  ['{{ range 3 }}{{ . }}{{ end }}', 'range over an int exists since Go 1.22'],
  ['{{ range 3 }}{{end}}', 'range over an int exists since Go 1.22'],
  ['{{ required "msg" .Values.none }}', 'rows lack the HELM_ERR markers that Helm removes when it reports'],
])

/** file, rows, rows expected to differ */
const FILES: readonly (readonly [string, number, number])[] = [
  ['template', 100, 2],
  ['misc', 32, 2],
  ['misc2', 38, 0],
  ['sprig', 60, 0],
  ['regex', 21, 0],
  ['semverCompare', 40, 0],
  ['floats', 227, 0],
  ['fromYaml', 52, 0],
  ['toYaml', 175, 0],
  ['toYamlPretty', 175, 0],
]

function valuesOf(row: Row): GoValue {
  try {
    return parseYaml(row.valuesYaml)
  } catch {
    return new Map() // The generator ignored values it could not read.
  }
}

function answer(row: Row): { out: string } | { err: string } {
  try {
    const text = renderText(row.tpl, new Map<string, GoValue>([['Values', valuesOf(row)]]))
    return { out: Buffer.from(text).toString() }
  } catch (error) {
    return { err: error instanceof Error ? error.message : String(error) }
  }
}

describe.skipIf(!hasData)('rows printed by Go (needs ../shared/data)', () => {
  it.each(FILES)('%s: %i rows, %i known differences', (file, total, differing) => {
    const rows = readFileSync(join(DATA, 'helm-goldens', `${file}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row)
    const wrong = rows.filter((row) => {
      const got = answer(row)
      return row.err === undefined ? !('out' in got) || got.out !== row.out : !('err' in got) || got.err !== row.err
    })
    expect(rows).toHaveLength(total)
    expect(wrong.filter((row) => !EXCEPTIONS.has(row.tpl)).map((row) => ({ row, got: answer(row) }))).toEqual([])
    expect(wrong).toHaveLength(differing)
  })
})
