/**
 * Reads YAML as kubectl and helm do: YAML 1.1 scalars (yes/no, 017, 1_000), merge keys, timestamps left as strings,
 * duplicate keys tolerated (the last wins).
 * Upstream: sigs.k8s.io/yaml over goyaml.v2. JSON is recognised first: it parses a hundred times faster.
 */
import { LineCounter, parseAllDocuments } from 'yaml'
import type { Document, ParsedNode, ScalarTag, SchemaOptions } from 'yaml'
import type { JsonValue } from '#machinery/util/types.ts'
import { setMember } from '#machinery/util/json.ts'

export interface YamlDocument {
  readonly value: JsonValue
  /** Line the document's content starts on, from 1. */
  readonly line: number
  /** Position among all documents, empty ones included. */
  readonly index: number
}

/** Malformed input. `line` and `column` count from 1. */
export class YamlError extends Error {
  override readonly name = 'YamlError'
  readonly documentIndex: number
  readonly line: number
  readonly column: number

  constructor(message: string, documentIndex: number, line: number, column: number) {
    super(`error converting YAML to JSON: yaml: line ${line}: ${message}`)
    this.documentIndex = documentIndex
    this.line = line
    this.column = column
  }
}

const MAX_ALIASES = 10_000
/** Bound on what aliases may expand a document to. */
const MAX_EXPANDED_NODES = 500_000

/** An empty document costs five bytes and as much time as a small one. */
const MAX_DOCUMENTS = 20_000

const OPTIONS = {
  version: '1.1',
  merge: true,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'silent',
  strict: false,
  customTags,
} as const

type TagList = Exclude<Parameters<Extract<SchemaOptions['customTags'], (...args: never[]) => unknown>>[0], undefined>

const SKIPPED_TAGS: ReadonlySet<string> = new Set([
  'tag:yaml.org,2002:timestamp',
  'tag:yaml.org,2002:binary',
  'tag:yaml.org,2002:omap',
  'tag:yaml.org,2002:pairs',
  'tag:yaml.org,2002:set',
])

/** The 1.1 tags without those goyaml leaves as strings: timestamps, base-60 numbers, binary. */
function customTags(tags: TagList): TagList {
  const kept = tags.filter((tag) => {
    if (typeof tag === 'string')
      return !['timestamp', 'binary', 'omap', 'pairs', 'set', 'intTime', 'floatTime'].includes(tag)
    return !SKIPPED_TAGS.has(tag.tag) && (tag as ScalarTag).format !== 'TIME'
  })
  return [MODERN_OCTAL, ...kept, BINARY]
}

/** Go's ParseInt also reads `0o17`. */
const MODERN_OCTAL: ScalarTag = {
  identify: () => false,
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: /^[-+]?0o[0-7_]+$/,
  resolve(text) {
    const digits = text.replace(/^[-+]?0o|_/g, '')
    return text.startsWith('-') ? -Number.parseInt(digits, 8) : Number.parseInt(digits, 8)
  },
}

/** goyaml decodes `!!binary` into a string of the bytes. */
const BINARY: ScalarTag = {
  identify: () => false,
  default: false,
  tag: 'tag:yaml.org,2002:binary',
  resolve: (text) => Buffer.from(text, 'base64').toString('utf8'),
}

/** All non-empty documents of a stream, in order. Throws YamlError. */
export function parseYamlDocuments(text: string): YamlDocument[] {
  const json = parseAsJson(text)
  if (json !== undefined) return [{ value: json, line: 1, index: 0 }]
  const lines = new LineCounter()
  if (countDocuments(text) > MAX_DOCUMENTS) throw new YamlError(`more than ${MAX_DOCUMENTS} documents`, 0, 1, 1)
  const parsed = parseAllDocuments(text, { ...OPTIONS, lineCounter: lines })
  const documents: YamlDocument[] = []
  if (!Array.isArray(parsed)) return documents
  parsed.forEach((document: Document.Parsed<ParsedNode>, index) => {
    const [error] = document.errors
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0])
      throw new YamlError(error.message, index, line, col)
    }
    const start = document.contents?.range?.[0] ?? document.range[0]
    const { line, col } = lines.linePos(start)
    let value: JsonValue
    try {
      value = toJson(document.toJS({ maxAliasCount: MAX_ALIASES }), { nodes: 0 })
    } catch (err) {
      throw new YamlError(err instanceof Error ? err.message : String(err), index, line, col)
    }
    if (value !== null) documents.push({ value, line, index })
  })
  return documents
}

function countDocuments(text: string): number {
  let count = 1
  for (let at = text.indexOf('\n---'); at !== -1; at = text.indexOf('\n---', at + 1)) count++
  return count
}

function parseAsJson(text: string): JsonValue | undefined {
  const first = /^\s*([{[])/.exec(text)
  if (first === null) return undefined
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}

/** Copies, so that nothing is shared between aliases, and checks that JSON can express the value. */
function toJson(value: unknown, budget: { nodes: number }): JsonValue {
  if (++budget.nodes > MAX_EXPANDED_NODES) throw new Error('document contains excessive aliasing')
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new Error(`json: unsupported value: ${value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'}`)
    return value
  }
  if (Array.isArray(value)) return value.map((element) => toJson(element, budget))
  if (typeof value !== 'object') throw new Error(`unsupported value of type ${typeof value}`)
  const object: Record<string, JsonValue> = {}
  for (const [key, member] of Object.entries(value)) setMember(object, key, toJson(member, budget))
  return object
}

export { toYaml } from './emit.ts'
