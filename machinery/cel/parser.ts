/**
 * Tokens → tree, macros expanded on the way. Recursive descent over the grammar of cel-spec.
 * Upstream: cel-go parser/{parser,helper}.go. Differs: the first syntax error ends the parse, and the lists of what was
 * expected are those of the commonest places only.
 */
import type { CallExpr, Expr, ListExpr, MapEntry, StructField } from './ast.ts'
import { tokenize, type Token } from './lexer.ts'
import { bytesLiteral, stringLiteral } from './literals.ts'
import { expandMacro, type Macro } from './macros.ts'
import { MAX_INT, MAX_UINT, MIN_INT } from './numbers.ts'
import { EXPRESSION_MAX, IssueError, type Issue, type Source } from './source.ts'
import { CelUint, type CelValue } from './values.ts'

/** Nested expressions at most; upstream's limit. It bounds every recursion over the tree. */
const DEPTH_MAX = 250

const RESERVED: ReadonlySet<string> = new Set(
  (
    'as break const continue else false for function if import in let loop package namespace null return true var void ' +
    'while'
  ).split(' '),
)

const RELATIONS: ReadonlySet<string> = new Set(['<', '<=', '>=', '>', '==', '!=', 'in'])
const FACTORS: ReadonlySet<string> = new Set(['*', '/', '%'])
const TERMS: ReadonlySet<string> = new Set(['+', '-'])
const OPERAND_SYMBOLS: ReadonlySet<string> = new Set(['[', '{', '(', '.', '-', '!', 'true', 'false', 'null'])
const OPERAND_START =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

export interface ParseOptions {
  readonly macros: readonly Macro[]
  /** Whether a field may be written between back quotes. */
  readonly allowsQuotedFields: boolean
}

/** Undefined with issues added when the text is no expression. */
export function parse(source: Source, options: ParseOptions, issues: Issue[]): Expr | undefined {
  if (source.points.length > EXPRESSION_MAX) {
    const message = `expression code point size exceeds limit: size: ${source.points.length}, limit ${EXPRESSION_MAX}`
    issues.push({ offset: -1, message })
    return undefined
  }
  const tokens = tokenize(source, issues)
  try {
    const expr = new Parser(tokens, options, issues).parse()
    return issues.length === 0 ? expr : undefined
  } catch (err: unknown) {
    if (!(err instanceof IssueError)) throw err
    issues.push(err.issue)
    return undefined
  }
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #macros: readonly Macro[]
  readonly #allowsQuotedFields: boolean
  readonly #issues: Issue[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[], { macros, allowsQuotedFields }: ParseOptions, issues: Issue[]) {
    this.#tokens = tokens
    this.#macros = macros
    this.#allowsQuotedFields = allowsQuotedFields
    this.#issues = issues
  }

  parse(): Expr {
    const expr = this.#expression()
    if (this.#token.kind !== 'end') this.#unexpected('<EOF>')
    return expr
  }

  get #token(): Token {
    // The list ends with an 'end' token that nothing steps past.
    return this.#tokens[this.#at] as Token
  }

  #is(symbol: string): boolean {
    return this.#token.kind === 'symbol' && this.#token.text === symbol
  }

  #isOneOf(symbols: ReadonlySet<string>): boolean {
    return this.#token.kind === 'symbol' && symbols.has(this.#token.text)
  }

  #next(): Token {
    const token = this.#token
    if (token.kind !== 'end') this.#at++
    return token
  }

  #accept(symbol: string): Token | undefined {
    return this.#is(symbol) ? this.#next() : undefined
  }

  #expect(symbol: string): Token {
    return this.#accept(symbol) ?? this.#unexpected(`'${symbol}'`)
  }

  #unexpected(expected: string): never {
    const { text, offset } = this.#token
    // What could just be left out is called extraneous.
    const next = this.#tokens[this.#at + 1]
    const isExtraneous =
      (expected === '<EOF>' && next?.kind === 'end') ||
      (expected === OPERAND_START && next !== undefined && startsOperand(next))
    const what = isExtraneous ? 'extraneous' : 'mismatched'
    throw new IssueError({ offset, message: `Syntax error: ${what} input '${text}' expecting ${expected}` })
  }

  #fail(offset: number, message: string): never {
    throw new IssueError({ offset, message })
  }

  /** One level deeper; every loop that nests its result calls it once per level and gives all back at its end. */
  #deeper(): void {
    this.#depth++
    if (this.#depth > DEPTH_MAX) this.#fail(-1, `expression recursion limit exceeded: ${DEPTH_MAX}`)
  }

  #nested<T>(read: () => T): T {
    const before = this.#depth
    this.#deeper()
    const value = read()
    this.#depth = before
    return value
  }

  #expression(): Expr {
    return this.#nested(() => {
      const condition = this.#logical('||', () => this.#logical('&&', () => this.#relation()))
      const question = this.#accept('?')
      if (question === undefined) return condition
      const then = this.#logical('||', () => this.#logical('&&', () => this.#relation()))
      this.#expect(':')
      return operator('_?_:_', question.offset, condition, then, this.#expression())
    })
  }

  /** Long chains become balanced trees, so that their length is not their depth. */
  #logical(symbol: '||' | '&&', operand: () => Expr): Expr {
    const terms = [operand()]
    const offsets: number[] = []
    for (let token = this.#accept(symbol); token !== undefined; token = this.#accept(symbol)) {
      offsets.push(token.offset)
      terms.push(operand())
    }
    return balanced(`_${symbol}_`, terms, offsets)
  }

  #relation(): Expr {
    return this.#leftAssociative(RELATIONS, () =>
      this.#leftAssociative(TERMS, () => this.#leftAssociative(FACTORS, () => this.#unary())),
    )
  }

  #leftAssociative(symbols: ReadonlySet<string>, operand: () => Expr): Expr {
    const before = this.#depth
    let left = operand()
    while (this.#isOneOf(symbols)) {
      this.#deeper()
      const { text, offset } = this.#next()
      left = operator(text === 'in' ? '@in' : `_${text}_`, offset, left, operand())
    }
    this.#depth = before
    return left
  }

  #unary(): Expr {
    for (const [symbol, name] of [
      ['!', '!_'],
      ['-', '-_'],
    ] as const) {
      const { offset } = this.#token
      let count = 0
      if (symbol === '-' && this.#isNegativeLiteral()) return this.#members(this.#negativeLiteral())
      while (this.#accept(symbol) !== undefined) count++
      if (count === 0) continue
      const operand = this.#members(this.#primary())
      return count % 2 === 0 ? operand : operator(name, offset, operand)
    }
    return this.#members(this.#primary())
  }

  #isNegativeLiteral(): boolean {
    const kind = this.#tokens[this.#at + 1]?.kind
    return this.#is('-') && (kind === 'int' || kind === 'double')
  }

  #negativeLiteral(): Expr {
    const { offset } = this.#next()
    const token = this.#next()
    return { kind: 'literal', offset, value: this.#number({ ...token, text: `-${token.text}`, offset }) }
  }

  #members(primary: Expr): Expr {
    const before = this.#depth
    let expr = primary
    for (;;) {
      const dot = this.#accept('.')
      const bracket = dot === undefined ? this.#accept('[') : undefined
      if (dot !== undefined) expr = this.#member(expr, dot)
      else if (bracket !== undefined) expr = this.#index(expr, bracket)
      else break
      this.#deeper()
    }
    this.#depth = before
    return expr
  }

  #member(operand: Expr, dot: Token): Expr {
    const isOptional = this.#accept('?') !== undefined
    const { kind } = this.#token
    if (kind !== 'identifier' && kind !== 'quoted identifier') {
      const { text, offset } = this.#token
      if (text === 'in') this.#fail(offset, `Syntax error: no viable alternative at input '.in'`)
      this.#unexpected('IDENTIFIER')
    }
    const field = this.#fieldName()
    const name = kind === 'identifier' ? field.text : field.text.slice(1, -1)
    if (isOptional) {
      const literal: Expr = { kind: 'literal', offset: field.offset, value: name }
      return operator('_?._', dot.offset, operand, literal)
    }
    const open = kind === 'identifier' ? this.#accept('(') : undefined
    if (open === undefined) return { kind: 'select', offset: dot.offset, operand, field: name, isTest: false }
    return this.#call({ kind: 'call', offset: open.offset, name, target: operand, args: this.#arguments() })
  }

  #fieldName(): Token {
    const { kind, offset } = this.#token
    if (kind === 'quoted identifier' && !this.#allowsQuotedFields) this.#fail(offset, "unsupported syntax: '`'")
    return this.#next()
  }

  #index(operand: Expr, { offset }: Token): Expr {
    const isOptional = this.#accept('?') !== undefined
    const index = this.#expression()
    this.#expect(']')
    return operator(isOptional ? '_[?_]' : '_[_]', offset, operand, index)
  }

  #arguments(): Expr[] {
    const args: Expr[] = []
    if (this.#accept(')') !== undefined) return args
    do args.push(this.#expression())
    while (this.#accept(',') !== undefined)
    this.#expect(')')
    return args
  }

  #call(call: CallExpr): Expr {
    return expandMacro(call, this.#macros, this.#issues)
  }

  #primary(): Expr {
    const token = this.#token
    switch (token.kind) {
      case 'identifier':
        return this.#ident('')
      case 'int':
      case 'uint':
      case 'double':
        this.#next()
        return { kind: 'literal', offset: token.offset, value: this.#number(token) }
      case 'string':
      case 'bytes':
        this.#next()
        return { kind: 'literal', offset: token.offset, value: this.#text(token) }
      case 'symbol':
        return this.#symbolPrimary(token)
      default:
        return this.#unexpected(OPERAND_START)
    }
  }

  #symbolPrimary(token: Token): Expr {
    const { offset, text } = token
    switch (text) {
      case 'true':
      case 'false':
      case 'null':
        this.#next()
        return { kind: 'literal', offset, value: text === 'null' ? null : text === 'true' }
      case '(': {
        this.#next()
        const expr = this.#expression()
        this.#expect(')')
        return expr
      }
      case '[':
        this.#next()
        return this.#list(offset)
      case '{':
        this.#next()
        return { kind: 'map', offset, entries: this.#mapEntries() }
      case '.':
        this.#next()
        if (this.#token.kind !== 'identifier') this.#unexpected('IDENTIFIER')
        return this.#ident('.')
      default:
        return this.#unexpected(OPERAND_START)
    }
  }

  #ident(dot: '' | '.'): Expr {
    const struct = this.#tryStruct(dot)
    if (struct !== undefined) return struct
    const { text, offset } = this.#next()
    const open = this.#accept('(')
    if (open === undefined && RESERVED.has(text)) this.#fail(offset, `reserved identifier: ${text}`)
    const name = `${dot}${text}`
    if (open === undefined) return { kind: 'ident', offset, name }
    if (RESERVED.has(text)) this.#fail(offset, `reserved identifier: ${text}`)
    return this.#call({ kind: 'call', offset: open.offset, name, target: undefined, args: this.#arguments() })
  }

  /** `a.b.C{`: names and dots up to an opening brace. */
  #tryStruct(dot: string): Expr | undefined {
    let at = this.#at
    const names: string[] = []
    for (;;) {
      const token = this.#tokens[at]
      if (token?.kind !== 'identifier') return undefined
      names.push(token.text)
      const follower = this.#tokens[at + 1]
      if (follower?.kind !== 'symbol') return undefined
      if (follower.text === '{') break
      if (follower.text !== '.') return undefined
      at += 2
    }
    this.#at = at + 2
    const { offset = 0 } = this.#tokens[at + 1] ?? {}
    return { kind: 'struct', offset, typeName: dot + names.join('.'), fields: this.#structFields() }
  }

  #list(offset: number): ListExpr {
    const elements: Expr[] = []
    const optionals = new Set<number>()
    this.#commaSeparated(']', () => {
      if (this.#accept('?') !== undefined) optionals.add(elements.length)
      elements.push(this.#expression())
    })
    return { kind: 'list', offset, elements, optionals }
  }

  #mapEntries(): MapEntry[] {
    const entries: MapEntry[] = []
    this.#commaSeparated('}', () => {
      const isOptional = this.#accept('?') !== undefined
      const key = this.#expression()
      const { offset } = this.#expect(':')
      entries.push({ offset, key, value: this.#expression(), isOptional })
    })
    return entries
  }

  #structFields(): StructField[] {
    const fields: StructField[] = []
    this.#commaSeparated('}', () => {
      const isOptional = this.#accept('?') !== undefined
      const { kind, text } = this.#token
      if (kind !== 'identifier' && kind !== 'quoted identifier') this.#unexpected('IDENTIFIER')
      this.#fieldName()
      const { offset } = this.#expect(':')
      const name = kind === 'identifier' ? text : text.slice(1, -1)
      fields.push({ offset, name, value: this.#expression(), isOptional })
    })
    return fields
  }

  /** Up to `close`; a comma may come before it, also when nothing else does. */
  #commaSeparated(close: string, readOne: () => void): void {
    if (this.#accept(',') !== undefined) {
      this.#expect(close)
      return
    }
    while (!this.#is(close)) {
      readOne()
      if (this.#accept(',') === undefined) break
    }
    this.#expect(close)
  }

  #number({ kind, text, offset }: Token): CelValue {
    if (kind === 'double') {
      const value = Number(text)
      return Number.isFinite(value) ? value : this.#fail(offset, 'invalid double literal')
    }
    if (kind === 'uint') {
      const value = BigInt(text.slice(0, -1))
      return value <= MAX_UINT ? new CelUint(value) : this.#fail(offset, 'invalid uint literal')
    }
    const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
    return value >= MIN_INT && value <= MAX_INT ? value : this.#fail(offset, 'invalid int literal')
  }

  #text({ kind, text, offset }: Token): CelValue {
    try {
      return kind === 'string' ? stringLiteral(text) : bytesLiteral(text)
    } catch (err: unknown) {
      return this.#fail(offset, (err as Error).message)
    }
  }
}

function startsOperand({ kind, text }: Token): boolean {
  return kind === 'symbol' ? OPERAND_SYMBOLS.has(text) : kind !== 'quoted identifier' && kind !== 'end'
}

function operator(name: string, offset: number, ...args: Expr[]): CallExpr {
  return { kind: 'call', offset, name, target: undefined, args }
}

function balanced(name: string, terms: readonly Expr[], offsets: readonly number[]): Expr {
  const build = (from: number, to: number): Expr => {
    if (from === to) return terms[from] as Expr
    const middle = Math.floor((from + to) / 2)
    return operator(name, offsets[middle] ?? 0, build(from, middle), build(middle + 1, to))
  }
  return build(0, terms.length - 1)
}
