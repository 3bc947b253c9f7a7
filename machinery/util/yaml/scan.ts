/**
 * YAML 1.1 tokens. The token model, simple key rules and error texts follow libyaml as ported by go-yaml v2
 * (scannerc.go), so that the same documents are accepted and refused with the same words.
 */

import { CR, LF, SPACE, TAB, isBlankOrEnd, isBreak } from './characters.ts'
import { blockScalar, quotedScalar } from './scalars.ts'
import { type YamlSyntaxError, yamlErrorAt } from './error.ts'

export type TokenType =
  | 'streamEnd'
  | 'documentStart'
  | 'documentEnd'
  | 'blockSequence'
  | 'blockMapping'
  | 'blockEnd'
  | 'flowSequence'
  | 'flowSequenceEnd'
  | 'flowMapping'
  | 'flowMappingEnd'
  | 'entry'
  | 'flowEntry'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar'

export interface Token {
  readonly type: TokenType
  readonly line: number
  readonly column: number
  readonly value: string
  readonly isPlain: boolean
}

interface SimpleKey {
  readonly isRequired: boolean
  readonly tokenNumber: number
  readonly line: number
  readonly index: number
  readonly column: number
}

export class Scanner {
  readonly text: string
  pos = 0
  line = 0
  lineStart = 0
  indent = -1
  flowLevel = 0
  #tokens: Token[] = []
  #head = 0
  #taken = 0
  #ended = false
  #simpleKeyAllowed = true
  readonly #indents: number[] = []
  #simpleKeys: (SimpleKey | undefined)[] = [undefined]
  #possibleKeys = 0
  /** No level below it has a possible key. */
  #firstKey = 0

  constructor(text: string) {
    this.text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }

  get column(): number {
    return this.pos - this.lineStart
  }

  peek(): Token {
    if (this.#head >= this.#tokens.length || this.#possibleKeys > 0) this.#fetchMore()
    return this.#tokens[this.#head] as Token
  }

  next(): Token {
    const token = this.peek()
    this.#head++
    this.#taken++
    if (this.#head > 256) {
      this.#tokens = this.#tokens.slice(this.#head)
      this.#head = 0
    }
    return token
  }

  error(message: string, contextLine = 0): YamlSyntaxError {
    return yamlErrorAt(message, this, true, contextLine)
  }

  /** Moves over one line break at the current position. */
  skipBreak(): void {
    const code = this.text.charCodeAt(this.pos)
    this.pos += code === CR && this.text.charCodeAt(this.pos + 1) === LF ? 2 : 1
    this.line++
    this.lineStart = this.pos
  }

  #push(type: TokenType): void {
    this.#tokens.push({ type, line: this.line, column: this.column, value: '', isPlain: false })
  }

  #insert(key: SimpleKey, type: TokenType): void {
    const { line, column } = key
    this.#tokens.splice(this.#head + key.tokenNumber - this.#taken, 0, {
      type,
      line,
      column,
      value: '',
      isPlain: false,
    })
  }

  /** The head token is final only when it cannot turn out to be a simple key. */
  #fetchMore(): void {
    for (;;) {
      let need = this.#head >= this.#tokens.length
      if (!need) {
        this.#staleSimpleKeys()
        need = this.#possibleKeys > 0 && this.#simpleKeys[this.#firstKey]?.tokenNumber === this.#taken
      }
      if (!need) return
      this.#fetch()
    }
  }

  /** Deeper levels hold later keys, so the first one that is still possible ends the search. */
  #staleSimpleKeys(): void {
    while (this.#possibleKeys > 0) {
      const key = this.#simpleKeys[this.#firstKey]
      if (key !== undefined) {
        if (key.line >= this.line && key.index + 1024 >= this.pos) return
        if (key.isRequired) throw this.error("could not find expected ':'", key.line)
        this.#dropKey(this.#firstKey)
      }
      this.#firstKey++
    }
  }

  #dropKey(level: number): void {
    if (this.#simpleKeys[level] !== undefined) {
      this.#simpleKeys[level] = undefined
      this.#possibleKeys--
    }
  }

  #saveSimpleKey(): void {
    if (!this.#simpleKeyAllowed) return
    const isRequired = this.flowLevel === 0 && this.indent === this.column
    this.#removeSimpleKey()
    if (this.#possibleKeys === 0) this.#firstKey = this.flowLevel
    this.#simpleKeys[this.flowLevel] = {
      isRequired,
      tokenNumber: this.#taken + (this.#tokens.length - this.#head),
      line: this.line,
      index: this.pos,
      column: this.column,
    }
    this.#possibleKeys++
  }

  #removeSimpleKey(): void {
    const key = this.#simpleKeys[this.flowLevel]
    if (key?.isRequired === true) throw this.error("could not find expected ':'", key.line)
    this.#dropKey(this.flowLevel)
  }

  #rollIndent(key: SimpleKey | undefined, type: TokenType): void {
    const column = key === undefined ? this.column : key.column
    if (this.flowLevel > 0 || this.indent >= column) return
    this.#indents.push(this.indent)
    this.indent = column
    if (key === undefined) this.#push(type)
    else this.#insert(key, type)
  }

  #unrollIndent(column: number): void {
    if (this.flowLevel > 0) return
    while (this.indent > column) {
      this.#push('blockEnd')
      this.indent = this.#indents.pop() ?? -1
    }
  }

  #skipToToken(): void {
    const { text } = this
    for (;;) {
      let code = text.charCodeAt(this.pos)
      while (code === SPACE || (code === TAB && (this.flowLevel > 0 || !this.#simpleKeyAllowed)))
        code = text.charCodeAt(++this.pos)
      if (code === 35) {
        while (!isBreak(code) && !Number.isNaN(code)) code = text.charCodeAt(++this.pos)
      }
      if (!isBreak(code)) return
      this.skipBreak()
      if (this.flowLevel === 0) this.#simpleKeyAllowed = true
    }
  }

  #fetch(): void {
    this.#skipToToken()
    this.#staleSimpleKeys()
    this.#unrollIndent(this.column)
    const { text, pos } = this
    const code = text.charCodeAt(pos)
    if (Number.isNaN(code)) {
      this.#fetchStreamEnd()
      return
    }
    if (this.column === 0) {
      if (code === 37) {
        this.#fetchDirective()
        return
      }
      if (this.atDocumentMarker('---')) {
        this.#fetchDocumentMarker('documentStart')
        return
      }
      if (this.atDocumentMarker('...')) {
        this.#fetchDocumentMarker('documentEnd')
        return
      }
    }
    switch (code) {
      case 91:
        this.#fetchFlowStart('flowSequence')
        return
      case 123:
        this.#fetchFlowStart('flowMapping')
        return
      case 93:
        this.#fetchFlowEnd('flowSequenceEnd')
        return
      case 125:
        this.#fetchFlowEnd('flowMappingEnd')
        return
      case 44:
        this.#fetchFlowEntry()
        return
      case 42:
        this.#fetchAnchor('alias')
        return
      case 38:
        this.#fetchAnchor('anchor')
        return
      case 33:
        this.#fetchTag()
        return
      case 39:
      case 34:
        this.#fetchQuoted()
        return
      default:
        this.#fetchOther(code)
        return
    }
  }

  #fetchOther(code: number): void {
    const next = this.text.charCodeAt(this.pos + 1)
    if (code === 45 && isBlankOrEnd(next)) {
      this.#fetchBlockEntry()
      return
    }
    if (code === 63 && (this.flowLevel > 0 || isBlankOrEnd(next))) {
      this.#fetchKey()
      return
    }
    if (code === 58 && (this.flowLevel > 0 || isBlankOrEnd(next))) {
      this.#fetchValue()
      return
    }
    if ((code === 124 || code === 62) && this.flowLevel === 0) {
      this.#fetchBlockScalar(code === 124)
      return
    }
    if (this.#startsPlain(code, next)) {
      this.#fetchPlain()
      return
    }
    throw this.error('found character that cannot start any token', this.line)
  }

  #startsPlain(code: number, next: number): boolean {
    if (code === 45) return !isBlankOrEnd(next)
    if (this.flowLevel === 0 && (code === 63 || code === 58)) return !isBlankOrEnd(next)
    return !isBlankOrEnd(code) && !'-?:,[]{}#&*!|>\'"%@`'.includes(String.fromCharCode(code))
  }

  atDocumentMarker(marker: string): boolean {
    return this.text.startsWith(marker, this.pos) && isBlankOrEnd(this.text.charCodeAt(this.pos + 3))
  }

  #fetchStreamEnd(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.column !== 0) {
      this.line++
      this.lineStart = this.pos
    }
    this.#unrollIndent(-1)
    this.#removeSimpleKey()
    this.#simpleKeyAllowed = false
    this.#push('streamEnd')
  }

  #fetchDirective(): void {
    this.#unrollIndent(-1)
    this.#removeSimpleKey()
    this.#simpleKeyAllowed = false
    const start = this.pos
    let code = this.text.charCodeAt(this.pos)
    while (!isBreak(code) && !Number.isNaN(code)) code = this.text.charCodeAt(++this.pos)
    const directive = this.text.slice(start, this.pos)
    if (!/^%(?:YAML\s+[0-9]+\.[0-9]+|TAG\s+\S+\s+\S+)\s*(?:#.*)?$/.test(directive)) {
      throw this.error('found unknown directive name', this.line)
    }
  }

  #fetchDocumentMarker(type: TokenType): void {
    this.#unrollIndent(-1)
    this.#removeSimpleKey()
    this.#simpleKeyAllowed = false
    this.#push(type)
    this.pos += 3
  }

  #fetchFlowStart(type: TokenType): void {
    this.#saveSimpleKey()
    this.flowLevel++
    if (this.flowLevel > 10000) throw this.error('exceeded max depth of 10000')
    this.#simpleKeys.push(undefined)
    this.#simpleKeyAllowed = true
    this.#push(type)
    this.pos++
  }

  #fetchFlowEnd(type: TokenType): void {
    this.#removeSimpleKey()
    if (this.flowLevel > 0) {
      this.flowLevel--
      this.#simpleKeys.pop()
    }
    this.#simpleKeyAllowed = false
    this.#push(type)
    this.pos++
  }

  #fetchFlowEntry(): void {
    this.#removeSimpleKey()
    this.#simpleKeyAllowed = true
    this.#push('flowEntry')
    this.pos++
  }

  #fetchBlockEntry(): void {
    if (this.flowLevel === 0) {
      if (!this.#simpleKeyAllowed) throw this.error('block sequence entries are not allowed in this context')
      this.#rollIndent(undefined, 'blockSequence')
    }
    this.#removeSimpleKey()
    this.#simpleKeyAllowed = true
    this.#push('entry')
    this.pos++
  }

  #fetchKey(): void {
    if (this.flowLevel === 0) {
      if (!this.#simpleKeyAllowed) throw this.error('mapping keys are not allowed in this context')
      this.#rollIndent(undefined, 'blockMapping')
    }
    this.#removeSimpleKey()
    this.#simpleKeyAllowed = this.flowLevel === 0
    this.#push('key')
    this.pos++
  }

  #fetchValue(): void {
    const key = this.#simpleKeys[this.flowLevel]
    if (key !== undefined) {
      this.#insert(key, 'key')
      this.#rollIndent(key, 'blockMapping')
      this.#dropKey(this.flowLevel)
      this.#simpleKeyAllowed = false
    } else {
      if (this.flowLevel === 0) {
        if (!this.#simpleKeyAllowed) throw this.error('mapping values are not allowed in this context')
        this.#rollIndent(undefined, 'blockMapping')
      }
      this.#simpleKeyAllowed = this.flowLevel === 0
    }
    this.#push('value')
    this.pos++
  }

  #fetchAnchor(type: 'alias' | 'anchor'): void {
    this.#saveSimpleKey()
    this.#simpleKeyAllowed = false
    const { line, column } = this
    const start = ++this.pos
    while (/[0-9A-Za-z_-]/.test(this.text[this.pos] ?? '')) this.pos++
    const next = this.text.charCodeAt(this.pos)
    if (this.pos === start || !(isBlankOrEnd(next) || '?:,]}%@`'.includes(String.fromCharCode(next)))) {
      throw this.error('did not find expected alphabetic or numeric character', this.line)
    }
    this.#tokens.push({ type, line, column, value: this.text.slice(start, this.pos), isPlain: false })
  }

  #fetchTag(): void {
    this.#saveSimpleKey()
    this.#simpleKeyAllowed = false
    const { line, column } = this
    const match = /^!(?:<([^>\s]*)>|[^\s,[\]{}]*)/.exec(this.text.slice(this.pos, this.pos + 512))
    const raw = match?.[0] ?? '!'
    this.pos += raw.length
    if (!isBlankOrEnd(this.text.charCodeAt(this.pos)) && !(this.flowLevel > 0 && this.text[this.pos] === ',')) {
      throw this.error('did not find expected whitespace or line break', this.line)
    }
    this.#tokens.push({ type: 'tag', line, column, value: normalizeTag(raw, match?.[1]), isPlain: false })
  }

  #fetchBlockScalar(isLiteral: boolean): void {
    this.#removeSimpleKey()
    this.#simpleKeyAllowed = true
    const { line, column } = this
    this.#tokens.push({ type: 'scalar', line, column, value: blockScalar(this, isLiteral), isPlain: false })
  }

  #fetchQuoted(): void {
    this.#saveSimpleKey()
    this.#simpleKeyAllowed = false
    const { line, column } = this
    this.#tokens.push({ type: 'scalar', line, column, value: quotedScalar(this), isPlain: false })
  }

  #fetchPlain(): void {
    this.#saveSimpleKey()
    this.#simpleKeyAllowed = false
    const { line, column } = this
    const { value, endedWithBreak } = this.#scanPlain()
    this.#tokens.push({ type: 'scalar', line, column, value, isPlain: true })
    if (endedWithBreak) this.#simpleKeyAllowed = true
  }

  #scanPlain(): { value: string; endedWithBreak: boolean } {
    const { text } = this
    const indent = this.indent + 1
    let value = ''
    let breaks = ''
    let blanks = ''
    let leadingBreak = false
    for (;;) {
      if (this.column === 0 && (this.atDocumentMarker('---') || this.atDocumentMarker('...'))) break
      if (text.charCodeAt(this.pos) === 35) break
      const start = this.pos
      this.#takePlainRun()
      if (this.pos > start) {
        value += joinPlain(leadingBreak, breaks, blanks)
        value += text.slice(start, this.pos)
        breaks = ''
        blanks = ''
        leadingBreak = false
      }
      let code = text.charCodeAt(this.pos)
      if (code !== SPACE && code !== TAB && !isBreak(code)) break
      let blankStart = this.pos
      while (code === SPACE || code === TAB || isBreak(code)) {
        if (isBreak(code)) {
          if (leadingBreak) breaks += '\n'
          leadingBreak = true
          this.skipBreak()
          blankStart = this.pos
        } else {
          if (leadingBreak && code === TAB && this.column < indent)
            throw this.error('found a tab character that violates indentation', this.line)
          this.pos++
        }
        code = text.charCodeAt(this.pos)
      }
      blanks = leadingBreak ? '' : text.slice(blankStart, this.pos)
      if (this.flowLevel === 0 && this.column < indent) break
      if (Number.isNaN(code)) break
    }
    return { value, endedWithBreak: leadingBreak }
  }

  #takePlainRun(): void {
    const { text } = this
    const inFlow = this.flowLevel > 0
    let { pos } = this
    for (;;) {
      const code = text.charCodeAt(pos)
      if (code <= 58 && isBlankOrEnd(code)) break
      if (Number.isNaN(code) || (code >= 0x85 && isBreak(code))) break
      if (code === 58) {
        const next = text.charCodeAt(pos + 1)
        if (
          isBlankOrEnd(next) ||
          (inFlow && (next === 44 || next === 63 || next === 91 || next === 93 || next === 123 || next === 125))
        )
          break
      } else if (inFlow && (code === 44 || code === 63 || code === 91 || code === 93 || code === 123 || code === 125))
        break
      pos++
    }
    this.pos = pos
  }
}

function joinPlain(leadingBreak: boolean, breaks: string, blanks: string): string {
  if (!leadingBreak) return blanks
  return breaks === '' ? ' ' : breaks
}

function normalizeTag(raw: string, verbatim: string | undefined): string {
  const tag = verbatim ?? raw
  if (tag.startsWith('tag:yaml.org,2002:')) return `!!${tag.slice('tag:yaml.org,2002:'.length)}`
  return tag
}
