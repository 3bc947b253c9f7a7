/**
 * The most an expression can cost, told before it runs from how large its variables can be.
 * Upstream: cel-go checker/cost.go with the estimates of apiserver pkg/cel/library/cost.go. Differs: only the upper bound.
 */
import { type CallExpr, type ComprehensionExpr, type Expr, type ListExpr, type MapExpr, qualifiedName } from './ast.ts'
import type { CheckedExpr, Reference } from './checker.ts'
import { LIST_COST, MAP_COST, SELECT_COST } from './cost.ts'
import { type Argument, bounded, callEstimate, type EntrySizes, UNBOUNDED_COST } from './estimate-calls.ts'
import { codePointCount } from './text.ts'
import type { CelType } from './types.ts'

/**
 * The most elements, entries or characters something can have; undefined when that is not known. A path starts at a
 * variable: `['self', 'spec', 'names', '@items']`, with `@keys` and `@values` for maps.
 */
export type SizeOfPath = (path: readonly string[]) => number | undefined

export function estimateCost(checked: CheckedExpr, sizeOfPath: SizeOfPath): number {
  return new Estimator(checked, sizeOfPath).cost(checked.expr)
}

interface Local {
  readonly path: readonly string[]
  readonly size: number | undefined
  readonly entries: EntrySizes | undefined
}

const NO_PATH: readonly string[] = []
const SCALARS: ReadonlySet<string> = new Set([
  'bool',
  'double',
  'int',
  'uint',
  'google.protobuf.Duration',
  'google.protobuf.Timestamp',
])

class Estimator {
  readonly #references: ReadonlyMap<Expr, Reference>
  readonly #types: ReadonlyMap<Expr, CelType>
  readonly #sizeOfPath: SizeOfPath
  readonly #paths = new Map<Expr, readonly string[]>()
  readonly #sizes = new Map<Expr, number>()
  readonly #entries = new Map<Expr, EntrySizes>()
  readonly #locals = new Map<string, Local[]>()

  constructor({ references, types }: CheckedExpr, sizeOfPath: SizeOfPath) {
    this.#references = references
    this.#types = types
    this.#sizeOfPath = sizeOfPath
  }

  cost(expr: Expr): number {
    switch (expr.kind) {
      case 'literal':
      case 'struct':
        return 0
      case 'ident':
        this.#paths.set(expr, this.#local(expr.name)?.path ?? [expr.name])
        return SELECT_COST
      case 'select':
        return this.#select(expr)
      case 'call':
        return this.#call(expr)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'comprehension':
        return isBinding(expr) ? this.#binding(expr) : this.#fold(expr)
    }
  }

  #select(expr: Extract<Expr, { kind: 'select' }>): number {
    if (this.#references.get(expr)?.kind === 'variable') {
      this.#paths.set(expr, [qualifiedName(expr) ?? ''])
      return SELECT_COST
    }
    const cost = this.cost(expr.operand)
    if (expr.isTest) return cost
    this.#paths.set(expr, [...this.#pathOf(expr.operand), expr.field])
    const kind = this.#types.get(expr.operand)?.kind
    return kind === 'map' || kind === 'object' ? bounded(cost + SELECT_COST) : cost
  }

  #call(expr: CallExpr): number {
    const reference = this.#references.get(expr)
    if (reference?.kind !== 'call') return 0
    const args = reference.args.map((arg) => this.#argument(arg))
    const [first, second] = args
    if (expr.name === 'dyn' && first !== undefined) {
      this.#copySizes(expr, first.expr)
      return bounded(1 + first.cost)
    }
    const { cost, size } = callEstimate(expr, reference.overloads, args)
    if (expr.name === '_[_]' && first !== undefined) {
      this.#paths.set(expr, [...this.#pathOf(first.expr), first.type.kind === 'map' ? '@values' : '@items'])
      this.#setSize(expr, first.entries?.value ?? this.#sizeOf(expr))
    } else this.#setSize(expr, size ?? this.#sizeOf(expr))
    if (expr.name === '_?_:_') this.#joinEntries(expr, second, args[2])
    if (expr.name === '_+_') this.#joinEntries(expr, first, second)
    return cost
  }

  #argument(expr: Expr): Argument {
    const cost = this.cost(expr)
    return {
      expr,
      cost,
      type: this.#types.get(expr) ?? { kind: 'dyn', name: 'dyn', parameters: [] },
      size: this.#sizeOf(expr) ?? UNBOUNDED_COST,
      entries: this.#entriesOf(expr),
    }
  }

  #joinEntries(expr: Expr, a: Argument | undefined, b: Argument | undefined): void {
    if (a?.entries === undefined || b?.entries === undefined) return
    this.#entries.set(expr, {
      isList: a.entries.isList,
      key: Math.max(a.entries.key, b.entries.key),
      value: Math.max(a.entries.value, b.entries.value),
    })
  }

  #list(expr: ListExpr): number {
    let [cost, value] = [LIST_COST, 0]
    for (const element of expr.elements) {
      cost = bounded(cost + this.cost(element))
      value = Math.max(value, this.#sizeOf(element) ?? UNBOUNDED_COST)
    }
    this.#entries.set(expr, { isList: true, key: 1, value })
    return cost
  }

  #map(expr: MapExpr): number {
    let [cost, key, value] = [MAP_COST, 0, 0]
    for (const entry of expr.entries) {
      cost = bounded(cost + this.cost(entry.key) + this.cost(entry.value))
      key = Math.max(key, this.#sizeOf(entry.key) ?? UNBOUNDED_COST)
      value = Math.max(value, this.#sizeOf(entry.value) ?? UNBOUNDED_COST)
    }
    this.#entries.set(expr, { isList: false, key, value })
    return cost
  }

  /** A name for one value, made by a macro: a fold over nothing. */
  #binding(expr: ComprehensionExpr): number {
    const cost = this.cost(expr.range) + this.cost(expr.initial)
    this.#push(expr.accumulator, this.#localOf(expr.initial))
    const result = this.cost(expr.result)
    this.#copySizes(expr, expr.result)
    this.#pop(expr.accumulator)
    return bounded(cost + result)
  }

  #fold(expr: ComprehensionExpr): number {
    const outside = this.cost(expr.range) + this.cost(expr.initial)
    this.#push(expr.accumulator, { ...this.#localOf(expr.initial), path: NO_PATH })
    this.#pushVariables(expr)
    const turn = bounded(this.cost(expr.condition) + this.cost(expr.step))
    this.#pop(expr.variable)
    if (expr.secondVariable !== undefined) this.#pop(expr.secondVariable)
    const result = this.cost(expr.result)
    this.#pop(expr.accumulator)
    const count = this.#sizeOf(expr.range) ?? UNBOUNDED_COST
    const { kind } = expr.initial
    if (kind === 'literal') this.#setSize(expr, this.#sizeOf(expr.initial))
    if (kind === 'list' || kind === 'map') {
      this.#setSize(expr, count)
      const entries = this.#entriesOf(expr.step)
      if (entries !== undefined) this.#entries.set(expr, entries)
    }
    return bounded(outside + result + bounded(count * turn))
  }

  #pushVariables({ range, variable, secondVariable }: ComprehensionExpr): void {
    const entries = this.#entriesOf(range)
    const isList = entries?.isList ?? this.#types.get(range)?.kind === 'list'
    const path = this.#pathOf(range)
    const at = (part: string): readonly string[] => (path.length === 0 ? NO_PATH : [...path, part])
    const key: Local = { path: at(isList ? '@indices' : '@keys'), size: entries?.key, entries: undefined }
    const value: Local = { path: at(isList ? '@items' : '@values'), size: entries?.value, entries: undefined }
    if (secondVariable === undefined) this.#push(variable, isList ? value : key)
    else {
      this.#push(variable, key)
      this.#push(secondVariable, value)
    }
  }

  #localOf(expr: Expr): Local {
    return { path: this.#pathOf(expr), size: this.#sizeOf(expr), entries: this.#entriesOf(expr) }
  }

  #push(name: string, local: Local): void {
    this.#locals.set(name, [...(this.#locals.get(name) ?? []), local])
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop()
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1)
  }

  #pathOf(expr: Expr): readonly string[] {
    const local = expr.kind === 'ident' ? this.#local(expr.name) : undefined
    return local?.path ?? this.#paths.get(expr) ?? NO_PATH
  }

  #setSize(expr: Expr, size: number | undefined): void {
    if (size !== undefined) this.#sizes.set(expr, size)
  }

  #copySizes(expr: Expr, from: Expr): void {
    this.#setSize(expr, this.#sizeOf(from))
    const entries = this.#entriesOf(from)
    if (entries !== undefined) this.#entries.set(expr, entries)
  }

  #sizeOf(expr: Expr): number | undefined {
    const known = this.#sizes.get(expr) ?? sizeOfLiteral(expr)
    if (known !== undefined) return known
    const path = this.#pathOf(expr)
    const sized = path.length === 0 ? undefined : this.#sizeOfPath(path)
    if (sized !== undefined) return sized
    if (isScalar(this.#types.get(expr))) return 1
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined
  }

  #entriesOf(expr: Expr): EntrySizes | undefined {
    return this.#entries.get(expr) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.entries : undefined)
  }
}

function isBinding({ range, condition }: ComprehensionExpr): boolean {
  return (
    range.kind === 'list' && range.elements.length === 0 && condition.kind === 'literal' && condition.value === false
  )
}

function sizeOfLiteral(expr: Expr): number | undefined {
  if (expr.kind === 'list') return expr.elements.length
  if (expr.kind === 'map') return expr.entries.length
  if (expr.kind !== 'literal') return undefined
  if (typeof expr.value === 'string') return codePointCount(expr.value)
  return expr.value instanceof Uint8Array ? expr.value.length : 1
}

function isScalar(type: CelType | undefined): boolean {
  if (type?.kind === 'opaque' && type.name === 'optional_type') return isScalar(type.parameters[0])
  return type !== undefined && SCALARS.has(type.name)
}
