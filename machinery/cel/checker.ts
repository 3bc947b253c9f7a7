/**
 * Finds what names mean and which overloads a call may have, and the type of everything. Upstream: cel-go
 * checker/{checker,env,errors}.go. Differs: no containers, no messages to construct.
 */
import {
  type CallExpr,
  type ComprehensionExpr,
  type Expr,
  type ListExpr,
  type MapExpr,
  qualifiedName,
  type SelectExpr,
} from './ast.ts'
import type { Overload } from './functions.ts'
import { ISSUES_MAX, type Issue } from './source.ts'
import {
  BOOL,
  BYTES,
  type CelType,
  DOUBLE,
  DYN,
  ERROR_TYPE,
  formatType,
  INT,
  isOptionalType,
  isSameType,
  listType,
  mapType,
  mostGeneral,
  NULL_TYPE,
  optionalType,
  parameterType,
  renameParameters,
  STRING,
  Substitutions,
  typeType,
  UINT,
} from './types.ts'
import { CelUint, type CelValue } from './values.ts'

export interface Declarations {
  variable(name: string): CelType | undefined
  /** A type that can be written as a value. */
  type(name: string): CelType | undefined
  overloads(name: string): readonly Overload[] | undefined
  /** Whether lists and maps may be written with values of different types. */
  readonly allowsMixedLiterals: boolean
}

/** A variable of a fold, and where the evaluator keeps it. */
export interface LocalVariable {
  readonly kind: 'local'
  readonly name: string
  readonly type: CelType
  readonly slot: number
}

interface NameReference {
  readonly kind: 'variable' | 'type'
  readonly name: string
  readonly type: CelType
}

export type Reference =
  | LocalVariable
  | NameReference
  | { readonly kind: 'call'; readonly overloads: readonly Overload[]; readonly args: readonly Expr[] }

export interface FoldSlots {
  readonly accumulator: number
  readonly variable: number
  readonly secondVariable: number | undefined
}

export interface CheckedExpr {
  readonly expr: Expr
  readonly type: CelType
  readonly references: ReadonlyMap<Expr, Reference>
  readonly folds: ReadonlyMap<Expr, FoldSlots>
  readonly slots: number
  /** Of every part. */
  readonly types: ReadonlyMap<Expr, CelType>
}

interface Scope {
  readonly variables: readonly LocalVariable[]
  readonly outer: Scope | undefined
}

export function check(expr: Expr, declarations: Declarations, issues: Issue[]): CheckedExpr {
  return new Checker(declarations, issues).run(expr)
}

class Checker {
  readonly #declarations: Declarations
  readonly #issues: Issue[]
  readonly #substitutions = new Substitutions()
  readonly #references = new Map<Expr, Reference>()
  readonly #folds = new Map<Expr, FoldSlots>()
  readonly #types = new Map<Expr, CelType>()
  #scope: Scope | undefined
  #slots = 0
  #parameters = 0

  constructor(declarations: Declarations, issues: Issue[]) {
    this.#declarations = declarations
    this.#issues = issues
  }

  run(expr: Expr): CheckedExpr {
    const type = this.#substitutions.apply(this.#check(expr), true)
    for (const [part, partType] of this.#types) this.#types.set(part, this.#substitutions.apply(partType, true))
    return { expr, type, references: this.#references, folds: this.#folds, slots: this.#slots, types: this.#types }
  }

  #report({ offset }: { readonly offset: number }, message: string): CelType {
    if (this.#issues.length < ISSUES_MAX) this.#issues.push({ offset, message })
    return ERROR_TYPE
  }

  #check(expr: Expr): CelType {
    const type = this.#typeOf(expr)
    this.#types.set(expr, type)
    return type
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value)
      case 'ident':
        return this.#resolve(expr, expr.name) ?? this.#undeclared(expr, expr.name)
      case 'select':
        return this.#select(expr)
      case 'call':
        return this.#call(expr)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'comprehension':
        return this.#fold(expr)
      case 'struct':
        for (const { value } of expr.fields) this.#check(value)
        return this.#undeclared(expr, expr.typeName)
    }
  }

  #undeclared(at: Expr, name: string): CelType {
    return this.#report(at, `undeclared reference to '${name}' (in container '')`)
  }

  /** What a name means here: the innermost variable of a fold, a variable, a type. */
  #resolve(expr: Expr, name: string): CelType | undefined {
    const reference = name.startsWith('.') ? this.#global(name.slice(1)) : (this.#local(name) ?? this.#global(name))
    if (reference === undefined) return undefined
    this.#references.set(expr, reference)
    return reference.type
  }

  #local(name: string): LocalVariable | undefined {
    for (let scope = this.#scope; scope !== undefined; scope = scope.outer) {
      const found = scope.variables.find((variable) => variable.name === name)
      if (found !== undefined) return found
    }
    return undefined
  }

  #global(name: string): NameReference | undefined {
    const variable = this.#declarations.variable(name)
    if (variable !== undefined) return { kind: 'variable', name, type: variable }
    const type = this.#declarations.type(name)
    return type === undefined ? undefined : { kind: 'type', name: type.name, type: typeType(type) }
  }

  #select(expr: SelectExpr): CelType {
    const name = qualifiedName(expr)
    // The innermost name may be a variable of a fold, which then is not part of a longer name.
    if (name !== undefined && this.#local(name.slice(0, name.indexOf('.'))) === undefined) {
      const type = this.#resolve(expr, name)
      if (type !== undefined) return type
    }
    const field = this.#field(expr, expr.operand, expr.field, false)
    return expr.isTest ? BOOL : this.#substitutions.apply(field)
  }

  #field(at: Expr, operand: Expr, field: string, isOptional: boolean): CelType {
    const operandType = this.#substitutions.apply(this.#check(operand))
    const target = isOptionalType(operandType) ? (operandType.parameters[0] ?? DYN) : operandType
    const type = this.#fieldType(at, target, field)
    return isOptional || isOptionalType(operandType) ? optionalType(type) : type
  }

  #fieldType(at: Expr, target: CelType, field: string): CelType {
    switch (target.kind) {
      case 'map':
        return target.parameters[1] ?? DYN
      case 'object': {
        const fields = target.fields ?? {}
        const type = Object.hasOwn(fields, field) ? fields[field] : undefined
        return type ?? this.#report(at, `undefined field '${field}'`)
      }
      case 'parameter':
        this.#substitutions.isAssignable(DYN, target)
        return DYN
      case 'dyn':
      case 'error':
        return DYN
      default:
        this.#report(at, `type '${formatType(target)}' does not support field selection`)
        return DYN
    }
  }

  #call(expr: CallExpr): CelType {
    const { name, target, args } = expr
    if (name === '_?._') return this.#optionalSelect(expr)
    if (name === '_&&_' || name === '_||_') return this.#logical(expr)
    const types = args.map((arg) => this.#check(arg))
    if (target === undefined) return this.#overloaded(expr, plainName(name), args, types)
    // a.b.c(): the function a.b.c, if there is one; else c of a.b.
    const prefix = qualifiedName(target)
    const qualified = prefix === undefined ? '' : plainName(`${prefix}.${name}`)
    if (qualified !== '' && this.#declarations.overloads(qualified) !== undefined) {
      return this.#overloaded(expr, qualified, args, types)
    }
    const targetType = this.#check(target)
    return this.#overloaded(expr, name, [target, ...args], [targetType, ...types])
  }

  #logical(expr: CallExpr): CelType {
    let isRight = true
    for (const arg of expr.args) {
      const type = this.#check(arg)
      if (this.#substitutions.isAssignable(type, BOOL)) continue
      isRight = false
      this.#mismatch(arg, BOOL, type)
    }
    this.#references.set(expr, { kind: 'call', overloads: [], args: expr.args })
    return isRight ? BOOL : ERROR_TYPE
  }

  #optionalSelect(expr: CallExpr): CelType {
    const [operand = expr, field] = expr.args
    const name = field?.kind === 'literal' && typeof field.value === 'string' ? field.value : ''
    this.#references.set(expr, { kind: 'call', overloads: [], args: expr.args })
    return this.#substitutions.apply(this.#field(expr, operand, name, true))
  }

  #overloaded(expr: CallExpr, name: string, args: readonly Expr[], types: readonly CelType[]): CelType {
    const isMember = args.length > expr.args.length
    const declared = this.#declarations.overloads(name)
    if (declared === undefined) return this.#undeclared(expr, name)
    const matching: Overload[] = []
    let result: CelType | undefined
    for (const overload of declared) {
      if (overload.isMember !== isMember) continue
      const type = this.#tryOverload(overload, types)
      if (type === undefined) continue
      matching.push(overload)
      if (result === undefined) result = type
      else if (result.kind !== 'dyn' && !isSameType(result, type)) result = DYN
    }
    if (result === undefined) return this.#noOverload(expr, name, types, isMember)
    this.#references.set(expr, { kind: 'call', overloads: matching, args })
    return result
  }

  /** The result's type when the arguments fit. */
  #tryOverload({ parameters, result }: Overload, types: readonly CelType[]): CelType | undefined {
    if (parameters.length !== types.length) return undefined
    const prefix = `_var${this.#parameters++}_`
    const fresh = (type: CelType): CelType => renameParameters(type, (name) => prefix + name)
    if (!this.#substitutions.areAssignable(types, parameters.map(fresh))) return undefined
    return this.#substitutions.apply(fresh(result))
  }

  #noOverload(expr: Expr, name: string, types: readonly CelType[], isMember: boolean): CelType {
    const texts = types.map((type) => formatType(this.#substitutions.apply(type, true)))
    const applied = isMember ? `${texts[0]}.(${texts.slice(1).join(', ')})` : `(${texts.join(', ')})`
    return this.#report(expr, `found no matching overload for '${name}' applied to '${applied}'`)
  }

  #list({ elements, optionals }: ListExpr): CelType {
    let joined: CelType | undefined
    for (const [i, element] of elements.entries()) {
      const type = this.#check(element)
      joined = this.#join(element, joined, optionals.has(i) ? this.#unwrapped(element, type) : type)
    }
    return listType(joined ?? this.#newParameter())
  }

  #map({ entries }: MapExpr): CelType {
    let [keys, values]: (CelType | undefined)[] = []
    for (const { key, value, isOptional } of entries) {
      keys = this.#join(key, keys, this.#check(key))
      const type = this.#check(value)
      values = this.#join(value, values, isOptional ? this.#unwrapped(value, type) : type)
    }
    return mapType(keys ?? this.#newParameter(), values ?? this.#newParameter())
  }

  #unwrapped(at: Expr, type: CelType): CelType {
    if (isOptionalType(type)) return type.parameters[0] ?? DYN
    if (type.kind !== 'dyn') this.#mismatch(at, optionalType(type), type)
    return type
  }

  #join(at: Expr, previous: CelType | undefined, current: CelType): CelType {
    if (previous === undefined) return current
    if (this.#substitutions.isAssignable(previous, current)) return mostGeneral(previous, current)
    return this.#declarations.allowsMixedLiterals ? DYN : this.#mismatch(at, previous, current)
  }

  #mismatch(at: Expr, expected: CelType, found: CelType): CelType {
    const text = (type: CelType): string => formatType(this.#substitutions.apply(type))
    return this.#report(at, `expected type '${text(expected)}' but found '${text(found)}'`)
  }

  #newParameter(): CelType {
    return parameterType(`_var${this.#parameters++}`)
  }

  #newLocal(name: string, type: CelType): LocalVariable {
    return { kind: 'local', name, type, slot: this.#slots++ }
  }

  #fold(expr: ComprehensionExpr): CelType {
    const rangeType = this.#substitutions.apply(this.#check(expr.range))
    const accumulator = this.#newLocal(expr.accumulator, this.#check(expr.initial))
    const [first, second] = this.#rangeVariables(expr, rangeType)
    const variable = this.#newLocal(expr.variable, first)
    const secondVariable = expr.secondVariable === undefined ? undefined : this.#newLocal(expr.secondVariable, second)
    this.#folds.set(expr, {
      accumulator: accumulator.slot,
      variable: variable.slot,
      secondVariable: secondVariable?.slot,
    })
    const outer = this.#scope
    const around: Scope = { variables: [accumulator], outer }
    this.#scope = { variables: secondVariable === undefined ? [variable] : [variable, secondVariable], outer: around }
    this.#assert(expr.condition, BOOL)
    this.#assert(expr.step, accumulator.type)
    this.#scope = around
    const type = this.#check(expr.result)
    this.#scope = outer
    return this.#substitutions.apply(type)
  }

  #assert(expr: Expr, wanted: CelType): void {
    const type = this.#check(expr)
    if (!this.#substitutions.isAssignable(wanted, type)) this.#mismatch(expr, wanted, type)
  }

  /** Types of the first variable and the second, if the fold has one. */
  #rangeVariables(expr: ComprehensionExpr, range: CelType): [CelType, CelType] {
    const [first = DYN, second = DYN] = range.parameters
    switch (range.kind) {
      case 'list':
        return expr.secondVariable === undefined ? [first, first] : [INT, first]
      case 'map':
        return [first, second]
      case 'dyn':
      case 'error':
      case 'parameter':
        this.#substitutions.isAssignable(DYN, range)
        return [DYN, DYN]
      default:
        this.#report(
          expr.range,
          `expression of type '${formatType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        )
        return [ERROR_TYPE, ERROR_TYPE]
    }
  }
}

const plainName = (name: string): string => (name.startsWith('.') ? name.slice(1) : name)

function literalType(value: CelValue): CelType {
  switch (typeof value) {
    case 'boolean':
      return BOOL
    case 'bigint':
      return INT
    case 'number':
      return DOUBLE
    case 'string':
      return STRING
    default:
      if (value === null) return NULL_TYPE
      return value instanceof CelUint ? UINT : BYTES
  }
}
