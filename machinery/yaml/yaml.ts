/**
 * Reads YAML as kubectl and helm do: YAML 1.1 scalars (yes/no, 017, 1_000), merge keys, timestamps left as strings,
 * duplicate keys tolerated (the last wins).
 * Upstream: sigs.k8s.io/yaml over goyaml.v2. JSON is recognised first: the engine's own
 * parser is faster.
 */
import { deepCopy, isObject, setMember } from '#machinery/util/json.ts'
import type { JsonObject, JsonValue } from '#machinery/util/types.ts'
import { YamlSyntaxError } from '#machinery/util/yaml/error.ts'
import { type YamlMappings, YamlReader } from '#machinery/util/yaml/reader.ts'

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

  /** As goyaml says it: it counts lines in a way of its own. */
  readonly goText: string

  constructor(message: string, documentIndex: number, line: number, column: number, goText = '') {
    const text = `yaml: line ${line}: ${message}`
    super(`error converting YAML to JSON: ${text}`)
    this.goText = goText === '' ? text : goText
    this.documentIndex = documentIndex
    this.line = line
    this.column = column
  }
}

/** `nodes` bounds what aliases may expand a document to. */
const LIMITS = { aliases: 10_000, nodes: 1_000_000 }

/** sigs.k8s.io/json stops counting duplicate fields here as well. */
const MAX_REPORTED = 100

/** An empty document costs five bytes and as much time as a small one. */
const MAX_DOCUMENTS = 20_000

const JSON_OBJECTS: YamlMappings<JsonObject> = {
  create: () => ({}),
  isMapping: (value): value is JsonObject => isObject(value),
  set: setMember,
  has: Object.hasOwn,
  entries: Object.entries,
  copy: deepCopy,
  keyText,
}

/** All non-empty documents of a stream, in order. Throws YamlError. */
export function parseYamlDocuments(text: string): YamlDocument[] {
  const json = parseAsJson(text)
  if (json !== undefined) return [{ value: json, line: 1, index: 0 }]
  if (countDocuments(text) > MAX_DOCUMENTS) throw new YamlError(`more than ${MAX_DOCUMENTS} documents`, 0, 1, 1)
  const documents: YamlDocument[] = []
  let index = 0
  try {
    const reader = new YamlReader(text, JSON_OBJECTS, LIMITS)
    for (let value = reader.document(); value !== undefined; value = reader.document()) {
      if (value !== null) documents.push({ value, line: reader.line + 1, index })
      index++
    }
  } catch (err) {
    if (!(err instanceof YamlSyntaxError)) throw err
    throw new YamlError(err.detail, index, err.line, err.column, err.message)
  }
  return documents
}

export interface StrictYaml {
  /** null when there is no document. */
  readonly value: JsonValue
  /** `line 3: key "name" already set in map`, for every key that a mapping has more than once. */
  readonly repeatedKeys: readonly string[]
}

/** The first document of a stream, and what a strict reader objects to. Throws YamlError. */
export function parseYamlDocument(text: string): StrictYaml {
  const repeatedKeys: string[] = []
  const onRepeated = (key: JsonValue, line: number): void => {
    if (repeatedKeys.length < MAX_REPORTED)
      repeatedKeys.push(`line ${line + 1}: key ${JSON.stringify(key)} already set in map`)
  }
  try {
    return { value: new YamlReader(text, JSON_OBJECTS, LIMITS, onRepeated).document() ?? null, repeatedKeys }
  } catch (err) {
    if (!(err instanceof YamlSyntaxError)) throw err
    throw new YamlError(err.detail, 0, err.line, err.column, err.message)
  }
}

function keyText(key: JsonValue): string {
  if (key === null) return ''
  return typeof key === 'object' ? flowText(key) : String(key)
}

/** A key that is a collection is named by its flow style. */
function flowText(value: JsonValue): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(flowText).join(', ')} ]`
  if (!isObject(value)) return String(value)
  const members = Object.entries(value).map(([key, member]) => (member === null ? key : `${key}: ${flowText(member)}`))
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
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

export { toYaml } from './emit.ts'
