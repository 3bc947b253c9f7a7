// Tokens of Go's text/template. Upstream: text/template/parse/lex.go (Go 1.26).
// Positions are byte offsets into the UTF-8 source only when the text is ASCII; the column of an error is
// corrected in errors.ts.

export type TokenType =
  | 'error'
  | 'bool'
  | 'char'
  | 'charConstant'
  | 'comment'
  | 'complex'
  | 'assign'
  | 'declare'
  | 'eof'
  | 'field'
  | 'identifier'
  | 'leftDelim'
  | 'leftParen'
  | 'number'
  | 'pipe'
  | 'rawString'
  | 'rightDelim'
  | 'rightParen'
  | 'space'
  | 'string'
  | 'text'
  | 'variable'
  | 'keyword'
  | 'dot'
  | 'nil'

export interface Token {
  readonly type: TokenType
  readonly pos: number
  readonly line: number
  readonly val: string
}

const KEYWORDS = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with'])
const TRIM_SPACE = ' \t\r\n'
const ALPHANUMERIC = /[\p{L}\p{Nd}_]/u

export function lex(input: string): Token[] {
  return new Lexer(input).run()
}

class Lexer {
  readonly #input: string
  readonly #tokens: Token[] = []
  #pos = 0
  #start = 0
  #line = 1
  #startLine = 1
  #parens = 0
  #failed = false

  constructor(input: string) {
    this.#input = input
  }

  run(): Token[] {
    while (!this.#failed && this.#lexText()) {
      if (!this.#lexAction()) break
    }
    return this.#tokens
  }

  #emit(type: TokenType): void {
    const val = this.#input.slice(this.#start, this.#pos)
    this.#tokens.push({ type, pos: this.#start, line: this.#startLine, val })
    if (type === 'text' || type === 'rawString' || type === 'space' || type === 'rightDelim' || type === 'comment')
      this.#countLines(val)
    this.#start = this.#pos
    this.#startLine = this.#line
  }

  #ignore(): void {
    this.#countLines(this.#input.slice(this.#start, this.#pos))
    this.#start = this.#pos
    this.#startLine = this.#line
  }

  #countLines(text: string): void {
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.#line++
    this.#startLine = this.#line
  }

  #error(message: string): false {
    this.#tokens.push({ type: 'error', pos: this.#start, line: this.#startLine, val: message })
    this.#failed = true
    return false
  }

  /** Text up to the next action; false at the end of input. */
  #lexText(): boolean {
    const input = this.#input
    const at = input.indexOf('{{', this.#pos)
    if (at < 0) {
      this.#pos = input.length
      if (this.#pos > this.#start) this.#emit('text')
      this.#emit('eof')
      return false
    }
    const trims = this.#hasLeftTrim(at + 2)
    let end = at
    if (trims) while (end > this.#start && TRIM_SPACE.includes(input[end - 1] as string)) end--
    this.#pos = end
    if (end > this.#start) this.#emit('text')
    this.#pos = at
    this.#ignore()
    return true
  }

  #hasLeftTrim(at: number): boolean {
    return (
      this.#input[at] === '-' && this.#input[at + 1] !== undefined && TRIM_SPACE.includes(this.#input[at + 1] as string)
    )
  }

  /** 0 when no right delimiter is here, else how many characters it takes including a trim marker. */
  #rightDelimAt(at: number): { length: number; trim: boolean } | undefined {
    const input = this.#input
    if (input.startsWith('}}', at)) return { length: 2, trim: false }
    if (TRIM_SPACE.includes(input[at] ?? '?') && input.startsWith('-}}', at + 1)) return { length: 4, trim: true }
    return undefined
  }

  #lexAction(): boolean {
    const trims = this.#hasLeftTrim(this.#pos + 2)
    const afterMarker = trims ? 2 : 0
    if (this.#input.startsWith('/*', this.#pos + 2 + afterMarker)) {
      this.#pos += 2 + afterMarker
      this.#ignore()
      return this.#lexComment()
    }
    this.#pos += 2
    this.#emit('leftDelim')
    this.#pos += afterMarker
    this.#ignore()
    this.#parens = 0
    return this.#lexInside()
  }

  #lexComment(): boolean {
    const close = this.#input.indexOf('*/', this.#pos + 2)
    if (close < 0) return this.#error('unclosed comment')
    this.#pos = close + 2
    const delim = this.#rightDelimAt(this.#pos)
    if (delim === undefined) return this.#error('comment ends before closing delimiter')
    this.#pos += delim.length
    if (delim.trim) this.#skipSpace()
    this.#ignore()
    return true
  }

  #skipSpace(): void {
    while (this.#pos < this.#input.length && TRIM_SPACE.includes(this.#input[this.#pos] as string)) this.#pos++
  }

  /** Tokens up to and including the right delimiter. */
  #lexInside(): boolean {
    for (;;) {
      const delim = this.#rightDelimAt(this.#pos)
      if (delim !== undefined) {
        if (this.#parens !== 0) return this.#error('unclosed left paren')
        return this.#lexRightDelim(delim)
      }
      if (!this.#lexToken()) return false
    }
  }

  #lexRightDelim(delim: { length: number; trim: boolean }): boolean {
    if (delim.trim) {
      this.#pos += 2
      this.#ignore()
    }
    this.#pos += 2
    this.#emit('rightDelim')
    if (delim.trim) {
      this.#skipSpace()
      this.#ignore()
    }
    return true
  }

  #lexToken(): boolean {
    const input = this.#input
    if (this.#pos >= input.length) return this.#error('unclosed action')
    const char = input[this.#pos] as string
    if (TRIM_SPACE.includes(char)) return this.#lexSpace()
    switch (char) {
      case '=':
        return this.#single('assign')
      case ':':
        if (input[this.#pos + 1] !== '=') return this.#error('expected :=')
        this.#pos += 2
        this.#emit('declare')
        return true
      case '|':
        return this.#single('pipe')
      case '"':
        return this.#lexQuoted('"', 'string', 'unterminated quoted string')
      case "'":
        return this.#lexQuoted("'", 'charConstant', 'unterminated character constant')
      case '`':
        return this.#lexRaw()
      case '(':
        this.#parens++
        return this.#single('leftParen')
      case ')':
        this.#parens--
        if (this.#parens < 0) return this.#error('unexpected right paren')
        return this.#single('rightParen')
      case '$':
        return this.#lexFieldOrVariable('variable')
      case '.':
        if (!/[0-9]/.test(input[this.#pos + 1] ?? '')) return this.#lexFieldOrVariable('field')
        return this.#lexNumber()
      default:
        if (char === '+' || char === '-' || (char >= '0' && char <= '9')) return this.#lexNumber()
        return this.#lexWord()
    }
  }

  #single(type: TokenType): boolean {
    this.#pos++
    this.#emit(type)
    return true
  }

  #lexSpace(): boolean {
    while (TRIM_SPACE.includes(this.#input[this.#pos] ?? '?')) {
      // A trim marker needs the space before it: leave that one to the delimiter.
      if (this.#rightDelimAt(this.#pos)?.trim === true) break
      this.#pos++
    }
    if (this.#pos > this.#start) this.#emit('space')
    else return this.#rightDelimAt(this.#pos) !== undefined
    return true
  }

  #lexQuoted(quote: string, type: TokenType, message: string): boolean {
    let i = this.#pos + 1
    for (; ; i++) {
      const char = this.#input[i]
      if (char === undefined || char === '\n') return this.#error(message)
      if (char === '\\') {
        i++
        const escaped = this.#input[i]
        if (escaped === undefined || escaped === '\n') return this.#error(message)
      } else if (char === quote) break
    }
    this.#pos = i + 1
    this.#emit(type)
    return true
  }

  #lexRaw(): boolean {
    const close = this.#input.indexOf('`', this.#pos + 1)
    if (close < 0) return this.#error('unterminated raw quoted string')
    this.#pos = close + 1
    this.#emit('rawString')
    return true
  }

  #lexFieldOrVariable(type: 'field' | 'variable'): boolean {
    this.#pos++
    if (this.#atTerminator()) {
      this.#emit(type === 'variable' ? 'variable' : 'dot')
      return true
    }
    this.#takeAlphanumeric()
    if (!this.#atTerminator()) return this.#error(`bad character ${this.#describeChar()}`)
    this.#emit(type)
    return true
  }

  #takeAlphanumeric(): void {
    while (this.#pos < this.#input.length) {
      const code = this.#input.codePointAt(this.#pos) ?? 0
      const ok = code < 128 ? isAsciiWord(code) : ALPHANUMERIC.test(String.fromCodePoint(code))
      if (!ok) return
      this.#pos += code > 0xffff ? 2 : 1
    }
  }

  #atTerminator(): boolean {
    const char = this.#input[this.#pos]
    if (char === undefined) return true
    return ' \t\r\n.,|:)('.includes(char) || this.#input.startsWith('}}', this.#pos)
  }

  #describeChar(): string {
    const code = this.#input.codePointAt(this.#pos) ?? 0
    return `U+${code.toString(16).toUpperCase().padStart(4, '0')} '${String.fromCodePoint(code)}'`
  }

  #lexWord(): boolean {
    const before = this.#pos
    this.#takeAlphanumeric()
    if (this.#pos === before) return this.#lexUnexpected()
    const word = this.#input.slice(this.#start, this.#pos)
    if (!this.#atTerminator()) return this.#error(`bad character ${this.#describeChar()}`)
    if (KEYWORDS.has(word)) this.#emit('keyword')
    else if (word === 'true' || word === 'false') this.#emit('bool')
    else if (word === 'nil') this.#emit('nil')
    else this.#emit('identifier')
    return true
  }

  #lexUnexpected(): boolean {
    const code = this.#input.codePointAt(this.#pos) ?? 0
    if (code > 0x20 && code < 0x7f) return this.#single('char')
    return this.#error(`unrecognized character in action: ${this.#describeChar()}`)
  }

  #lexNumber(): boolean {
    const rest = this.#input.slice(this.#pos, this.#pos + 256)
    const match =
      /^[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/.exec(
        rest,
      )
    const text = match?.[0] ?? ''
    const next = this.#input[this.#pos + text.length]
    if (text === '' || (next !== undefined && ALPHANUMERIC.test(next))) {
      return this.#error(
        `bad number syntax: ${JSON.stringify(this.#input.slice(this.#pos, this.#pos + text.length + 1))}`,
      )
    }
    this.#pos += text.length
    this.#emit('number')
    return true
  }
}

function isAsciiWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95
}
