/**
 * Checked tree → closures. `&&`, `||`, `?:` and folds have the language's own rules: what decides wins over errors of what
 * does not. Upstream: cel-go interpreter/{planner,interpretable,attributes}.go. Differs: of constant parts
 * only lists and maps of literals are made once.
 */
import type { CallExpr, ComprehensionExpr, Expr, ListExpr, MapExpr, SelectExpr } from './ast.ts'
import type { CheckedExpr, FoldSlots, Reference } from './checker.ts'
import { type CostMeter, comparison, LIST_COST, MAP_COST, SELECT_COST } from './cost.ts'
import { equals } from './equality.ts'
import { acceptsAll, type Overload } from './functions.ts'
import { isOptionalType } from './types.ts'
import {
  ArrayList,
  CelList,
  CelMap,
  CelOptional,
  CelTypeValue,
  CelUint,
  type CelValue,
  EntryMap,
  EvaluationError,
  keyText,
  OPTIONAL_NONE,
  toCelValue,
  typeNameOf,
} from './values.ts'

/** What one evaluation works on. */
export interface Frame {
  readonly variables: Readonly<Record<string, unknown>>
  /** Of the variables of folds. An accumulator may hold an error, which is thrown when it is read. */
  readonly slots: (CelValue | EvaluationError)[]
  readonly meter: CostMeter
}

/** Throws EvaluationError and CostExceededError. */
export interface Step {
  (frame: Frame): CelValue
  /** The same with the EvaluationError as a value, where that spares a throw: folds may meet one at each element. */
  readonly attempt?: (frame: Frame) => CelValue | EvaluationError
}

function withAttempt(attempt: (frame: Frame) => CelValue | EvaluationError): Step {
  const step = (frame: Frame): CelValue => {
    const value = attempt(frame)
    if (value instanceof EvaluationError) throw value
    return value
  }
  return Object.assign(step, { attempt })
}

export function plan(checked: CheckedExpr): Step {
  return new Planner(checked).plan(checked.expr)
}

class Planner {
  readonly #references: ReadonlyMap<Expr, Reference>
  readonly #folds: ReadonlyMap<Expr, FoldSlots>

  constructor({ references, folds }: CheckedExpr) {
    this.#references = references
    this.#folds = folds
  }

  plan(expr: Expr): Step {
    const constant = constantOf(expr)
    if (constant !== undefined) return () => constant
    switch (expr.kind) {
      case 'literal':
        throw new Error('a literal is a constant')
      case 'ident':
        return this.#reference(this.#references.get(expr), expr.name)
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
        throw new Error(`the checker let the message ${expr.typeName} through`)
    }
  }

  #reference(reference: Reference | undefined, name: string): Step {
    switch (reference?.kind) {
      case 'local': {
        const { slot } = reference
        return withAttempt(({ slots, meter }) => {
          meter.add(SELECT_COST)
          return slots[slot] as CelValue | EvaluationError
        })
      }
      case 'variable':
        return variableStep(reference.name)
      case 'type': {
        const value = new CelTypeValue(reference.name)
        return ({ meter }) => {
          meter.add(SELECT_COST)
          return value
        }
      }
      default:
        throw new Error(`the checker left ${name} without a meaning`)
    }
  }

  #select(expr: SelectExpr): Step {
    const reference = this.#references.get(expr)
    if (reference !== undefined) return this.#reference(reference, expr.field)
    const operand = this.plan(expr.operand)
    const { field, isTest } = expr
    if (isTest) {
      return (frame) => {
        const found = optionalIndex(operand(frame), field)
        return found !== undefined
      }
    }
    return (frame) => {
      const value = operand(frame)
      frame.meter.add(SELECT_COST)
      return value instanceof CelOptional ? optionalMember(value, field) : index(value, field)
    }
  }

  #call(expr: CallExpr): Step {
    const reference = this.#references.get(expr)
    if (reference?.kind !== 'call') throw new Error(`the checker left the call of ${expr.name} without a meaning`)
    const args = reference.args.map((arg) => this.plan(arg))
    const [first = noStep, second = noStep, third = noStep] = args
    switch (expr.name) {
      case '_&&_':
        return logical(first, second, false)
      case '_||_':
        return logical(first, second, true)
      case '!_':
        return negation(first)
      case '_?_:_':
        return conditional(first, second, third)
      case '@not_strictly_false':
        return notStrictlyFalse(first)
      case '_==_':
        return equality(first, second, true)
      case '_!=_':
        return equality(first, second, false)
      case '_[_]':
        return indexed(first, second, reference.args[1])
      case '_?._':
      case '_[?_]':
        return optionalIndexed(first, second)
      case 'or':
      case 'orValue':
        if (isOptionalCall(reference)) return otherwise(expr.name, first, second)
        return overloaded(expr.name, reference.overloads, args)
      default:
        return overloaded(expr.name, reference.overloads, args)
    }
  }

  #list({ elements, optionals }: ListExpr): Step {
    const steps = elements.map((element) => this.plan(element))
    return (frame) => {
      const values: CelValue[] = []
      for (const [i, step] of steps.entries()) {
        const value = step(frame)
        if (!optionals.has(i)) values.push(value)
        else if (!(value instanceof CelOptional)) throw notOptional(value, 'element')
        else if (value.value !== undefined) values.push(value.value)
      }
      frame.meter.add(LIST_COST)
      return new ArrayList(values)
    }
  }

  #map({ entries }: MapExpr): Step {
    const steps = entries.map(({ key, value, isOptional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      isOptional,
    }))
    return (frame) => {
      const made: [CelValue, CelValue][] = []
      for (const { key: keyStep, value: valueStep, isOptional } of steps) {
        const key = keyStep(frame)
        const value = valueStep(frame)
        if (!isOptional) made.push([key, value])
        else if (!(value instanceof CelOptional)) throw notOptional(value, 'entry')
        else if (value.value !== undefined) made.push([key, value.value])
      }
      frame.meter.add(MAP_COST)
      return EntryMap.of(made)
    }
  }

  #fold(expr: ComprehensionExpr): Step {
    const slots = this.#folds.get(expr)
    if (slots === undefined) throw new Error('the checker left a fold without variables')
    const range = this.plan(expr.range)
    const initial = this.plan(expr.initial)
    const condition = this.plan(expr.condition)
    const step = this.plan(expr.step)
    const result = this.plan(expr.result)
    // `all` and `exists` may yet be decided by a later element; no other fold gets over an error.
    const accumulate = expr.condition.kind === 'literal' ? step : errorAsValue(step)
    return (frame) => {
      const over = range(frame)
      frame.slots[slots.accumulator] = initial(frame)
      for (const [first, second] of iterate(over, slots.secondVariable !== undefined)) {
        frame.slots[slots.variable] = first
        if (slots.secondVariable !== undefined) frame.slots[slots.secondVariable] = second
        if (condition(frame) !== true) break
        frame.slots[slots.accumulator] = accumulate(frame)
      }
      return result(frame)
    }
  }
}

/** Literals, and lists and maps of them, are made once and cost nothing. */
function constantOf(expr: Expr): CelValue | undefined {
  if (expr.kind === 'literal') return expr.value
  if (expr.kind === 'list' && expr.optionals.size === 0) {
    const values = constantsOf(expr.elements)
    return values === undefined ? undefined : new ArrayList(values)
  }
  if (expr.kind !== 'map' || expr.entries.some(({ isOptional }) => isOptional)) return undefined
  const keys = constantsOf(expr.entries.map(({ key }) => key))
  const values = constantsOf(expr.entries.map(({ value }) => value))
  if (keys === undefined || values === undefined) return undefined
  return tryMap(keys.map((key, i) => [key, values[i] ?? null]))
}

function constantsOf(exprs: readonly Expr[]): CelValue[] | undefined {
  const values: CelValue[] = []
  for (const expr of exprs) {
    const value = constantOf(expr)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}

/** Undefined for entries no map can have, which is an error of the evaluation. */
function tryMap(entries: readonly (readonly [CelValue, CelValue])[]): EntryMap | undefined {
  try {
    return EntryMap.of(entries)
  } catch {
    return undefined
  }
}

const noStep: Step = () => {
  throw new EvaluationError('no such overload')
}

function variableStep(name: string): Step {
  return ({ variables, meter }) => {
    meter.add(SELECT_COST)
    if (!Object.hasOwn(variables, name)) throw new EvaluationError(`no such attribute(s): ${name}`)
    return toCelValue(variables[name])
  }
}

/** A boolean, or the error it failed with. */
function tryBoolean(step: Step, frame: Frame): boolean | EvaluationError {
  const value = attempt(step, frame)
  return typeof value === 'boolean' || value instanceof EvaluationError
    ? value
    : new EvaluationError('no such overload')
}

/** `&&` is decided by false, `||` by true, on whichever side. */
function logical(left: Step, right: Step, decider: boolean): Step {
  return withAttempt((frame) => {
    const a = tryBoolean(left, frame)
    if (a === decider) return decider
    const b = tryBoolean(right, frame)
    if (b === decider) return decider
    return typeof a !== 'boolean' ? a : b
  })
}

function conditional(condition: Step, then: Step, otherwise: Step): Step {
  return (frame) => {
    const value = condition(frame)
    if (typeof value !== 'boolean') throw new EvaluationError('no such overload')
    return value ? then(frame) : otherwise(frame)
  }
}

function notStrictlyFalse(step: Step): Step {
  return (frame) => {
    frame.meter.add(1)
    return tryBoolean(step, frame) !== false
  }
}

function negation(step: Step): Step {
  return withAttempt((frame) => {
    const value = tryBoolean(step, frame)
    frame.meter.add(1)
    return typeof value === 'boolean' ? !value : value
  })
}

const errorAsValue =
  (step: Step) =>
  (frame: Frame): CelValue | EvaluationError =>
    attempt(step, frame)

function attempt(step: Step, frame: Frame): CelValue | EvaluationError {
  if (step.attempt !== undefined) return step.attempt(frame)
  try {
    return step(frame)
  } catch (err: unknown) {
    if (err instanceof EvaluationError) return err
    throw err
  }
}

function equality(left: Step, right: Step, isWanted: boolean): Step {
  return (frame) => {
    const args = [left(frame), right(frame)] as const
    frame.meter.add(comparison(args))
    return equals(args[0], args[1], frame.meter) === isWanted
  }
}

function overloaded(name: string, overloads: readonly Overload[], args: readonly Step[]): Step {
  return (frame) => {
    const values = args.map((arg) => arg(frame))
    for (const overload of overloads) {
      if (!acceptsAll(overload, values)) continue
      return charged(overload, values, frame)
    }
    throw new EvaluationError(`no such overload: ${name}(${values.map(typeNameOf).join(', ')})`)
  }
}

function charged({ apply, cost }: Overload, values: readonly CelValue[], { meter }: Frame): CelValue {
  const isKnownBefore = cost === undefined || cost.length < 2
  if (isKnownBefore) meter.add(cost?.(values, null) ?? 1)
  const result = apply(...values)
  if (!isKnownBefore) meter.add(cost(values, result))
  return result
}

function indexed(operand: Step, key: Step, keyExpr: Expr | undefined): Step {
  const cost = keyExpr?.kind === 'literal' ? SELECT_COST : SELECT_COST + 1
  return (frame) => {
    const value = operand(frame)
    const at = key(frame)
    frame.meter.add(cost)
    return value instanceof CelOptional ? optionalMember(value, at) : index(value, at)
  }
}

function optionalIndexed(operand: Step, key: Step): Step {
  return (frame) => {
    const value = operand(frame)
    const at = key(frame)
    frame.meter.add(SELECT_COST)
    return optionalMember(value instanceof CelOptional ? value : new CelOptional(value), at)
  }
}

function optionalMember({ value }: CelOptional, key: CelValue): CelOptional {
  const found = value === undefined ? undefined : optionalIndex(value, key)
  return found === undefined ? OPTIONAL_NONE : new CelOptional(found)
}

/** Undefined for what is not there. */
function optionalIndex(value: CelValue, key: CelValue): CelValue | undefined {
  if (value instanceof CelMap) return value.get(key)
  if (value instanceof CelList) return value.at(listIndex(key))
  if (value instanceof CelOptional) return value.value === undefined ? undefined : optionalIndex(value.value, key)
  throw new EvaluationError('no such overload')
}

function index(value: CelValue, key: CelValue): CelValue {
  if (value instanceof CelMap) {
    const found = value.get(key)
    if (found === undefined) throw new EvaluationError(`no such key: ${keyText(key)}`)
    return found
  }
  if (value instanceof CelList) {
    const found = value.at(listIndex(key))
    if (found === undefined) throw new EvaluationError(`index out of bounds: ${keyText(key)}`)
    return found
  }
  if (value === null && typeof key === 'string') throw new EvaluationError(`no such key: ${key}`)
  throw new EvaluationError('no such overload')
}

/** -1 for a whole number that is no index. */
function listIndex(key: CelValue): number {
  const number = keyNumber(key)
  if (number === undefined) throw new EvaluationError(`unsupported index type '${typeNameOf(key)}' in list`)
  return number < 0 || number > Number.MAX_SAFE_INTEGER ? -1 : Number(number)
}

function keyNumber(key: CelValue): bigint | number | undefined {
  if (typeof key === 'bigint') return key
  if (typeof key === 'number') return Number.isInteger(key) ? key : undefined
  return key instanceof CelUint ? key.value : undefined
}

const isOptionalCall = ({ overloads }: { readonly overloads: readonly Overload[] }): boolean =>
  overloads.every(({ parameters: [target] }) => target !== undefined && isOptionalType(target))

/** `or`, `orValue`: the argument is computed only when there is no value. */
function otherwise(name: 'or' | 'orValue', target: Step, argument: Step): Step {
  return (frame) => {
    const value = target(frame)
    frame.meter.add(1)
    if (!(value instanceof CelOptional)) throw new EvaluationError(`no such overload: ${typeNameOf(value)}.${name}()`)
    if (value.value === undefined) return argument(frame)
    return name === 'or' ? value : value.value
  }
}

const notOptional = (value: CelValue, part: string): EvaluationError =>
  new EvaluationError(`cannot initialize optional ${part} from non-optional value ${typeNameOf(value)}`)

/** Elements of a list, keys of a map; with `isPaired` indexes and elements, keys and values. */
function* iterate(over: CelValue, isPaired: boolean): Generator<readonly [CelValue, CelValue]> {
  if (over instanceof CelList) {
    for (let i = 0; i < over.size; i++) {
      const element = over.at(i) as CelValue
      yield isPaired ? [BigInt(i), element] : [element, null]
    }
  } else if (over instanceof CelMap) {
    for (const key of over.keys()) yield [key, isPaired ? (over.get(key) as CelValue) : null]
  } else {
    throw new EvaluationError(`got '${typeNameOf(over)}', expected iterable type`)
  }
}
