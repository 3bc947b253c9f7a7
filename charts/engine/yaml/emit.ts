// Block style YAML writer with libyaml's line folding, shared by both emitters.
// Upstream: go-yaml emitterc.go (yaml_emitter_write_*), best indent 2.

import { GoError } from '../gotypes/error.ts'
import { GoObject, type GoValue, isMap, sliceItems } from '../gotypes/value.ts'
import { sortYamlKeys } from './keys.ts'
import { isPrintable, type Style, styleOf } from './style.ts'

interface EmitOptions {
  /** Column after which scalars are folded at spaces; Infinity never folds. */
  readonly width: number
  /** Whether sequences inside mappings are indented. */
  readonly indentsSequences: boolean
  readonly formatNumber: (value: GoValue) => string
  /** Unwraps values that serialise as something else. */
  readonly unwrap: (value: GoValue) => GoValue
}

const MAX_DEPTH = 1000
const MAX_SIMPLE_KEY = 128

export function emitYaml(value: GoValue, options: EmitOptions): string {
  const writer = new Writer(options)
  writer.document(value)
  return writer.out
}

class Writer {
  out = ''
  readonly #options: EmitOptions
  #lineStart = 0
  #depth = 0

  constructor(options: EmitOptions) {
    this.#options = options
  }

  get #column(): number {
    return this.out.length - this.#lineStart
  }

  document(value: GoValue): void {
    const unwrapped = this.#options.unwrap(value)
    if (this.#isCollection(unwrapped)) this.#collection(unwrapped, 0, true)
    else this.#scalar(unwrapped, 2, false)
    if (!this.out.endsWith('\n') || this.out === '') this.out += '\n'
  }

  #isCollection(value: GoValue): boolean {
    if (isMap(value)) return value.size > 0
    const items = sliceItems(value)
    return items !== undefined && items.length > 0
  }

  /** `inline`: the first entry continues the current line (after "- " or at the document start). */
  #collection(value: GoValue, indent: number, inline: boolean): void {
    if (++this.#depth > MAX_DEPTH)
      throw new GoError('json: unsupported value: encountered a cycle via map[string]interface {}')
    if (isMap(value)) this.#mapping(value, indent, inline)
    else this.#sequence(sliceItems(value) ?? [], indent, inline)
    this.#depth--
  }

  #newLine(indent: number): void {
    if (!this.out.endsWith('\n')) this.out += '\n'
    this.#lineStart = this.out.length
    if (indent > 0) this.out += ' '.repeat(indent)
  }

  #mapping(map: ReadonlyMap<string, GoValue>, indent: number, inline: boolean): void {
    let first = inline
    for (const key of sortYamlKeys(map)) {
      if (first) first = false
      else this.#newLine(indent)
      const isSimple = this.#key(key, indent)
      const value = this.#options.unwrap(map.get(key))
      if (!isSimple) {
        this.#newLine(indent)
        this.out += ':'
      } else this.out += ':'
      if (!this.#isCollection(value)) {
        this.out += ' '
        this.#scalar(value, indent + 2, false)
      } else if (isSimple)
        this.#collection(value, isMap(value) || this.#options.indentsSequences ? indent + 2 : indent, false)
      else {
        this.out += ' '
        this.#collection(value, indent + 2, true)
      }
    }
  }

  /** False when the key was written in the explicit "? key" form. */
  #key(key: string, indent: number): boolean {
    const isSimple = Buffer.byteLength(key) <= MAX_SIMPLE_KEY && !key.includes('\n')
    if (isSimple) {
      this.#text(key, indent + 2, true)
      return true
    }
    this.out += '? '
    this.#text(key, indent + 2, false)
    return false
  }

  #sequence(items: readonly GoValue[], indent: number, inline: boolean): void {
    let first = inline
    for (const item of items) {
      if (first) first = false
      else this.#newLine(indent)
      this.out += '- '
      const value = this.#options.unwrap(item)
      if (this.#isCollection(value)) this.#collection(value, indent + 2, true)
      else this.#scalar(value, indent + 2, false)
    }
  }

  #scalar(value: GoValue, indent: number, isKey: boolean): void {
    if (typeof value === 'string') this.#text(value, indent, isKey)
    else if (value === null || value === undefined) this.out += 'null'
    else if (typeof value === 'boolean') this.out += value ? 'true' : 'false'
    else if (isMap(value) || (value instanceof GoObject && value.kind !== 'slice')) this.out += '{}'
    else if (sliceItems(value) !== undefined || value instanceof GoObject) this.out += '[]'
    else this.out += this.#options.formatNumber(value)
  }

  #text(text: string, indent: number, isKey: boolean): void {
    const style: Style = styleOf(text, isKey)
    switch (style) {
      case 'plain':
        if (isKey || this.#column + text.length <= this.#options.width) this.out += text
        else this.#folded(text, indent, false)
        return
      case 'single':
        this.out += "'"
        if (isKey || this.#column + text.length <= this.#options.width) this.out += text.replaceAll("'", "''")
        else this.#folded(text, indent, true)
        this.out += "'"
        return
      case 'double':
        this.#doubleQuoted(text, indent, isKey)
        return
      default:
        this.#literal(text, indent)
    }
  }

  /** Column counts runes, so surrogate pairs count once. */
  #foldBreak(indent: number): void {
    this.out += `\n${' '.repeat(indent)}`
    this.#lineStart = this.out.length - indent
  }

  #folded(text: string, indent: number, isSingle: boolean): void {
    let spaces = false
    for (let i = 0; i < text.length; i++) {
      const char = text[i] as string
      if (char === ' ') {
        const inside = !isSingle || (i > 0 && i < text.length - 1)
        if (!spaces && inside && this.#column > this.#options.width && text[i + 1] !== ' ') this.#foldBreak(indent)
        else this.out += char
        spaces = true
      } else {
        this.out += isSingle && char === "'" ? "''" : char
        spaces = false
      }
    }
  }

  #doubleQuoted(text: string, indent: number, isKey: boolean): void {
    this.out += '"'
    let spaces = false
    const chars = [...text]
    // libyaml looks for a byte order mark at the start of the text for every character.
    const escapesAll = text.startsWith('\ufeff')
    for (let i = 0; i < chars.length; i++) {
      const char = chars[i] as string
      const code = char.codePointAt(0) ?? 0
      if (
        escapesAll ||
        !isPrintable(code) ||
        code === 0x0a ||
        char === '"' ||
        char === '\\' ||
        code === 0x85 ||
        code === 0x2028 ||
        code === 0x2029
      ) {
        this.out += escapeDouble(code)
        spaces = false
      } else if (char === ' ') {
        if (!isKey && !spaces && this.#column > this.#options.width && i > 0 && i < chars.length - 1) {
          this.#foldBreak(indent)
          if (chars[i + 1] === ' ') this.out += '\\'
        } else this.out += char
        spaces = true
      } else {
        this.out += char
        spaces = false
      }
    }
    this.out += '"'
  }

  #literal(text: string, indent: number): void {
    this.out += '|'
    const first = text[0]
    if (first === ' ' || first === '\n') this.out += '2'
    if (!text.endsWith('\n')) this.out += '-'
    else if (text === '\n' || text.endsWith('\n\n')) this.out += '+'
    const prefix = ' '.repeat(indent)
    for (const line of (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')) {
      this.out += line === '' ? '\n' : `\n${prefix}${line}`
    }
    if (text.endsWith('\n')) this.out += '\n'
    this.#lineStart = this.out.length
  }
}

const DOUBLE_ESCAPES: ReadonlyMap<number, string> = new Map([
  [0, '\\0'],
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [0x1b, '\\e'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [0x85, '\\N'],
  [0xa0, '\\_'],
  [0x2028, '\\L'],
  [0x2029, '\\P'],
])

function escapeDouble(code: number): string {
  const known = DOUBLE_ESCAPES.get(code)
  if (known !== undefined) return known
  const hex = code.toString(16).toUpperCase()
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}
