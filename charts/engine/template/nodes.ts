// The parse tree and the source text of each node, as Go prints it in errors.

import { quote } from '../gofmt/quote.ts'
import type { GoInt } from '../gotypes/value.ts'

interface At {
  readonly pos: number
}

export interface NumberNode extends At {
  readonly type: 'number'
  readonly text: string
  readonly intValue: GoInt | undefined
  readonly isUint: boolean
  readonly floatValue: number | undefined
  /** What the constant is when nothing constrains its type. */
  readonly ideal: GoInt | number | undefined
}

export type ArgNode =
  | (At & { readonly type: 'identifier'; readonly name: string })
  | (At & { readonly type: 'variable'; readonly ident: readonly string[]; readonly slot: number })
  | (At & { readonly type: 'dot' })
  | (At & { readonly type: 'nil' })
  | (At & { readonly type: 'field'; readonly ident: readonly string[] })
  | (At & { readonly type: 'chain'; readonly node: ArgNode; readonly fields: readonly string[] })
  | (At & { readonly type: 'bool'; readonly value: boolean })
  | (At & { readonly type: 'string'; readonly quoted: string; readonly value: string })
  | NumberNode
  | PipeNode

export interface CommandNode extends At {
  readonly type: 'command'
  readonly args: readonly ArgNode[]
}

export interface PipeNode extends At {
  readonly type: 'pipe'
  readonly isAssign: boolean
  readonly decls: readonly { readonly name: string; readonly slot: number }[]
  readonly commands: readonly CommandNode[]
}

export interface ListNode extends At {
  readonly type: 'list'
  readonly nodes: readonly StatementNode[]
}

export interface BranchNode extends At {
  readonly type: 'if' | 'with' | 'range'
  readonly pipe: PipeNode
  readonly list: ListNode
  readonly elseList: ListNode | undefined
}

export type StatementNode =
  | (At & { readonly type: 'text'; readonly text: string })
  | (At & { readonly type: 'action'; readonly pipe: PipeNode })
  | (At & { readonly type: 'template'; readonly name: string; readonly pipe: PipeNode | undefined })
  | (At & { readonly type: 'break' | 'continue' })
  | BranchNode

export type Node = ArgNode | CommandNode | ListNode | StatementNode

export function nodeText(node: Node): string {
  switch (node.type) {
    case 'identifier':
      return node.name
    case 'variable':
      return node.ident.join('.')
    case 'dot':
      return '.'
    case 'nil':
      return 'nil'
    case 'field':
      return node.ident.map((name) => `.${name}`).join('')
    case 'chain':
      return (
        (node.node.type === 'pipe' ? `(${nodeText(node.node)})` : nodeText(node.node)) +
        node.fields.map((name) => `.${name}`).join('')
      )
    case 'bool':
      return String(node.value)
    case 'string':
      return node.quoted
    case 'number':
    case 'text':
      return node.text
    case 'pipe':
      return pipeText(node)
    case 'command':
      return node.args.map((arg) => (arg.type === 'pipe' ? `(${nodeText(arg)})` : nodeText(arg))).join(' ')
    case 'list':
      return node.nodes.map(nodeText).join('')
    case 'action':
      return `{{${nodeText(node.pipe)}}}`
    case 'template':
      return `{{template ${quote(node.name)}${node.pipe === undefined ? '' : ` ${nodeText(node.pipe)}`}}}`
    case 'break':
    case 'continue':
      return `{{${node.type}}}`
    default:
      return branchText(node)
  }
}

function pipeText(node: PipeNode): string {
  const decls =
    node.decls.length === 0 ? '' : `${node.decls.map((decl) => decl.name).join(', ')}${node.isAssign ? ' = ' : ' := '}`
  return decls + node.commands.map(nodeText).join(' | ')
}

function branchText(node: BranchNode): string {
  const otherwise = node.elseList === undefined ? '' : `{{else}}${nodeText(node.elseList)}`
  return `{{${node.type} ${nodeText(node.pipe)}}}${nodeText(node.list)}${otherwise}{{end}}`
}
