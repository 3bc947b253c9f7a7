// Parse tree → closures. Upstream: text/template/exec.go; each closure mirrors one of its eval functions and
// sets `state.node` where Go calls s.at, because error positions depend on the node visited last.

import { sprintf } from '../gofmt/printf.ts'
import { formatValue } from '../gofmt/print.ts'
import { quote } from '../gofmt/quote.ts'
import type { GoError } from '../gotypes/error.ts'
import { typeOf } from '../gotypes/kind.ts'
import { isTrue } from '../gotypes/truth.ts'
import { compareBytes } from '../gotypes/utf8.ts'
import { GoFunc, GoInt, GoObject, type GoValue, int, sliceItems } from '../gotypes/value.ts'
import { CallCompiler } from './call.ts'
import { execError } from './errors.ts'
import { FieldError, getField, isMethod } from './field.ts'
import type { FunctionTable } from './functions.ts'
import type { ArgNode, BranchNode, CommandNode, ListNode, Node, PipeNode, StatementNode } from './nodes.ts'
import { nodeText } from './nodes.ts'
import type { Tree } from './parse.ts'
import type { State } from './state.ts'

export type Program = (state: State, data: GoValue) => void
export type Expression = (state: State, dot: GoValue, vars: GoValue[]) => GoValue
/** The value piped in is the fourth argument; whether there is one is known when compiling. */
export type Command = (state: State, dot: GoValue, vars: GoValue[], final: GoValue) => GoValue
type Statement = (state: State, dot: GoValue, vars: GoValue[]) => Flow

type Flow = 0 | 1 | 2
const NEXT: Flow = 0
const BREAK: Flow = 1
const CONTINUE: Flow = 2

export function compileTree(tree: Tree, functions: FunctionTable): Program {
  const body = new Compiler(tree, functions).list(tree.root)
  return (state, data) => {
    body(state, data, [data])
  }
}

export class Compiler {
  readonly tree: Tree
  readonly functions: FunctionTable
  readonly #calls: CallCompiler

  constructor(tree: Tree, functions: FunctionTable) {
    this.tree = tree
    this.functions = functions
    this.#calls = new CallCompiler(this)
  }

  fail(state: State, message: string, cause?: GoError): never {
    throw execError(this.tree.source, this.tree.name, state.node ?? this.tree.root, message, cause)
  }

  list(list: ListNode): Statement {
    const statements = list.nodes.map((node) => this.#statement(node))
    const [first, second] = statements
    if (first === undefined) return () => NEXT
    if (second === undefined) return first
    return (state, dot, vars) => {
      for (let i = 0; i < statements.length; i++) {
        const flow = (statements[i] as Statement)(state, dot, vars)
        if (flow !== NEXT) return flow
      }
      return NEXT
    }
  }

  #statement(node: StatementNode): Statement {
    switch (node.type) {
      case 'text': {
        const { text } = node
        return (state) => {
          state.write(text)
          return NEXT
        }
      }
      case 'action':
        return this.#action(node, node.pipe)
      case 'template':
        return this.#template(node, node.name, node.pipe)
      case 'break':
        return () => BREAK
      case 'continue':
        return () => CONTINUE
      case 'range':
        return this.#range(node)
      default:
        return this.#branch(node)
    }
  }

  #action(node: Node, pipe: PipeNode): Statement {
    const value = this.pipe(pipe)
    if (pipe.decls.length > 0) {
      return (state, dot, vars) => {
        state.step()
        state.node = node
        value(state, dot, vars)
        return NEXT
      }
    }
    return (state, dot, vars) => {
      state.step()
      state.node = node
      const result = value(state, dot, vars)
      if (typeof result === 'string') state.write(result)
      else state.write(this.#printed(state, node, result))
      return NEXT
    }
  }

  #printed(state: State, node: Node, value: GoValue): string {
    if (value === undefined || value === null) return '<no value>'
    if (value instanceof GoFunc) {
      state.node = node
      this.fail(state, `can't print ${nodeText(node)} of type ${typeOf(value)}`)
    }
    return formatValue(value)
  }

  #branch(node: BranchNode): Statement {
    const condition = this.pipe(node.pipe)
    const list = this.list(node.list)
    const otherwise = node.elseList === undefined ? undefined : this.list(node.elseList)
    const isWith = node.type === 'with'
    return (state, dot, vars) => {
      state.step()
      state.node = node
      const value = condition(state, dot, vars)
      if (isTrue(value)) return list(state, isWith ? value : dot, vars)
      return otherwise === undefined ? NEXT : otherwise(state, dot, vars)
    }
  }

  #range(node: BranchNode): Statement {
    const pipe = this.pipe(node.pipe, true)
    const list = this.list(node.list)
    const otherwise = node.elseList === undefined ? undefined : this.list(node.elseList)
    const slots = node.pipe.decls.map((decl) => decl.slot)
    const keySlot = slots.length === 2 ? slots[0] : undefined
    const valueSlot = slots[slots.length - 1]
    return (state, dot, vars) => {
      state.step()
      state.node = node
      const value = pipe(state, dot, vars)
      const one = (key: GoValue, element: GoValue): Flow => {
        state.step()
        if (valueSlot !== undefined) vars[valueSlot] = element
        if (keySlot !== undefined) vars[keySlot] = key
        return list(state, element, vars)
      }
      const count = this.#iterate(state, value, one)
      if (count > 0 || otherwise === undefined) return NEXT
      return otherwise(state, dot, vars)
    }
  }

  /** Number of elements visited. */
  #iterate(state: State, value: GoValue, one: (key: GoValue, element: GoValue) => Flow): number {
    if (value instanceof Map) return iterateMap(value, one)
    const items = sliceItems(value)
    if (items !== undefined) {
      let i = 0
      for (; i < items.length; i++) if (one(int(i), items[i]) === BREAK) return i + 1
      return i
    }
    if (value === null || value === undefined) return 0
    if (value instanceof GoObject && value.kind !== 'struct') return iterateObject(value, one)
    if (value instanceof GoInt) {
      for (let i = 0n; i < value.value; i++) {
        const element = new GoInt(i, value.kind)
        if (one(element, element) === BREAK) break
      }
      return value.value > 0n ? 1 : 0
    }
    this.fail(state, `range can't iterate over ${formatValue(value)}`)
  }

  #template(node: Node, name: string, pipe: PipeNode | undefined): Statement {
    const data = pipe === undefined ? undefined : this.pipe(pipe)
    return (state, dot, vars) => {
      state.step()
      state.node = node
      const template = state.templates.get(name)
      if (template === undefined) this.fail(state, `template ${quote(name)} not defined`)
      const value = data?.(state, dot, vars)
      const depth = (state.includeDepth.get(name) ?? 0) + 1
      if (depth > state.environment.limits.depth * 10)
        this.fail(state, `exceeded maximum template depth (${state.environment.limits.depth * 10})`)
      state.includeDepth.set(name, depth)
      template.execute(state, value)
      state.includeDepth.set(name, depth - 1)
      state.node = node
      return NEXT
    }
  }

  /** In a range clause the variables are set per element, not to the whole value. */
  pipe(pipe: PipeNode, isRange = false): Expression {
    const commands = pipe.commands.map((command, i) => this.#command(command, i > 0))
    const [first, second] = commands as [Command, Command | undefined]
    const slot = isRange || pipe.decls.length === 0 ? undefined : pipe.decls[pipe.decls.length - 1]?.slot
    let run: Expression
    if (second === undefined) {
      run = (state, dot, vars) => {
        state.node = pipe
        const value = first(state, dot, vars, undefined)
        return value === null ? undefined : value
      }
    } else {
      run = (state, dot, vars) => {
        state.node = pipe
        let value: GoValue
        for (let i = 0; i < commands.length; i++) {
          value = (commands[i] as Command)(state, dot, vars, value)
          if (value === null) value = undefined
        }
        return value
      }
    }
    if (slot === undefined) return run
    return (state, dot, vars) => {
      const value = run(state, dot, vars)
      vars[slot] = value
      return value
    }
  }

  #command(command: CommandNode, hasFinal: boolean): Command {
    const first = command.args[0] as ArgNode
    const rest = command.args.slice(1)
    switch (first.type) {
      case 'field':
        return this.fieldChain(first, first.ident, undefined, rest, hasFinal)
      case 'chain':
        return this.#chain(first, rest, hasFinal)
      case 'identifier':
        return this.#calls.identifier(first, command, rest, hasFinal)
      case 'variable':
        return this.#variable(first, rest, hasFinal)
      case 'pipe': {
        if (rest.length > 0 || hasFinal) return this.#notAFunction(first)
        return this.pipe(first)
      }
      default:
        if (rest.length > 0 || hasFinal) return this.#notAFunction(first)
        return this.literal(first)
    }
  }

  #notAFunction(node: ArgNode): Command {
    return (state) => {
      state.node = node
      this.fail(state, `can't give argument to non-function ${nodeText(node)}`)
    }
  }

  literal(node: ArgNode): Expression {
    switch (node.type) {
      case 'bool':
      case 'string': {
        const { value } = node
        return (state) => {
          state.node = node
          return value
        }
      }
      case 'dot':
        return (state, dot) => {
          state.node = node
          return dot
        }
      case 'number': {
        const { ideal } = node
        return (state) => {
          state.node = node
          if (ideal === undefined) this.fail(state, `${node.text} overflows int`)
          return ideal
        }
      }
      default:
        return (state) => {
          state.node = node
          this.fail(
            state,
            node.type === 'nil' ? 'nil is not a command' : `can't evaluate command ${quote(nodeText(node))}`,
          )
        }
    }
  }

  /** Any operand with no expected type. */
  operand(node: ArgNode): Expression {
    switch (node.type) {
      case 'field':
        return this.fieldChain(node, node.ident, undefined, [], false) as Expression
      case 'chain':
        return this.#chain(node, [], false) as Expression
      case 'variable':
        return this.#variable(node, [], false) as Expression
      case 'identifier':
        return this.#calls.identifier(node, node, [], false) as Expression
      case 'pipe':
        return this.pipe(node)
      default:
        return this.literal(node)
    }
  }

  #variable(node: ArgNode & { type: 'variable' }, rest: readonly ArgNode[], hasFinal: boolean): Command {
    const { slot } = node
    if (node.ident.length > 1) {
      const receiver: Expression = (_state, _dot, vars) => vars[slot]
      return this.fieldChain(node, node.ident.slice(1), receiver, rest, hasFinal)
    }
    if (rest.length > 0 || hasFinal) return this.#notAFunction(node)
    return (state, _dot, vars) => {
      state.node = node
      return vars[slot]
    }
  }

  #chain(node: ArgNode & { type: 'chain' }, rest: readonly ArgNode[], hasFinal: boolean): Command {
    const inner = this.operand(node.node)
    if (node.node.type === 'nil') {
      return (state) => {
        state.node = node
        this.fail(state, `indirection through explicit nil in ${nodeText(node)}`)
      }
    }
    return this.fieldChain(node, node.fields, inner, rest, hasFinal)
  }

  fieldChain(
    node: ArgNode,
    names: readonly string[],
    receiver: Expression | undefined,
    rest: readonly ArgNode[],
    hasFinal: boolean,
  ): Command {
    const last = names.length - 1
    const methodCall = this.#calls.method(node, names[last] as string, rest, hasFinal)
    const takesArguments = rest.length > 0 || hasFinal
    return (state, dot, vars, final) => {
      state.node = node
      let value = receiver === undefined ? dot : receiver(state, dot, vars)
      state.node = node
      for (let i = 0; i <= last; i++) {
        const name = names[i] as string
        if (i < last || !takesArguments) {
          if (value instanceof Map) {
            const found: GoValue = value.get(name)
            if (found !== undefined) {
              value = found
              continue
            }
          }
        }
        const owner: GoValue = value
        value = this.#field(state, owner, name, i > 0)
        if (isMethod(owner, value)) {
          value = i < last ? this.#calls.callMethod(state, node, value) : methodCall(state, dot, vars, final, value)
        } else if (i === last && takesArguments) {
          this.#refuseArguments(state, owner, name)
        }
      }
      return value
    }
  }

  #field(state: State, receiver: GoValue, name: string, isInner: boolean): GoValue {
    try {
      return getField(receiver, { name, isInner, strict: state.environment.strict })
    } catch (error) {
      if (error instanceof FieldError) this.fail(state, error.message)
      throw error
    }
  }

  #refuseArguments(state: State, owner: GoValue, name: string): void {
    if (owner instanceof Map) this.fail(state, sprintf('%s is not a method but has arguments', [name]))
    if (owner instanceof GoObject) this.fail(state, `${name} has arguments but cannot be invoked as function`)
  }
}

function iterateMap(map: ReadonlyMap<string, GoValue>, one: (key: GoValue, element: GoValue) => Flow): number {
  const keys = [...map.keys()].sort(compareBytes)
  let count = 0
  for (const key of keys) {
    count++
    const element = map.get(key)
    if (one(key, element === undefined ? null : element) === BREAK) break
  }
  return count
}

function iterateObject(value: GoObject, one: (key: GoValue, element: GoValue) => Flow): number {
  if (value.kind === 'map') return iterateMap(value.fields, one)
  let index = 0
  for (const element of value.fields.values()) if (one(int(index++), element) === BREAK) break
  return index
}
