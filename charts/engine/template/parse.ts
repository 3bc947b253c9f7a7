// Parser of Go's text/template. Upstream: text/template/parse/parse.go (Go 1.26: else with, break, continue).
// Variables are resolved to frame slots here: a slot is the variable's position in Go's variable stack.

import { quote, unquote } from '../gofmt/quote.ts'
import type { GoError } from '../gotypes/error.ts'
import { parseError, type Source } from './errors.ts'
import { lex, type Token, type TokenType } from './lex.ts'
import type { ArgNode, BranchNode, CommandNode, ListNode, Node, PipeNode, StatementNode } from './nodes.ts'
import { nodeText } from './nodes.ts'
import { numberNode } from './number.ts'

export interface Tree {
  readonly name: string
  readonly source: Source
  readonly root: ListNode
  readonly isEmpty: boolean
}

/** Templates defined by one text, the text's own tree included, in definition order. */
export function parse(name: string, text: string, hasFunction: (name: string) => boolean): Map<string, Tree> {
  const trees = new Map<string, Tree>()
  new Parser({ parseName: name, text }, lex(text), hasFunction, trees).parseFile(name)
  return trees
}

interface Stop {
  readonly type: 'end' | 'else'
  readonly pos: number
}

const COMMAND_STARTS = new Set<TokenType>([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
])

class Parser {
  readonly #source: Source
  readonly #tokens: readonly Token[]
  readonly #hasFunction: (name: string) => boolean
  readonly #trees: Map<string, Tree>
  #at = 0
  #vars: string[] = ['$']
  #rangeDepth = 0
  #actionLine = 0

  constructor(
    source: Source,
    tokens: readonly Token[],
    hasFunction: (name: string) => boolean,
    trees: Map<string, Tree>,
  ) {
    this.#source = source
    this.#tokens = tokens
    this.#hasFunction = hasFunction
    this.#trees = trees
  }

  parseFile(name: string): void {
    const nodes: StatementNode[] = []
    while (this.#peek().type !== 'eof') {
      if (this.#peek().type === 'leftDelim') {
        const mark = this.#at
        this.#next()
        const word = this.#nextNonSpace()
        if (word.type === 'keyword' && word.val === 'define') {
          this.#parseDefinition()
          continue
        }
        this.#at = mark
      }
      const node = this.#textOrAction()
      if (node.type === 'end' || node.type === 'else') throw this.#error(`unexpected ${stopText(node as Stop)}`)
      nodes.push(node as StatementNode)
    }
    this.#add(name, { type: 'list', pos: 0, nodes })
  }

  #add(name: string, root: ListNode): void {
    const isEmpty = isEmptyList(root)
    const existing = this.#trees.get(name)
    if (existing === undefined || existing.isEmpty) {
      this.#trees.set(name, { name, source: this.#source, root, isEmpty })
      return
    }
    if (!isEmpty) throw this.#error(`template: multiple definition of template ${quote(name)}`)
  }

  #error(message: string): GoError {
    const token = this.#tokens[Math.max(0, Math.min(this.#at - 1, this.#tokens.length - 1))]
    return parseError(this.#source.parseName, token?.line ?? 1, message)
  }

  #unexpected(token: Token, context: string): GoError {
    if (token.type === 'error') {
      let extra = ''
      if (this.#actionLine !== 0 && this.#actionLine !== token.line) {
        extra = ` in action started at ${this.#source.parseName}:${this.#actionLine}`
        if (token.val.endsWith(' action')) extra = extra.slice(' in action'.length)
      }
      return this.#error(token.val + extra)
    }
    return this.#error(`unexpected ${tokenText(token)} in ${context}`)
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }

  #nextNonSpace(): Token {
    let token = this.#next()
    while (token.type === 'space') token = this.#next()
    return token
  }

  #peekNonSpace(): Token {
    while (this.#peek().type === 'space') this.#at++
    return this.#peek()
  }

  #expect(types: readonly TokenType[], context: string): Token {
    const token = this.#nextNonSpace()
    if (!types.includes(token.type)) throw this.#unexpected(token, context)
    return token
  }

  #parseDefinition(): void {
    const vars = this.#vars
    const rangeDepth = this.#rangeDepth
    this.#vars = ['$']
    this.#rangeDepth = 0
    const context = 'define clause'
    const name = this.#templateName(context)
    this.#expect(['rightDelim'], context)
    const { list, stop } = this.#itemList()
    if (stop.type !== 'end') throw this.#error(`unexpected ${stopText(stop)} in ${context}`)
    this.#add(name, list)
    this.#vars = vars
    this.#rangeDepth = rangeDepth
  }

  #templateName(context: string): string {
    const token = this.#expect(['string', 'rawString'], context)
    const name = unquote(token.val)
    if (name === undefined) throw this.#error('invalid syntax')
    return name
  }

  #itemList(): { list: ListNode; stop: Stop } {
    const pos = this.#peekNonSpace().pos
    const nodes: StatementNode[] = []
    while (this.#peekNonSpace().type !== 'eof') {
      const node = this.#textOrAction()
      if (node.type === 'end' || node.type === 'else') return { list: { type: 'list', pos, nodes }, stop: node as Stop }
      nodes.push(node as StatementNode)
    }
    throw this.#error('unexpected EOF')
  }

  #textOrAction(): StatementNode | Stop {
    const token = this.#nextNonSpace()
    if (token.type === 'text') return { type: 'text', pos: token.pos, text: token.val }
    if (token.type === 'leftDelim') {
      this.#actionLine = token.line
      const node = this.#action()
      this.#actionLine = 0
      return node
    }
    throw this.#unexpected(token, 'input')
  }

  #action(): StatementNode | Stop {
    const token = this.#nextNonSpace()
    if (token.type === 'keyword') {
      switch (token.val) {
        case 'block':
          return this.#block()
        case 'break':
        case 'continue':
          return this.#loopControl(token.val, token.pos)
        case 'else':
          return this.#else()
        case 'end':
          return { type: 'end', pos: this.#expect(['rightDelim'], 'end').pos }
        case 'if':
        case 'range':
        case 'with':
          return this.#control(token.val, token.pos)
        case 'template':
          return this.#template()
        default:
          break
      }
    }
    this.#at--
    const pos = this.#peek().pos
    return { type: 'action', pos, pipe: this.#pipeline('command', 'rightDelim') }
  }

  #loopControl(type: 'break' | 'continue', pos: number): StatementNode {
    const token = this.#nextNonSpace()
    if (token.type !== 'rightDelim') throw this.#unexpected(token, `{{${type}}}`)
    if (this.#rangeDepth === 0) throw this.#error(`{{${type}}} outside {{range}}`)
    return { type, pos }
  }

  #else(): Stop {
    const next = this.#peekNonSpace()
    if (next.type === 'keyword' && (next.val === 'if' || next.val === 'with')) return { type: 'else', pos: next.pos }
    return { type: 'else', pos: this.#expect(['rightDelim'], 'else').pos }
  }

  #control(type: BranchNode['type'], pos: number): BranchNode {
    const depth = this.#vars.length
    const pipe = this.#pipeline(type, 'rightDelim')
    if (type === 'range') this.#rangeDepth++
    const { list, stop } = this.#itemList()
    if (type === 'range') this.#rangeDepth--
    const elseList = stop.type === 'else' ? this.#elseList(type) : undefined
    this.#vars.length = depth
    return { type, pos, pipe, list, elseList }
  }

  #elseList(type: BranchNode['type']): ListNode {
    const next = this.#peek()
    if (type !== 'range' && next.type === 'keyword' && next.val === type) {
      this.#next()
      return { type: 'list', pos: next.pos, nodes: [this.#control(type, next.pos)] }
    }
    if (next.type === 'keyword') throw this.#unexpected(next, 'else')
    const { list, stop } = this.#itemList()
    if (stop.type !== 'end') throw this.#error(`expected end; found ${stopText(stop)}`)
    return list
  }

  #block(): StatementNode {
    const context = 'block clause'
    const token = this.#peekNonSpace()
    const name = this.#templateName(context)
    const pipe = this.#pipeline(context, 'rightDelim')
    const vars = this.#vars
    const rangeDepth = this.#rangeDepth
    this.#vars = ['$']
    this.#rangeDepth = 0
    const { list, stop } = this.#itemList()
    if (stop.type !== 'end') throw this.#error(`unexpected ${stopText(stop)} in ${context}`)
    this.#add(name, list)
    this.#vars = vars
    this.#rangeDepth = rangeDepth
    return { type: 'template', pos: token.pos, name, pipe }
  }

  #template(): StatementNode {
    const context = 'template clause'
    const token = this.#peekNonSpace()
    const name = this.#templateName(context)
    if (this.#peekNonSpace().type === 'rightDelim') {
      this.#next()
      return { type: 'template', pos: token.pos, name, pipe: undefined }
    }
    return { type: 'template', pos: token.pos, name, pipe: this.#pipeline(context, 'rightDelim') }
  }

  #pipeline(context: string, end: TokenType): PipeNode {
    const pos = this.#peekNonSpace().pos
    const { names, isAssign } = this.#declarations(context)
    const commands: CommandNode[] = []
    for (;;) {
      const token = this.#nextNonSpace()
      if (token.type === end) break
      if (!COMMAND_STARTS.has(token.type)) throw this.#unexpected(token, context)
      this.#at--
      commands.push(this.#command())
    }
    this.#checkPipeline(commands, context)
    // A declared name becomes visible after its own pipeline, as at run time in Go.
    const decls = names.map((name) => ({ name, slot: isAssign ? this.#slotOf(name) : this.#vars.push(name) - 1 }))
    return { type: 'pipe', pos, isAssign, decls, commands }
  }

  /** `$x :=`, `$x =`, and for range `$i, $e :=`. */
  #declarations(context: string): { names: string[]; isAssign: boolean } {
    const names: string[] = []
    const mark = this.#at
    for (;;) {
      const variable = this.#peekNonSpace()
      if (variable.type !== 'variable') break
      const before = this.#at
      this.#next()
      const next = this.#peekNonSpace()
      if (next.type === 'declare' || next.type === 'assign') {
        this.#next()
        names.push(variable.val)
        return { names, isAssign: next.type === 'assign' }
      }
      if (next.type === 'char' && next.val === ',') {
        this.#next()
        names.push(variable.val)
        if (context !== 'range' || names.length >= 2) throw this.#error(`too many declarations in ${context}`)
        const after = this.#peekNonSpace()
        if (after.type !== 'variable') throw this.#error('range can only initialize variables')
        continue
      }
      this.#at = names.length > 0 ? before : mark
      break
    }
    return { names: [], isAssign: false }
  }

  #checkPipeline(commands: readonly CommandNode[], context: string): void {
    if (commands.length === 0) throw this.#error(`missing value for ${context}`)
    commands.forEach((command, i) => {
      const first = command.args[0]
      if (i > 0 && first !== undefined && ['bool', 'dot', 'nil', 'number', 'string'].includes(first.type)) {
        throw this.#error(`non executable command in pipeline stage ${i + 1}`)
      }
    })
  }

  #slotOf(name: string): number {
    const slot = this.#vars.lastIndexOf(name)
    if (slot < 0) throw this.#error(`undefined variable ${quote(name)}`)
    return slot
  }

  #command(): CommandNode {
    const pos = this.#peekNonSpace().pos
    const args: ArgNode[] = []
    for (;;) {
      this.#peekNonSpace()
      const operand = this.#operand()
      if (operand !== undefined) args.push(operand)
      const token = this.#next()
      if (token.type === 'space') continue
      if (token.type === 'rightDelim' || token.type === 'rightParen') this.#at--
      else if (token.type !== 'pipe') throw this.#unexpected(token, 'operand')
      break
    }
    if (args.length === 0) throw this.#error('empty command')
    return { type: 'command', pos, args }
  }

  #operand(): ArgNode | undefined {
    const node = this.#term()
    if (node === undefined || this.#peek().type !== 'field') return node
    const pos = this.#peek().pos
    const fields: string[] = []
    while (this.#peek().type === 'field') fields.push(this.#next().val.slice(1))
    switch (node.type) {
      case 'field':
        return { type: 'field', pos, ident: [...node.ident, ...fields] }
      case 'variable':
        return { type: 'variable', pos, ident: [...node.ident, ...fields], slot: node.slot }
      case 'bool':
      case 'string':
      case 'number':
      case 'nil':
      case 'dot':
        throw this.#error(`unexpected . after term ${quote(nodeText(node as Node))}`)
      default:
        return { type: 'chain', pos, node, fields }
    }
  }

  #term(): ArgNode | undefined {
    const token = this.#nextNonSpace()
    const { pos, val } = token
    switch (token.type) {
      case 'identifier':
        if (!this.#hasFunction(val)) throw this.#error(`function ${quote(val)} not defined`)
        return { type: 'identifier', pos, name: val }
      case 'dot':
        return { type: 'dot', pos }
      case 'nil':
        return { type: 'nil', pos }
      case 'variable':
        return { type: 'variable', pos, ident: [val], slot: this.#slotOf(val) }
      case 'field':
        return { type: 'field', pos, ident: [val.slice(1)] }
      case 'bool':
        return { type: 'bool', pos, value: val === 'true' }
      case 'charConstant':
      case 'number':
        return this.#number(token)
      case 'leftParen':
        return this.#pipeline('parenthesized pipeline', 'rightParen')
      case 'string':
      case 'rawString':
        return this.#string(token)
      default:
        this.#at--
        return undefined
    }
  }

  #number(token: Token): ArgNode {
    const node = numberNode(token.val, token.pos, token.type === 'charConstant')
    if (node === undefined) {
      throw this.#error(
        token.type === 'charConstant'
          ? `malformed character constant: ${token.val}`
          : `illegal number syntax: ${quote(token.val)}`,
      )
    }
    return node
  }

  #string(token: Token): ArgNode {
    const value = unquote(token.val)
    if (value === undefined) throw this.#error('invalid syntax')
    return { type: 'string', pos: token.pos, quoted: token.val, value }
  }
}

function stopText(stop: Stop): string {
  return `{{${stop.type}}}`
}

function tokenText(token: Token): string {
  if (token.type === 'eof') return 'EOF'
  if (token.type === 'error') return token.val
  if (token.type === 'keyword' || token.type === 'dot' || token.type === 'nil') return `<${token.val}>`
  return token.val.length > 10 ? `${quote(token.val.slice(0, 10))}...` : quote(token.val)
}

function isEmptyList(list: ListNode): boolean {
  return list.nodes.every((node) => node.type === 'text' && /^[\s]*$/.test(node.text))
}
