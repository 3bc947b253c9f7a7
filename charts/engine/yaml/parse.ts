// YAML documents → Go values, as sigs.k8s.io/yaml gives them (YAML 1.1, numbers are float64, string keys).
// Grammar and error texts: go-yaml v2 parserc.go and decode.go; key conversion: sigs.k8s.io/yaml.

import { formatG } from '../gofmt/float.ts'
import { quote } from '../gofmt/quote.ts'
import { formatGoSyntax } from '../gofmt/print.ts'
import type { GoMap, GoValue } from '../gotypes/value.ts'
import { GoError } from '../gotypes/error.ts'
import { YamlError, yamlErrorAt } from './error.ts'
import { resolvePlain } from './resolve.ts'
import { Scanner, type Token, type TokenType } from './scan.ts'

/** Aliases may multiply a document's size: the larger it gets, the smaller a part of it may come from them. */
function allowedAliasRatio(values: number): number {
  if (values <= 400_000) return 0.99
  if (values >= 4_000_000) return 0.1
  return 0.99 - (0.89 * (values - 400_000)) / 3_600_000
}

const CONTROL = /(?![\t\n\r\u0085])\p{Cc}/u

/** The first document; later ones are ignored, as yaml.Unmarshal does. */
export function parseYaml(text: string): GoValue {
  const parser = new Parser(text)
  return parser.document() ?? null
}

/** Every document of a stream. */
export function parseYamlDocuments(text: string): GoValue[] {
  const parser = new Parser(text)
  const documents: GoValue[] = []
  for (let document = parser.document(); document !== undefined; document = parser.document()) documents.push(document)
  return documents
}

interface Properties {
  anchor: string | undefined
  tag: string | undefined
}

const NO_PROPERTIES: Properties = { anchor: undefined, tag: undefined }

class Parser {
  readonly #scanner: Scanner
  #anchors = new Map<string, { value: GoValue; size: number }>()
  #values = 0
  #aliased = 0
  #isFirst = true

  constructor(text: string) {
    if (CONTROL.test(text)) throw new YamlError('yaml: control characters are not allowed')
    this.#scanner = new Scanner(text)
  }

  /** undefined at the end of the stream. */
  document(): GoValue {
    const scanner = this.#scanner
    while (scanner.peek().type === 'documentEnd') scanner.next()
    const token = scanner.peek()
    if (token.type === 'streamEnd') return undefined
    if (token.type === 'documentStart') scanner.next()
    else if (!this.#isFirst) throw yamlErrorAt('did not find expected <document start>', token.line, false)
    this.#isFirst = false
    this.#anchors = new Map()
    const next = scanner.peek().type
    if (next === 'documentStart' || next === 'documentEnd' || next === 'streamEnd') return null
    const value = this.#node(false)
    return value === undefined ? null : value
  }

  #take(type: TokenType): boolean {
    if (this.#scanner.peek().type !== type) return false
    this.#scanner.next()
    return true
  }

  #node(indentless: boolean): GoValue {
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
    const value = this.#content(token, properties, indentless)
    if (properties.anchor !== undefined) this.#anchors.set(properties.anchor, { value, size: this.#values - before })
    return value
  }

  #content(token: Token, properties: Properties, indentless: boolean): GoValue {
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
        return this.#blockMapping(token, properties)
      case 'flowSequence':
        scanner.next()
        return this.#flowSequence(token)
      case 'flowMapping':
        scanner.next()
        return this.#flowMapping(token, properties)
      default:
        break
    }
    if (properties !== NO_PROPERTIES) return properties.tag === '!!str' || properties.tag === '!' ? '' : null
    throw yamlErrorAt('did not find expected node content', token.line, false, 0)
  }

  #alias(token: Token): GoValue {
    const found = this.#anchors.get(token.value)
    if (found === undefined) throw new YamlError(`yaml: unknown anchor '${token.value}' referenced`)
    this.#aliased += found.size
    this.#values += found.size
    if (this.#aliased > 1000 && this.#aliased / this.#values > allowedAliasRatio(this.#values)) {
      throw new YamlError('yaml: document contains excessive aliasing')
    }
    return copy(found.value)
  }

  #blockSequence(start: Token): GoValue {
    const items: GoValue[] = []
    while (this.#take('entry')) {
      const { type } = this.#scanner.peek()
      items.push(type === 'entry' || type === 'blockEnd' ? null : this.#node(false))
    }
    const token = this.#scanner.peek()
    if (token.type !== 'blockEnd')
      throw yamlErrorAt("did not find expected '-' indicator", token.line, false, start.line)
    this.#scanner.next()
    return items
  }

  #indentlessSequence(): GoValue {
    const items: GoValue[] = []
    while (this.#take('entry')) {
      const { type } = this.#scanner.peek()
      items.push(
        type === 'entry' || type === 'key' || type === 'value' || type === 'blockEnd' ? null : this.#node(false),
      )
    }
    return items
  }

  #blockMapping(start: Token, _properties: Properties): GoValue {
    const scanner = this.#scanner
    const builder = new MappingBuilder()
    for (;;) {
      const token = scanner.peek()
      if (token.type === 'blockEnd') break
      let key: GoValue = null
      let isMerge = false
      if (token.type === 'key') {
        scanner.next()
        const next = scanner.peek()
        if (next.type !== 'key' && next.type !== 'value' && next.type !== 'blockEnd') {
          isMerge = next.type === 'scalar' && next.isPlain && next.value === '<<'
          key = this.#node(true)
        }
      } else if (token.type !== 'value') {
        throw yamlErrorAt('did not find expected key', token.line, false, start.line)
      }
      builder.add(key, this.#mappingValue(true), isMerge)
    }
    scanner.next()
    return builder.finish()
  }

  #mappingValue(isBlock: boolean): GoValue {
    const scanner = this.#scanner
    if (!this.#take('value')) return null
    const { type } = scanner.peek()
    if (isBlock) return type === 'key' || type === 'value' || type === 'blockEnd' ? null : this.#node(true)
    return type === 'flowEntry' || type === 'flowMappingEnd' || type === 'flowSequenceEnd' ? null : this.#node(false)
  }

  #flowSequence(start: Token): GoValue {
    const scanner = this.#scanner
    const items: GoValue[] = []
    let isFirst = true
    while (scanner.peek().type !== 'flowSequenceEnd') {
      if (!isFirst) {
        const token = scanner.peek()
        if (token.type !== 'flowEntry')
          throw yamlErrorAt("did not find expected ',' or ']'", token.line, false, start.line)
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
  #singlePair(): GoValue {
    const scanner = this.#scanner
    scanner.next()
    const builder = new MappingBuilder()
    const { type } = scanner.peek()
    const key = type === 'value' || type === 'flowEntry' || type === 'flowSequenceEnd' ? null : this.#node(false)
    builder.add(key, this.#mappingValue(false), false)
    return builder.finish()
  }

  #flowMapping(start: Token, _properties: Properties): GoValue {
    const scanner = this.#scanner
    const builder = new MappingBuilder()
    let isFirst = true
    while (scanner.peek().type !== 'flowMappingEnd') {
      if (!isFirst) {
        const token = scanner.peek()
        if (token.type !== 'flowEntry')
          throw yamlErrorAt("did not find expected ',' or '}'", token.line, false, start.line)
        scanner.next()
        if (scanner.peek().type === 'flowMappingEnd') break
      }
      isFirst = false
      this.#flowPair(builder)
    }
    scanner.next()
    return builder.finish()
  }

  #flowPair(builder: MappingBuilder): void {
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

class MappingBuilder {
  readonly #map: GoMap = new Map()
  #merged: GoValue[] | undefined

  add(key: GoValue, value: GoValue, isMerge: boolean): void {
    const stored = value === undefined ? null : value
    if (isMerge) {
      this.#merged ??= []
      this.#merged.push(stored)
      return
    }
    this.#map.set(typeof key === 'string' ? key : keyText(key, stored), stored)
  }

  /** Merged maps fill keys that the mapping does not have itself. */
  finish(): GoValue {
    for (const merged of this.#merged ?? []) this.#merge(merged)
    return this.#map
  }

  #merge(value: GoValue): void {
    const sources = Array.isArray(value) ? value : [value]
    for (const source of sources) {
      if (!(source instanceof Map)) throw new YamlError('yaml: map merge requires map or sequence of maps as the value')
      for (const [key, item] of source) if (!this.#map.has(key)) this.#map.set(key, item)
    }
  }
}

function keyText(key: GoValue, value: GoValue): string {
  if (typeof key === 'number')
    return Number.isInteger(key) && Math.abs(key) < 1e21 ? BigInt(key).toString() : formatG(key)
  if (typeof key === 'boolean') return String(key)
  const shown = key === null || key === undefined ? '<nil>' : formatGoSyntax(key)
  const kind = key === null || key === undefined ? '%!s(<nil>)' : key instanceof Map ? 'map' : 'slice'
  throw new GoError(`unsupported map key of type: ${kind}, key: ${shown}, value: ${formatGoSyntax(value)}`)
}

function scalarValue(token: Token, tag: string | undefined): GoValue {
  if (tag === undefined) {
    if (!token.isPlain) return token.value
    return checkFinite(resolvePlain(token.value))
  }
  return taggedScalar(token, tag)
}

function taggedScalar(token: Token, tag: string): GoValue {
  switch (tag) {
    case '!':
    case '!!str':
      return token.value
    case '!!binary':
      return decodeBinary(token.value)
    case '!!null':
      return null
    case '!!int':
    case '!!float':
    case '!!bool':
    case '!!timestamp':
      return checkTagged(token, tag)
    default:
      return token.value
  }
}

function checkTagged(token: Token, tag: string): GoValue {
  const value = checkFinite(resolvePlain(token.value))
  const fits =
    tag === '!!bool'
      ? typeof value === 'boolean'
      : tag === '!!timestamp'
        ? typeof value === 'string'
        : typeof value === 'number'
  if (!fits) throw new YamlError(`yaml: cannot decode !!str ${quote(token.value)} as a ${tag}`)
  return value
}

function decodeBinary(text: string): string {
  const clean = text.replace(/[\r\n]/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(clean) || clean.length % 4 !== 0) {
    throw new YamlError('yaml: !!binary value contains invalid base64 data')
  }
  return Buffer.from(clean, 'base64').toString('utf8')
}

function checkFinite(value: string | number | boolean | null): GoValue {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new GoError(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`)
  }
  // JSON has no negative zero integer: -0 reads back as 0.
  return Object.is(value, -0) ? 0 : value
}

function copy(value: GoValue): GoValue {
  if (Array.isArray(value)) return value.map(copy)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, copy(item)]))
  return value
}
