// The --set grammar: a.b[0].c=x,d={1,2}. Upstream: helm pkg/strvals/parser.go. Integers become int64.

import { quote } from '../gofmt/quote.ts'
import { parseInt64 } from '../gotypes/cast.ts'
import { GoError } from '../gotypes/error.ts'
import { type GoMap, type GoValue, int64, isMap } from '../gotypes/value.ts'

const MAX_INDEX = 65_536
const MAX_NESTING = 30

/** Parses into `target` (a new map by default). `asStrings` is --set-string. */
export function parseStrvals(text: string, options: { asStrings?: boolean; target?: GoMap } = {}): GoMap {
  const target: GoMap = options.target ?? new Map()
  const parser = new StrvalsParser(text, options.asStrings === true)
  while (parser.key(target, 0)) {
    // One key=value per turn.
  }
  return target
}

class StrvalsParser {
  readonly #chars: readonly string[]
  readonly #asStrings: boolean
  #pos = 0

  constructor(text: string, asStrings: boolean) {
    this.#chars = [...text]
    this.#asStrings = asStrings
  }

  /** Text up to a stop character, which is consumed; `stop` is undefined at the end of input. */
  #until(stops: string): { text: string; stop: string | undefined } {
    let text = ''
    while (this.#pos < this.#chars.length) {
      const char = this.#chars[this.#pos++] as string
      if (stops.includes(char)) return { text, stop: char }
      if (char !== '\\') text += char
      else if (this.#pos < this.#chars.length) text += this.#chars[this.#pos++]
      else break
    }
    return { text, stop: undefined }
  }

  /** False at the end of input. */
  key(data: GoMap, nesting: number): boolean {
    const { text, stop } = this.#until('=[,.')
    switch (stop) {
      case undefined:
        if (text === '') return false
        throw new GoError(`key ${quote(text)} has no value`)
      case '[':
        return this.#listKey(data, text, nesting)
      case '=':
        return this.#assign((value) => set(data, text, value))
      case ',':
        set(data, text, '')
        throw new GoError(`key ${quote(text)} has no value (cannot end with ,)`)
      default:
        return this.#nested(data, text, nesting + 1)
    }
  }

  #nested(data: GoMap, name: string, nesting: number): boolean {
    if (nesting > MAX_NESTING) {
      throw new GoError(`value name nested level is greater than maximum supported nested level of ${MAX_NESTING}`)
    }
    const existing = data.get(name)
    if (data.has(name) && !isMap(existing)) {
      throw new GoError(
        `unable to parse key: interface conversion: interface {} is ${describe(existing)}, not map[string]interface {}`,
      )
    }
    const inner: GoMap = isMap(existing) ? existing : new Map()
    const more = this.key(inner, nesting)
    if (more && inner.size === 0) throw new GoError(`key map ${quote(name)} has no value`)
    if (inner.size > 0) set(data, name, inner)
    return more
  }

  #listKey(data: GoMap, name: string, nesting: number): boolean {
    const index = this.#index()
    const existing = data.get(name)
    if (data.has(name) && !Array.isArray(existing)) {
      throw new GoError(
        `unable to parse key: interface conversion: interface {} is ${describe(existing)}, not []interface {}`,
      )
    }
    const list: GoValue[] = Array.isArray(existing) ? existing : []
    const more = this.#item(list, index, nesting)
    set(data, name, list)
    return more
  }

  #index(): number {
    const { text, stop } = this.#until(']')
    if (stop === undefined) throw new GoError('error parsing index: EOF')
    if (!/^[+-]?[0-9]+$/.test(text))
      throw new GoError(`error parsing index: strconv.Atoi: parsing ${quote(text)}: invalid syntax`)
    const index = Number(text)
    if (index < 0) throw new GoError(`negative ${index} index not allowed`)
    if (index > MAX_INDEX)
      throw new GoError(`index of ${index} is greater than maximum supported index of ${MAX_INDEX}`)
    return index
  }

  #item(list: GoValue[], index: number, nesting: number): boolean {
    const { text, stop } = this.#until('[.=')
    if (text !== '') throw new GoError(`unexpected data at end of array index: ${quote(text)}`)
    if (stop === undefined) return false
    if (stop === '=') return this.#assign((value) => setIndex(list, index, value))
    const existing = list[index]
    if (stop === '[') {
      const inner: GoValue[] = Array.isArray(existing) ? existing : []
      const more = this.#item(inner, this.#index(), nesting)
      setIndex(list, index, inner)
      return more
    }
    const inner: GoMap = isMap(existing) ? existing : new Map()
    const more = this.key(inner, nesting)
    setIndex(list, index, inner)
    return more
  }

  #assign(store: (value: GoValue) => void): boolean {
    if (this.#pos >= this.#chars.length) {
      store('')
      return false
    }
    if (this.#chars[this.#pos] === '{') {
      this.#pos++
      store(this.#list())
      return true
    }
    store(this.#typed(this.#until(',').text))
    return true
  }

  #list(): GoValue[] {
    const list: GoValue[] = []
    for (;;) {
      const { text, stop } = this.#until(',}')
      if (stop === undefined) throw new GoError("list must terminate with '}'")
      list.push(this.#typed(text))
      if (stop === '}') {
        if (this.#chars[this.#pos] === ',') this.#pos++
        return list
      }
    }
  }

  #typed(text: string): GoValue {
    if (this.#asStrings) return text
    const lower = text.toLowerCase()
    if (lower === 'true' || lower === 'false') return lower === 'true'
    if (lower === 'null') return null
    if (text === '0') return int64(0)
    if (text !== '' && !text.startsWith('0')) {
      const value = parseInt64(text, 10)
      if (value !== undefined) return int64(value)
    }
    return text
  }
}

function describe(value: GoValue): string {
  if (value === null || value === undefined) return 'nil'
  if (typeof value === 'object')
    return isMap(value) ? 'map[string]interface {}' : Array.isArray(value) ? '[]interface {}' : 'int64'
  return typeof value === 'number' ? 'float64' : typeof value === 'boolean' ? 'bool' : typeof value
}

function set(data: GoMap, key: string, value: GoValue): void {
  if (key !== '') data.set(key, value)
}

function setIndex(list: GoValue[], index: number, value: GoValue): void {
  while (list.length < index) list.push(null)
  list[index] = value
}
