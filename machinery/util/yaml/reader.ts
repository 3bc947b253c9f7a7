/**
 * YAML 1.1 documents → values, in the dialect of sigs.k8s.io/yaml: numbers are doubles, timestamps strings, merge
 * keys applied where they stand, the last of duplicate keys wins. The caller decides what a mapping is.
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
  has(mapping: M, key: string): boolean
  entries(mapping: M): Iterable<[string, YamlValue<M>]>
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

/** Told of a key that its mapping has already, by itself or merged, with the line (from 0) of the later value. */
export type OnRepeatedKey<M> = (key: YamlValue<M>, line: number) => void

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

const BLOCK_MEMBER_ENDS: ReadonlySet<TokenType> = new Set(['key', 'value', 'blockEnd'])
const FLOW_MEMBER_ENDS: ReadonlySet<TokenType> = new Set(['flowEntry', 'flowMappingEnd', 'flowSequenceEnd'])

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
  readonly #onRepeated: OnRepeatedKey<M> | undefined
  #anchors = new Map<string, { value: YamlValue<M>; size: number }>()
  #values = 0
  #aliased = 0
  #aliases = 0
  #depth = 0
  #isFirst = true

  constructor(
    text: string,
    mappings: YamlMappings<M>,
    limits: YamlLimits = UNLIMITED,
    onRepeated: OnRepeatedKey<M> | undefined = undefined,
  ) {
    const control = text.search(CONTROL)
    if (control !== -1) throw yamlError('control characters are not allowed', positionOf(text, control))
    this.#scanner = new Scanner(text)
    this.#mappings = mappings
    this.#limits = limits
    this.#onRepeated = onRepeated
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
    const builder = new MappingBuilder(this.#mappings, this.#onRepeated)
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
      this.#member(builder, key, isMerge, true)
    }
    scanner.next()
    return builder.mapping
  }

  /** The rest of a member whose key has been read. */
  #member(builder: MappingBuilder<M>, key: YamlValue<M>, isMerge: boolean, isBlock: boolean): void {
    const scanner = this.#scanner
    let at: YamlPosition = scanner.peek()
    let value: YamlValue<M> = null
    if (this.#take('value')) {
      const next = scanner.peek()
      if (!(isBlock ? BLOCK_MEMBER_ENDS : FLOW_MEMBER_ENDS).has(next.type)) {
        at = next
        value = this.#node(isBlock)
      }
    }
    if (isMerge) builder.merge(value, at)
    else builder.add(key, value, at)
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
    scanner.next()
    const builder = new MappingBuilder(this.#mappings, this.#onRepeated)
    const { type } = scanner.peek()
    const key = type === 'value' || type === 'flowEntry' || type === 'flowSequenceEnd' ? null : this.#node(false)
    this.#member(builder, key, false, false)
    return builder.mapping
  }

  #flowMapping(start: Token): M {
    const scanner = this.#scanner
    const builder = new MappingBuilder(this.#mappings, this.#onRepeated)
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
    return builder.mapping
  }

  #flowPair(builder: MappingBuilder<M>): void {
    const scanner = this.#scanner
    if (this.#take('key')) {
      const next = scanner.peek()
      const isEmpty = next.type === 'value' || next.type === 'flowEntry' || next.type === 'flowMappingEnd'
      const isMerge = next.type === 'scalar' && next.isPlain && next.value === '<<'
      const key = isEmpty ? null : this.#node(false)
      this.#member(builder, key, isMerge, false)
    } else if (scanner.peek().type === 'value') {
      this.#member(builder, null, false, false)
    } else {
      const at = scanner.peek()
      builder.add(this.#node(false), null, at)
    }
  }
}

class MappingBuilder<M> {
  readonly mapping: M
  readonly #mappings: YamlMappings<M>
  readonly #onRepeated: OnRepeatedKey<M> | undefined

  constructor(mappings: YamlMappings<M>, onRepeated: OnRepeatedKey<M> | undefined) {
    this.#mappings = mappings
    this.#onRepeated = onRepeated
    this.mapping = mappings.create()
  }

  /** `at` is where the value starts. */
  add(key: YamlValue<M>, value: YamlValue<M>, at: YamlPosition): void {
    const name = typeof key === 'string' ? key : this.#mappings.keyText(key, value)
    if (this.#onRepeated !== undefined && this.#mappings.has(this.mapping, name)) this.#onRepeated(key, at.line)
    this.#mappings.set(this.mapping, name, value)
  }

  /** Of several merged mappings the first counts most; keys before a merge are overwritten, as goyaml v2 does it. */
  merge(merged: YamlValue<M>, at: YamlPosition): void {
    const sources = Array.isArray(merged) ? [...merged].reverse() : [merged]
    for (const source of sources) {
      if (!this.#mappings.isMapping(source))
        throw yamlError('map merge requires map or sequence of maps as the value', at)
      for (const [key, value] of this.#mappings.entries(source)) this.add(key, value, at)
    }
  }
}

function positionOf(text: string, index: number): YamlPosition {
  const before = text.slice(0, index).split('\n')
  return { line: before.length - 1, column: before.at(-1)?.length ?? 0 }
}
