// fromToml: a TOML 1.0 reader. Integers become int64, floats float64, dates strings.

import { GoError } from '../gotypes/error.ts'
import { parseGoFloat } from '../gotypes/cast.ts'
import { type GoMap, type GoValue, int64, isMap } from '../gotypes/value.ts'

const MAX_DEPTH = 200

export function parseToml(text: string): GoMap {
  return new TomlReader(text).read()
}

class TomlReader {
  readonly #text: string
  #pos = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text.replaceAll('\r\n', '\n')
  }

  read(): GoMap {
    const root: GoMap = new Map()
    let table = root
    for (;;) {
      this.#skip(/[ \t\n]*(?:#[^\n]*)?/y)
      if (this.#pos >= this.#text.length) return root
      if (this.#peek() === '\n') {
        this.#pos++
        continue
      }
      if (this.#peek() === '[') table = this.#header(root)
      else this.#pair(table)
      this.#endLine()
    }
  }

  #peek(): string {
    return this.#text[this.#pos] ?? ''
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#pos
    const match = pattern.exec(this.#text)?.[0] ?? ''
    this.#pos += match.length
    return match
  }

  #fail(message: string): GoError {
    const line = this.#text.slice(0, this.#pos).split('\n').length
    return new GoError(`toml: line ${line}: ${message}`)
  }

  #expect(text: string): void {
    if (!this.#text.startsWith(text, this.#pos))
      throw this.#fail(`expected '${text}' but got '${this.#peek()}' instead`)
    this.#pos += text.length
  }

  #blank(): void {
    this.#skip(/[ \t]*/y)
  }

  #endLine(): void {
    this.#skip(/[ \t]*(?:#[^\n]*)?/y)
    if (this.#pos < this.#text.length && this.#peek() !== '\n') {
      throw this.#fail(
        `expected a top-level item to end with a newline, comment, or EOF, but got '${this.#peek()}' instead`,
      )
    }
  }

  #header(root: GoMap): GoMap {
    const isArray = this.#text.startsWith('[[', this.#pos)
    this.#pos += isArray ? 2 : 1
    const path = this.#keyPath()
    this.#expect(isArray ? ']]' : ']')
    const last = path.pop() as string
    const parent = this.#descend(root, path)
    if (!isArray) return this.#child(parent, last)
    const existing = parent.get(last)
    const table: GoMap = new Map()
    if (Array.isArray(existing)) existing.push(table)
    else if (existing === undefined) parent.set(last, [table])
    else throw this.#fail(`Key '${last}' has already been defined.`)
    return table
  }

  #descend(from: GoMap, path: readonly string[]): GoMap {
    let table = from
    for (const name of path) table = this.#child(table, name)
    return table
  }

  #child(parent: GoMap, name: string): GoMap {
    const existing = parent.get(name)
    if (existing === undefined) {
      const table: GoMap = new Map()
      parent.set(name, table)
      return table
    }
    const table = Array.isArray(existing) ? existing.at(-1) : existing
    if (!isMap(table)) throw this.#fail(`Key '${name}' has already been defined.`)
    return table
  }

  #keyPath(): string[] {
    const path: string[] = []
    for (;;) {
      this.#blank()
      const char = this.#peek()
      if (char === '"' || char === "'") path.push(this.#string())
      else {
        const bare = this.#skip(/[A-Za-z0-9_-]+/y)
        if (bare === '') throw this.#fail(`bare keys cannot contain '${char}'`)
        path.push(bare)
      }
      this.#blank()
      if (this.#peek() !== '.') return path
      this.#pos++
    }
  }

  #pair(table: GoMap): void {
    const path = this.#keyPath()
    const last = path.pop() as string
    this.#expect('=')
    const target = this.#descend(table, path)
    if (target.has(last)) throw this.#fail(`Key '${last}' has already been defined.`)
    target.set(last, this.#value())
  }

  #value(): GoValue {
    this.#blank()
    if (++this.#depth > MAX_DEPTH) throw this.#fail('nested too deeply')
    try {
      const char = this.#peek()
      if (char === '"' || char === "'") return this.#string()
      if (char === '[') return this.#array()
      if (char === '{') return this.#inlineTable()
      return this.#scalar()
    } finally {
      this.#depth--
    }
  }

  #array(): GoValue {
    this.#pos++
    const items: GoValue[] = []
    for (;;) {
      this.#gap()
      if (this.#peek() === ']') break
      items.push(this.#value())
      this.#gap()
      if (this.#peek() !== ',') break
      this.#pos++
    }
    this.#expect(']')
    return items
  }

  #gap(): void {
    while (this.#skip(/(?:[ \t\n]+|#[^\n]*)/y) !== '');
  }

  #inlineTable(): GoValue {
    this.#pos++
    const table: GoMap = new Map()
    this.#blank()
    while (this.#peek() !== '}') {
      this.#pair(table)
      this.#blank()
      if (this.#peek() !== ',') break
      this.#pos++
      this.#blank()
    }
    this.#expect('}')
    return table
  }

  #scalar(): GoValue {
    const text = this.#skip(/[0-9A-Za-z_+.:-]+(?: [0-9]{2}:[0-9:.Z+-]+)?/y)
    if (text === 'true' || text === 'false') return text === 'true'
    if (/^[+-]?(?:0|[1-9](?:_?[0-9])*)$/.test(text)) return int64(BigInt(text.replace(/[_+]/g, '')))
    if (/^0(?:x[0-9A-Fa-f_]+|o[0-7_]+|b[01_]+)$/.test(text)) return int64(BigInt(text.replaceAll('_', '')))
    if (/^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[0-9]{2}:[0-9]{2}/.test(text)) return text
    const float = parseGoFloat(text.replaceAll('_', ''))
    if (float === undefined || text === '')
      throw this.#fail(`expected value but found '${text === '' ? this.#peek() : text}' instead`)
    return float
  }

  #string(): string {
    const quote = this.#peek()
    const triple = quote.repeat(3)
    const isMultiline = this.#text.startsWith(triple, this.#pos)
    const close = isMultiline ? triple : quote
    this.#pos += close.length
    if (isMultiline && this.#peek() === '\n') this.#pos++
    let out = ''
    while (!this.#text.startsWith(close, this.#pos)) {
      const char = this.#peek()
      if (char === '' || (char === '\n' && !isMultiline)) throw this.#fail('strings cannot contain newlines')
      if (char === '\\' && quote === '"') out += this.#escape()
      else {
        out += char
        this.#pos++
      }
    }
    this.#pos += close.length
    while (isMultiline && this.#peek() === quote) {
      out += quote
      this.#pos++
    }
    return out
  }

  #escape(): string {
    const fold = this.#skip(/\\[ \t]*\n[ \t\n]*/y)
    if (fold !== '') return ''
    const kind = this.#text[this.#pos + 1] ?? ''
    const simple = SIMPLE.get(kind)
    if (simple !== undefined) {
      this.#pos += 2
      return simple
    }
    const unicode = this.#skip(/\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}/y)
    if (unicode === '') throw this.#fail(`invalid escape character '${kind}'`)
    return String.fromCodePoint(Number.parseInt(unicode.slice(2), 16))
  }
}

const SIMPLE: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['t', '\t'],
  ['n', '\n'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\x1b'],
  ['"', '"'],
  ['\\', '\\'],
])
