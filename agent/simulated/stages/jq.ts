/**
 * The part of jq that stages use: paths (`.a.b`, `.a["b"]`, `.a[0]`, `.a[]`), pipes, and `select` on one comparison. As kwok
 * reads it, an error while evaluating is no value, and nulls are dropped. Upstream: kwok pkg/utils/expression/query.go.
 */

type Filter =
  | { readonly type: 'member'; readonly name: string }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'each' }
  | { readonly type: 'select'; readonly path: readonly Filter[]; readonly operator: string; readonly literal: unknown }

export type Query = (object: unknown) => unknown[]

/** Thrown inside, for what jq calls an error. */
class JqError extends Error {}

/** Throws an Error that names what is not supported. */
export function compileJq(text: string): Query {
  const filters = splitPipes(text).flatMap((part) => parseStage(part.trim(), text))
  return (object) => {
    try {
      return run(filters, object).filter((value) => value !== null && value !== undefined)
    } catch (err: unknown) {
      if (err instanceof JqError) return []
      throw err
    }
  }
}

function run(filters: readonly Filter[], object: unknown): unknown[] {
  let values: unknown[] = [object]
  for (const filter of filters) values = values.flatMap((value) => apply(filter, value))
  return values
}

function apply(filter: Filter, value: unknown): unknown[] {
  switch (filter.type) {
    case 'member':
      if (value === null || value === undefined) return [null]
      if (typeof value !== 'object' || Array.isArray(value)) throw new JqError('not an object')
      return [Object.hasOwn(value, filter.name) ? (value as Record<string, unknown>)[filter.name] : null]
    case 'index':
      if (value === null || value === undefined) return [null]
      if (!Array.isArray(value)) throw new JqError('not an array')
      return [value.at(filter.index) ?? null]
    case 'each':
      if (typeof value !== 'object' || value === null) throw new JqError('cannot iterate')
      return Array.isArray(value) ? value : Object.values(value)
    case 'select': {
      const isEqual = run(filter.path, value).some((found) => (found ?? null) === filter.literal)
      return isEqual === (filter.operator === '==') ? [value] : []
    }
  }
}

function splitPipes(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let isQuoted = false
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i)
    if (character === '"' && text.charAt(i - 1) !== '\\') isQuoted = !isQuoted
    if (isQuoted) continue
    if (character === '(') depth++
    if (character === ')') depth--
    if (character !== '|' || depth > 0) continue
    parts.push(text.slice(start, i))
    start = i + 1
  }
  return [...parts, text.slice(start)]
}

const SELECT = /^select\(\s*(.+?)\s*(==|!=)\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)\s*\)$/

function parseStage(part: string, whole: string): Filter[] {
  if (part === '.') return []
  const [, path, operator, literal] = SELECT.exec(part) ?? []
  if (path === undefined || operator === undefined || literal === undefined) return parsePath(part, whole)
  return [{ type: 'select', path: parsePath(path, whole), operator, literal: JSON.parse(literal) as unknown }]
}

const STEP =
  /^(?:\.?\[\s*\]|\.?\[\s*(-?\d+)\s*\]|\.?\[\s*("(?:[^"\\]|\\.)*")\s*\]|\.([A-Za-z_][A-Za-z0-9_]*)|\.("(?:[^"\\]|\\.)*"))/

function parsePath(text: string, whole: string): Filter[] {
  const filters: Filter[] = []
  let rest = text
  while (rest !== '') {
    const match = STEP.exec(rest)
    if (match === null || !text.startsWith('.'))
      throw new Error(`${JSON.stringify(whole)}: only paths, pipes and select(path == literal) are supported`)
    const [all, index, bracketed, plain, quoted] = match
    const name = bracketed ?? quoted
    if (index !== undefined) filters.push({ type: 'index', index: Number(index) })
    else if (plain !== undefined) filters.push({ type: 'member', name: plain })
    else if (name !== undefined) filters.push({ type: 'member', name: JSON.parse(name) as string })
    else filters.push({ type: 'each' })
    rest = rest.slice(all.length)
  }
  return filters
}
