/** Text → tokens by the grammar of cel-spec. Upstream: cel-go parser/gen/CEL.g4. Whitespace and comments leave no trace. */
import type { Issue, Source } from './source.ts'

export type TokenKind =
  | 'identifier'
  | 'quoted identifier'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'symbol'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly offset: number
}

const WORD_SYMBOLS: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null'])
const SYMBOLS = /(?:==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%])/y
const NUMBER =
  /(0x[0-9a-fA-F]+[uU]?)|((?:\d+\.\d+(?:[eE][+-]?\d+)?)|(?:\d+[eE][+-]?\d+)|(?:\.\d+(?:[eE][+-]?\d+)?))|(\d+[uU]?)/y
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y
const QUOTED = /`[A-Za-z0-9_.\-/ ]+`/y
const SKIPPED = /(?:[\t \r\n\f]+|\/\/[^\n]*)/y
const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?${'`'}]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`
const STRING_FORMS = [
  String.raw`[rR]"""[\s\S]*?"""`,
  String.raw`[rR]'''[\s\S]*?'''`,
  String.raw`[rR]"[^"\n\r]*"`,
  String.raw`[rR]'[^'\n\r]*'`,
  String.raw`"""(?:${ESCAPE}|[^\\])*?"""`,
  String.raw`'''(?:${ESCAPE}|[^\\])*?'''`,
  String.raw`"(?:${ESCAPE}|[^\\"\n\r])*"`,
  String.raw`'(?:${ESCAPE}|[^\\'\n\r])*'`,
]
const STRING = new RegExp(`([bB])?(?:${STRING_FORMS.join('|')})`, 'y')

/** What is no token becomes an issue and is passed over, as upstream's lexer does; always ends with an 'end' token. */
export function tokenize(source: Source, issues: Issue[]): Token[] {
  const { text } = source
  const tokens: Token[] = []
  const offsets = new OffsetCounter(text)
  let at = 0
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    return pattern.exec(text)
  }
  while (at < text.length) {
    const skipped = match(SKIPPED)
    if (skipped !== null) {
      at += skipped[0].length
      continue
    }
    const token = nextToken(match)
    const offset = offsets.at(at)
    if (token === undefined) {
      const broken = brokenText(text, at)
      issues.push({ offset, message: `Syntax error: token recognition error at: '${broken}'` })
      at += broken.length
      continue
    }
    tokens.push({ ...token, offset })
    at += token.text.length
  }
  tokens.push({ kind: 'end', text: '<EOF>', offset: offsets.at(text.length) })
  return tokens
}

function nextToken(match: (pattern: RegExp) => RegExpExecArray | null): Omit<Token, 'offset'> | undefined {
  const string = match(STRING)
  if (string !== null) return { kind: string[1] === undefined ? 'string' : 'bytes', text: string[0] }
  const word = match(WORD)?.[0]
  if (word !== undefined) return { kind: WORD_SYMBOLS.has(word) ? 'symbol' : 'identifier', text: word }
  const number = match(NUMBER)
  if (number !== null) {
    const text = number[0]
    if (number[2] !== undefined) return { kind: 'double', text }
    return { kind: /[uU]$/.test(text) ? 'uint' : 'int', text }
  }
  const quoted = match(QUOTED)
  if (quoted !== null) return { kind: 'quoted identifier', text: quoted[0] }
  const symbol = match(SYMBOLS)
  return symbol === null ? undefined : { kind: 'symbol', text: symbol[0] }
}

/** A lone `|`, `&` or `=` takes what follows it along, an unended string the rest of its line. */
function brokenText(text: string, at: number): string {
  const first = String.fromCodePoint(text.codePointAt(at) ?? 0)
  if (first === '|' || first === '&' || first === '=') return first + (text[at + 1] ?? '')
  if (first !== '"' && first !== "'") return first
  return /^.[^\n\r]*/u.exec(text.slice(at))?.[0] ?? first
}

/** UTF-16 index → code points before it, asked with rising indexes. */
class OffsetCounter {
  readonly #text: string
  #index = 0
  #points = 0

  constructor(text: string) {
    this.#text = text
  }

  at(index: number): number {
    while (this.#index < index) {
      this.#index += (this.#text.codePointAt(this.#index) ?? 0) > 0xffff ? 2 : 1
      this.#points++
    }
    return this.#points
  }
}
