/** `fieldPath` of a rule: `.spec['a.b'].c`. Upstream: ValidFieldPath of pkg/apiserver/schema/cel/validation.go. */
import type { SchemaNode } from '../schema/node.ts'

const STEP = /(?:\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\])/y
const UNESCAPED: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
}

/** As field errors print it, without the leading dot; undefined when the schema has no such field. */
export function normalizeFieldPath(text: string, root: SchemaNode): { readonly path: string } | undefined {
  if (text === '') return { path: '' }
  let path = ''
  let node: SchemaNode | undefined = root
  STEP.lastIndex = 0
  while (STEP.lastIndex < text.length) {
    const match: RegExpExecArray | null = STEP.exec(text)
    if (match === null) return undefined
    const name: string = match[1] ?? (match[2] ?? '').replace(/\\(.)/g, (_all, code: string) => UNESCAPED[code] ?? '')
    const isProperty: boolean = node?.properties !== undefined
    node = isProperty ? node?.properties?.get(name) : node?.additional?.node
    if (node === undefined) return undefined
    path += isProperty ? `${path === '' ? '' : '.'}${name}` : `[${name}]`
  }
  return { path }
}
