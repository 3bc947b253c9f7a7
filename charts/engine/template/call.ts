// Function and method calls with Go's argument checking. Upstream: text/template/exec.go evalCall, evalArg,
// validateType.

import { isStackOverflow, toGoError } from '../gotypes/error.ts'
import { canBeNil, isAssignable, typeOf } from '../gotypes/kind.ts'
import { isTrue } from '../gotypes/truth.ts'
import { type GoFunc, GoInt, type GoValue, int, int64 } from '../gotypes/value.ts'
import type { Command, Compiler, Expression } from './compile.ts'
import { isStateful } from './functions.ts'
import type { ArgNode, Node } from './nodes.ts'
import { nodeText } from './nodes.ts'
import { LimitError, type State } from './state.ts'

type MethodCall = (state: State, dot: GoValue, vars: GoValue[], final: GoValue, method: GoFunc) => GoValue

export class CallCompiler {
  readonly #compiler: Compiler

  constructor(compiler: Compiler) {
    this.#compiler = compiler
  }

  identifier(
    node: ArgNode & { type: 'identifier' },
    command: Node,
    args: readonly ArgNode[],
    hasFinal: boolean,
  ): Command {
    const func = this.#compiler.functions.get(node.name)
    const compiler = this.#compiler
    if (func === undefined) {
      return (state): GoValue => {
        state.node = node
        return compiler.fail(state, `function ${JSON.stringify(node.name)} not defined`)
      }
    }
    const wrong = arityError(func, args.length, hasFinal)
    if (wrong !== undefined) {
      return (state): GoValue => {
        state.node = node
        return compiler.fail(state, wrong)
      }
    }
    if (func.name === 'and' || func.name === 'or') return this.#shortCircuit(func.name === 'or', node, args, hasFinal)
    return this.#call(func, node, command, args, hasFinal)
  }

  #call(func: GoFunc, node: Node, command: Node, args: readonly ArgNode[], hasFinal: boolean): Command {
    const compiled = args.map((arg, i) => this.argument(arg, paramType(func, i)))
    const finalType = paramType(func, args.length)
    const stateful = isStateful(func)
    const offset = stateful ? 1 : 0
    const count = compiled.length
    return (state, dot, vars, final) => {
      state.step()
      state.node = node
      const values: unknown[] = new Array(offset + count + (hasFinal ? 1 : 0))
      if (stateful) values[0] = state
      for (let i = 0; i < count; i++) values[offset + i] = (compiled[i] as Expression)(state, dot, vars)
      if (hasFinal) values[offset + count] = this.#check(state, final, finalType)
      return this.#invoke(state, func, command, values, offset)
    }
  }

  /** `offset`: how many leading values are not template arguments. */
  #invoke(state: State, func: GoFunc, command: Node, values: unknown[], offset = 0): GoValue {
    const { params } = func
    for (let i = offset; i < values.length; i++) {
      const value = values[i]
      if (value instanceof GoInt && paramTypeIsInt(params, i - offset)) values[i] = Number(value.value)
    }
    try {
      return wrapResult(func.result, func.impl(...values))
    } catch (error) {
      // Runaway recursion unwinds to an include, which names it.
      if (error instanceof LimitError || isStackOverflow(error)) throw error
      state.node = command
      const cause = toGoError(error)
      this.#compiler.fail(state, `error calling ${func.name}: ${cause.message}`, cause)
    }
  }

  #shortCircuit(stopOn: boolean, node: Node, args: readonly ArgNode[], hasFinal: boolean): Command {
    const compiled = args.map((arg) => this.argument(arg, 'reflect.Value'))
    return (state, dot, vars, final) => {
      state.step()
      state.node = node
      let value: GoValue
      for (let i = 0; i < compiled.length; i++) {
        value = (compiled[i] as Expression)(state, dot, vars)
        if (isTrue(value) === stopOn) return value
      }
      return hasFinal ? final : value
    }
  }

  /** A call of the method that turns out to be the last name of a field chain. */
  method(node: ArgNode, name: string, args: readonly ArgNode[], hasFinal: boolean): MethodCall {
    const byMethod = new WeakMap<GoFunc, Expression[]>()
    return (state, dot, vars, final, method) => {
      const wrong = arityError(method, args.length, hasFinal, name)
      if (wrong !== undefined) this.#compiler.fail(state, wrong)
      let compiled = byMethod.get(method)
      if (compiled === undefined) {
        compiled = args.map((arg, i) => this.argument(arg, paramType(method, i)))
        byMethod.set(method, compiled)
      }
      const values: unknown[] = compiled.map((arg) => arg(state, dot, vars))
      if (hasFinal) values.push(this.#check(state, final, paramType(method, args.length)))
      return this.#invoke(state, method, node, values)
    }
  }

  callMethod(state: State, node: Node, method: GoFunc): GoValue {
    const wrong = arityError(method, 0, false)
    if (wrong !== undefined) this.#compiler.fail(state, wrong)
    return this.#invoke(state, method, node, [])
  }

  /** An argument for a parameter of the given type; literals adapt to it, other values must fit. */
  argument(node: ArgNode, type: string): Expression {
    const compiler = this.#compiler
    switch (node.type) {
      case 'nil':
        return (state) => {
          state.node = node
          if (!canBeNil(type)) compiler.fail(state, `cannot assign nil to ${type}`)
          return null
        }
      case 'dot':
      case 'field':
      case 'variable':
      case 'pipe':
      case 'identifier':
      case 'chain': {
        const operand = compiler.operand(node)
        if (type === 'reflect.Value') return operand
        if (type === 'interface {}') {
          return (state, dot, vars) => {
            const value = operand(state, dot, vars)
            return value === undefined ? null : value
          }
        }
        return (state, dot, vars) => {
          state.node = node
          return this.#check(state, operand(state, dot, vars), type)
        }
      }
      default:
        return this.#literal(node, type)
    }
  }

  #literal(node: ArgNode & { type: 'bool' | 'string' | 'number' }, type: string): Expression {
    const compiler = this.#compiler
    if (type === 'interface {}' || type === 'reflect.Value') return compiler.literal(node)
    const value = literalFor(node, type)
    return (state) => {
      state.node = node
      if (value === undefined) compiler.fail(state, literalMismatch(node, type))
      return value
    }
  }

  #check(state: State, value: GoValue, type: string): GoValue {
    if (type === 'reflect.Value') return value
    if (value === undefined) {
      if (canBeNil(type)) return null
      this.#compiler.fail(state, `invalid value; expected ${type}`)
    }
    if (type === 'interface {}') return value
    if (value === null) this.#compiler.fail(state, `wrong type for value; expected ${type}; got interface {}`)
    if (!isAssignable(value, type)) {
      this.#compiler.fail(state, `wrong type for value; expected ${type}; got ${typeOf(value)}`)
    }
    return value
  }
}

function paramType(func: GoFunc, index: number): string {
  return func.params[Math.min(index, func.params.length - 1)] ?? 'interface {}'
}

/** Only parameters typed int take JS numbers; `any` parameters keep the GoInt. */
function paramTypeIsInt(params: readonly string[], index: number): boolean {
  return params[Math.min(index, params.length - 1)] === 'int'
}

function arityError(func: GoFunc, argCount: number, hasFinal: boolean, name = func.name): string | undefined {
  const given = argCount + (hasFinal ? 1 : 0)
  if (func.isVariadic) {
    const fixed = func.params.length - 1
    if (given < fixed) return `wrong number of args for ${name}: want at least ${fixed} got ${argCount}`
    if ((name === 'and' || name === 'or') && given < 1) return `wrong number of args for ${name}: want at least 1 got 0`
    return undefined
  }
  if (given !== func.params.length)
    return `wrong number of args for ${name}: want ${func.params.length} got ${argCount}`
  return undefined
}

function wrapResult(type: string, result: unknown): GoValue {
  if (type === 'int' && typeof result === 'number') return int(result)
  if (type === 'int64' && (typeof result === 'bigint' || typeof result === 'number')) return int64(result)
  return result as GoValue
}

function literalFor(node: ArgNode & { type: 'bool' | 'string' | 'number' }, type: string): GoValue {
  switch (type) {
    case 'string':
      return node.type === 'string' ? node.value : undefined
    case 'bool':
      return node.type === 'bool' ? node.value : undefined
    case 'int':
      return node.type === 'number' ? node.intValue : undefined
    case 'int64':
      return node.type === 'number' && node.intValue !== undefined ? int64(node.intValue.value) : undefined
    case 'float64':
      return node.type === 'number' ? node.floatValue : undefined
    default:
      return undefined
  }
}

function literalMismatch(node: ArgNode, type: string): string {
  const text = nodeText(node)
  if (type === 'string') return `expected string; found ${text}`
  if (type === 'bool') return `expected bool; found ${text}`
  if (type === 'int' || type === 'int64') return `expected integer; found ${text}`
  if (type === 'float64') return `expected float; found ${text}`
  return `can't handle ${text} for arg of type ${type}`
}
