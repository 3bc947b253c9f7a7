/**
 * YAML 1.1 documents → values, in the dialect of sigs.k8s.io/yaml: numbers are doubles, timestamps strings, merge
 * keys applied, the last of duplicate keys wins. The caller decides what a mapping is.
 * Grammar and error texts: go-yaml v2 parserc.go and decode.go.
 */
import { type YamlPosition, yamlError, yamlErrorAt } from './error.ts'
import type { YamlScalar } from './resolve.ts'
import { Scanner, type Token, type TokenType } from './scan.ts'
import { scalarValue } from './tags.ts'

export type YamlValue<M> = YamlScalar | YamlValue<M>[] | M

/** The part in which dialects differ: how mappings are kept. */
export interface YamlMappings<M> {
  create(): M
  isMapping(value: YamlValue<M>): value is M
  set(mapping: M, key: string, value: YamlValue<M>): void
  /** Copies the members `target` lacks. */
  fill(target: M, source: M): void
  /** A deep copy. */
  copy(value: YamlValue<M>): YamlValue<M>
  /** The name a key other than a string gets; throws where it cannot have one. */
  keyText(key: YamlValue<M>, value: YamlValue<M>): string
}

/** Per document. */
export interface YamlLimits {
  readonly aliases: number
  /** Keys and values, with what aliases expand to. */
  readonly nodes: number
}

const UNLIMITED: YamlLimits = { aliases: Number.POSITIVE_INFINITY, nodes: Number.POSITIVE_INFINITY }
/** Keeps the recursion, and that of whoever walks the value, far from the end of the stack. */
const MAX_DEPTH = 1000

/** Aliases may multiply a document's size: the larger it gets, the smaller a part of it may come from them. */
function allowedAliasRatio(values: number): number {
  if (values <= 400_000) return 0.99
  if (values >= 4_000_000) return 0.1
  return 0.99 - (0.89 * (values - 400_000)) / 3_600_000
}

const CONTROL = /[^\t\n\r\x20-\x7e\u0085\u00a0-\uffff]/

interface Properties {
  anchor: string | undefined
  tag: string | undefined
}

const NO_PROPERTIES: Properties = { anchor: undefined, tag: undefined }

/** Reads a stream document by document. */
export class YamlReader<M> {
  /** Line of the last document's content, from 0. */
  line = 0
  readonly #scanner: Scanner
  readonly #mappings: YamlMappings<M>
  readonly #limits: YamlLimits
  #anchors = new Map<string, { value: YamlValue<M>; size: number }>()
  #values = 0
  #aliased = 0
  #aliases = 0
  #depth = 0
  #isFirst = true

  constructor(text: string, mappings: YamlMappings<M>, limits: YamlLimits = UNLIMITED) {
    const control = text.search(CONTROL)
    if (control !== -1) throw yamlError('control characters are not allowed', positionOf(text, control))
    this.#scanner = new Scanner(text)
    this.#mappings = mappings
    this.#limits = limits
  }

  /** undefined at the end of the stream. */
  document(): YamlValue<M> | undefined {
    const scanner = this.#scanner
    while (scanner.peek().type === 'documentEnd') scanner.next()
    const token = scanner.peek()
    if (token.type === 'streamEnd') return undefined
    if (token.type === 'documentStart') scanner.next()
    else if (!this.#isFirst) throw yamlErrorAt('did not find expected <document start>', token, false)
    this.#isFirst = false
    this.#anchors = new Map()
    this.#values = 0
    this.#aliased = 0
    this.#aliases = 0
    const { type: next, line } = scanner.peek()
    this.line = line
    if (next === 'documentStart' || next === 'documentEnd' || next === 'streamEnd') return null
    return this.#node(false)
  }

  #take(type: TokenType): boolean {
    if (this.#scanner.peek().type !== type) return false
    this.#scanner.next()
    return true
  }

  #node(indentless: boolean): YamlValue<M> {
    const scanner = this.#scanner
    let token = scanner.peek()
    if (token.type === 'alias') return this.#alias(scanner.next())
    let properties = NO_PROPERTIES
    while (token.type === 'anchor' || token.type === 'tag') {
      if (properties === NO_PROPERTIES) properties = { anchor: undefined, tag: undefined }
      if (token.type === 'anchor') properties.anchor = token.value
      else properties.tag = token.value
      scanner.next()
      token = scanner.peek()
    }
    const before = this.#values++
    if (this.#values > this.#limits.nodes) throw yamlError('document contains excessive aliasing', token)
    if (++this.#depth > MAX_DEPTH) throw yamlErrorAt(`exceeded max depth of ${MAX_DEPTH}`, token, true)
    const value = this.#content(token, properties, indentless)
    this.#depth--
    if (properties.anchor !== undefined) this.#anchors.set(properties.anchor, { value, size: this.#values - before })
    return value
  }

  #content(token: Token, properties: Properties, indentless: boolean): YamlValue<M> {
    const scanner = this.#scanner
    switch (token.type) {
      case 'scalar':
        scanner.next()
        return scalarValue(token, properties.tag)
      case 'entry':
        if (indentless) return this.#indentlessSequence()
        break
      case 'blockSequence':
        scanner.next()
        return this.#blockSequence(token)
      case 'blockMapping':
        scanner.next()
        return this.#blockMapping(token)
      case 'flowSequence':
        scanner.next()
        return this.#flowSequence(token)
      case 'flowMapping':
        scanner.next()
        return this.#flowMapping(token)
      default:
        break
    }
    if (properties !== NO_PROPERTIES) return properties.tag === '!!str' || properties.tag === '!' ? '' : null
    throw yamlErrorAt('did not find expected node content', token, false)
  }

  #alias(token: Token): YamlValue<M> {
    const found = this.#anchors.get(token.value)
    if (found === undefined) throw yamlError(`unknown anchor '${token.value}' referenced`, token)
    this.#aliased += found.size
    this.#values += found.size
    const isBomb = this.#aliased > 1000 && this.#aliased / this.#values > allowedAliasRatio(this.#values)
    if (isBomb || ++this.#aliases > this.#limits.aliases || this.#values > this.#limits.nodes)
      throw yamlError('document contains excessive aliasing', token)
    return this.#mappings.copy(found.value)
  }

  #blockSequence(start: Token): YamlValue<M> {
    const items: YamlValue<M>[] = []
    while (this.#take('entry')) {
      const { type } = this.#scanner.peek()
      items.push(type === 'entry' || type === 'blockEnd' ? null : this.#node(false))
    }
    const token = this.#scanner.peek()
    if (token.type !== 'blockEnd') throw yamlErrorAt("did not find expected '-' indicator", token, false, start.line)
    this.#scanner.next()
    return items
  }

  #indentlessSequence(): YamlValue<M> {
    const items: YamlValue<M>[] = []
    while (this.#take('entry')) {
      const { type } = this.#scanner.peek()
      items.push(
        type === 'entry' || type === 'key' || type === 'value' || type === 'blockEnd' ? null : this.#node(false),
      )
    }
    return items
  }

  #blockMapping(start: Token): M {
    const scanner = this.#scanner
    const builder = new MappingBuilder(this.#mappings)
    for (;;) {
      const token = scanner.peek()
      if (token.type === 'blockEnd') break
      let key: YamlValue<M> = null
      let isMerge = false
      if (token.type === 'key') {
        scanner.next()
        const next = scanner.peek()
        if (next.type !== 'key' && next.type !== 'value' && next.type !== 'blockEnd') {
          isMerge = next.type === 'scalar' && next.isPlain && next.value === '<<'
          key = this.#node(true)
        }
      } else if (token.type !== 'value') {
        throw yamlErrorAt('did not find expected key', token, false, start.line)
      }
      builder.add(key, this.#mappingValue(true), isMerge)
    }
    scanner.next()
    return builder.finish(start)
  }

  #mappingValue(isBlock: boolean): YamlValue<M> {
    const scanner = this.#scanner
    if (!this.#take('value')) return null
    const { type } = scanner.peek()
    if (isBlock) return type === 'key' || type === 'value' || type === 'blockEnd' ? null : this.#node(true)
    return type === 'flowEntry' || type === 'flowMappingEnd' || type === 'flowSequenceEnd' ? null : this.#node(false)
  }

  #flowSequence(start: Token): YamlValue<M> {
    const scanner = this.#scanner
    const items: YamlValue<M>[] = []
    let isFirst = true
    while (scanner.peek().type !== 'flowSequenceEnd') {
      if (!isFirst) {
        const token = scanner.peek()
        if (token.type !== 'flowEntry') throw yamlErrorAt("did not find expected ',' or ']'", token, false, start.line)
        scanner.next()
        if (scanner.peek().type === 'flowSequenceEnd') break
      }
      isFirst = false
      items.push(scanner.peek().type === 'key' ? this.#singlePair() : this.#node(false))
    }
    scanner.next()
    return items
  }

  /** `[a: b]`: a mapping of one pair. */
  #singlePair(): M {
    const scanner = this.#scanner
    const start = scanner.next()
    const builder = new MappingBuilder(this.#mappings)
    const { type } = scanner.peek()
    const key = type === 'value' || type === 'flowEntry' || type === 'flowSequenceEnd' ? null : this.#node(false)
    builder.add(key, this.#mappingValue(false), false)
    return builder.finish(start)
  }

  #flowMapping(start: Token): M {
    const scanner = this.#scanner
    const builder = new MappingBuilder(this.#mappings)
    let isFirst = true
    while (scanner.peek().type !== 'flowMappingEnd') {
      if (!isFirst) {
        const token = scanner.peek()
        if (token.type !== 'flowEntry') throw yamlErrorAt("did not find expected ',' or '}'", token, false, start.line)
        scanner.next()
        if (scanner.peek().type === 'flowMappingEnd') break
      }
      isFirst = false
      this.#flowPair(builder)
    }
    scanner.next()
    return builder.finish(start)
  }

  #flowPair(builder: MappingBuilder<M>): void {
    const scanner = this.#scanner
    if (this.#take('key')) {
      const next = scanner.peek()
      const isEmpty = next.type === 'value' || next.type === 'flowEntry' || next.type === 'flowMappingEnd'
      const isMerge = next.type === 'scalar' && next.isPlain && next.value === '<<'
      const key = isEmpty ? null : this.#node(false)
      builder.add(key, this.#mappingValue(false), isMerge)
    } else if (scanner.peek().type === 'value') {
      builder.add(null, this.#mappingValue(false), false)
    } else {
      builder.add(this.#node(false), null, false)
    }
  }
}

class MappingBuilder<M> {
  readonly #mappings: YamlMappings<M>
  readonly #mapping: M
  #merged: YamlValue<M>[] | undefined

  constructor(mappings: YamlMappings<M>) {
    this.#mappings = mappings
    this.#mapping = mappings.create()
  }

  add(key: YamlValue<M>, value: YamlValue<M>, isMerge: boolean): void {
    if (isMerge) {
      this.#merged ??= []
      this.#merged.push(value)
      return
    }
    const name = typeof key === 'string' ? key : this.#mappings.keyText(key, value)
    this.#mappings.set(this.#mapping, name, value)
  }

  /** Merged mappings fill keys that the mapping does not have itself. */
  finish(start: YamlPosition): M {
    for (const merged of this.#merged ?? []) {
      for (const source of Array.isArray(merged) ? merged : [merged]) {
        if (!this.#mappings.isMapping(source))
          throw yamlError('map merge requires map or sequence of maps as the value', start)
        this.#mappings.fill(this.#mapping, source)
      }
    }
    return this.#mapping
  }
}

function positionOf(text: string, index: number): YamlPosition {
  const before = text.slice(0, index).split('\n')
  return { line: before.length - 1, column: before.at(-1)?.length ?? 0 }
}
