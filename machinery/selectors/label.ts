/**
 * Label selectors: the text form of `-l`, the LabelSelector object, and matching.
 * Upstream: apimachinery pkg/labels/selector.go, pkg/apis/meta/v1/helpers.go. Errors carry upstream's messages.
 */
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { LabelOperator, LabelRequirement } from './label-requirement.ts'
import { checkLabelKey, formatRequirement, newLabelRequirement, requirementMatches } from './label-requirement.ts'

export interface LabelSelectorMatcher {
  /** Selects everything. */
  readonly isEmpty: boolean
  readonly requirements: readonly LabelRequirement[]
  matches(labels: Readonly<Record<string, string>> | undefined): boolean
  /** Canonical text. */
  toString(): string
}

export const EVERYTHING: LabelSelectorMatcher = {
  isEmpty: true,
  requirements: [],
  matches: () => true,
  toString: () => '',
}

/** A nil LabelSelector object selects nothing. */
const NOTHING: LabelSelectorMatcher = {
  isEmpty: false,
  requirements: [],
  matches: () => false,
  toString: () => '',
}

/** Throws an Error with upstream's message. */
export function parseLabelSelector(text: string): LabelSelectorMatcher {
  if (text === '') return EVERYTHING
  return matcherOf(new Parser(text).parse())
}

/** Undefined selects nothing, an empty selector everything. Throws an Error with upstream's message. */
export function labelSelectorAsMatcher(selector: DeepReadonly<LabelSelector> | undefined): LabelSelectorMatcher {
  if (selector === undefined) return NOTHING
  return matcherOf(requirementsOf(selector))
}

/** The text form; `<none>` for undefined and `<error>` for an invalid selector, as kubectl prints them. */
export function formatLabelSelector(selector: DeepReadonly<LabelSelector> | undefined): string {
  try {
    const text = labelSelectorAsMatcher(selector).toString()
    return text === '' ? '<none>' : text
  } catch {
    return '<error>'
  }
}

/** Equality on every entry, unchecked: for selectors that were validated when stored (Service, ReplicationController). */
export function matcherOfSet(labels: Readonly<Record<string, string>> | undefined): LabelSelectorMatcher {
  if (labels === undefined) return EVERYTHING
  return matcherOf(Object.keys(labels).map((key) => ({ key, operator: '=', values: [labels[key] as string] })))
}

function matcherOf(unsorted: readonly LabelRequirement[]): LabelSelectorMatcher {
  if (unsorted.length === 0) return EVERYTHING
  const requirements = [...unsorted].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return {
    isEmpty: false,
    requirements,
    matches(labels) {
      for (const requirement of requirements) if (!requirementMatches(requirement, labels)) return false
      return true
    },
    toString: () => requirements.map(formatRequirement).join(','),
  }
}

const OBJECT_OPERATORS = new Map<string, LabelOperator>([
  ['In', 'in'],
  ['NotIn', 'notin'],
  ['Exists', 'exists'],
  ['DoesNotExist', '!'],
])

function requirementsOf(selector: DeepReadonly<LabelSelector>): LabelRequirement[] {
  const labels = selector.matchLabels ?? {}
  const requirements = Object.keys(labels).map((key) => newLabelRequirement(key, '=', [labels[key] as string]))
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const parsed = OBJECT_OPERATORS.get(operator)
    if (parsed === undefined) throw new Error(`${JSON.stringify(operator)} is not a valid label selector operator`)
    requirements.push(newLabelRequirement(key, parsed, values ?? []))
  }
  return requirements
}

type TokenKind = 'end' | 'error' | 'identifier' | 'in' | 'notin' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<'

interface Token {
  readonly kind: TokenKind
  readonly text: string
}

const SPACE = /[ \t\r\n]/
const SYMBOL = /[=!(),><]/
const SYMBOLS: ReadonlySet<string> = new Set(['(', ')', ',', '!', '=', '==', '!=', '>', '<'])
const BINARY_OPERATORS = 'in, notin, =, ==, !=, gt, lt'

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const character = text.charAt(at)
    if (SPACE.test(character)) {
      at++
    } else if (SYMBOL.test(character)) {
      const pair = text.slice(at, at + 2)
      const symbol = SYMBOLS.has(pair) ? pair : character
      tokens.push({ kind: symbol as TokenKind, text: symbol })
      at += symbol.length
    } else {
      const start = at
      while (at < text.length && !SPACE.test(text.charAt(at)) && !SYMBOL.test(text.charAt(at))) at++
      const word = text.slice(start, at)
      tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word })
    }
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

/** Upstream's grammar, error for error: the messages are part of what clients see. */
class Parser {
  readonly #tokens: readonly Token[]
  #position = 0

  constructor(text: string) {
    this.#tokens = tokenize(text)
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = []
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'end') return requirements
      if (token.kind !== 'identifier' && token.kind !== '!') {
        throw new Error(`found '${token.text}', expected: !, identifier, or 'end of string'`)
      }
      requirements.push(this.#wrappedRequirement())
      const separator = this.#next()
      if (separator.kind === 'end') return requirements
      if (separator.kind !== ',') throw new Error(`found '${separator.text}', expected: ',' or 'end of string'`)
      const following = this.#peek()
      if (following.kind !== 'identifier' && following.kind !== '!') {
        throw new Error(`found '${following.text}', expected: identifier after ','`)
      }
    }
  }

  /** Keywords are plain identifiers everywhere but in operator position. */
  #peek(): Token {
    const token = this.#tokens[this.#position] ?? { kind: 'end', text: '' }
    return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token
  }

  #next(): Token {
    const token = this.#peek()
    this.#position++
    return token
  }

  #wrappedRequirement(): LabelRequirement {
    try {
      return this.#requirement()
    } catch (err) {
      throw new Error(`unable to parse requirement: ${err instanceof Error ? err.message : String(err)}`)
    }
  }

  #requirement(): LabelRequirement {
    let token = this.#next()
    const isNegated = token.kind === '!'
    if (isNegated) token = this.#next()
    if (token.kind !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`)
    const key = token.text
    checkLabelKey(key)
    if (isNegated) return newLabelRequirement(key, '!', [])
    const following = this.#peek().kind
    if (following === 'end' || following === ',') return newLabelRequirement(key, 'exists', [])
    const operator = this.#operator()
    const isSet = operator === 'in' || operator === 'notin'
    return newLabelRequirement(key, operator, isSet ? this.#values() : [this.#exactValue()])
  }

  #operator(): LabelOperator {
    const token = this.#tokens[this.#position++] ?? { kind: 'end', text: '' }
    switch (token.kind) {
      case 'in':
      case 'notin':
      case '=':
      case '==':
      case '!=':
        return token.kind
      case '>':
        return 'gt'
      case '<':
        return 'lt'
      default:
        throw new Error(`found '${token.text}', expected: ${BINARY_OPERATORS}`)
    }
  }

  #exactValue(): string {
    const token = this.#peek()
    if (token.kind === 'end' || token.kind === ',') return ''
    this.#position++
    if (token.kind !== 'identifier') throw new Error(`found '${token.text}', expected: identifier`)
    return token.text
  }

  #values(): string[] {
    const open = this.#next()
    if (open.kind !== '(') throw new Error(`found '${open.text}' expected: '('`)
    const first = this.#peek()
    if (first.kind === ')') {
      this.#position++
      return ['']
    }
    if (first.kind !== 'identifier' && first.kind !== ',') {
      throw new Error(`found '${first.text}', expected: ',', ')' or identifier`)
    }
    const values = this.#identifiers()
    if (this.#next().kind !== ')') throw new Error(`found '${first.text}', expected: ')'`)
    return [...values].sort()
  }

  #identifiers(): Set<string> {
    const values = new Set<string>()
    for (;;) {
      const token = this.#next()
      if (token.kind === 'identifier') {
        values.add(token.text)
        const following = this.#peek()
        if (following.kind === ')') return values
        if (following.kind !== ',') throw new Error(`found '${following.text}', expected: ',' or ')'`)
      } else if (token.kind === ',') {
        if (values.size === 0) values.add('')
        const following = this.#peek()
        if (following.kind === ')') return values.add('')
        if (following.kind === ',') values.add('')
      } else {
        throw new Error(`found '${token.text}', expected: ',', or identifier`)
      }
    }
  }
}
