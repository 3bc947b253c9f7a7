/** Optional values and the macros over them. Upstream: cel-go cel/library.go (OptionalTypes, version 2). */
import { traversalOf } from '../cost.ts'
import { type CelLibrary, define, defineMember } from '../functions.ts'
import { IssueError } from '../source.ts'
import type { Expr } from '../ast.ts'
import type { Macro, MacroCall } from '../macros.ts'
import { optionalType, parameterType } from '../types.ts'
import {
  ArrayList,
  CelDuration,
  CelList,
  CelMap,
  CelOptional,
  CelUint,
  type CelValue,
  EvaluationError,
  OPTIONAL_NONE,
  typeNameOf,
} from '../values.ts'

const some = (value: CelValue): CelOptional => new CelOptional(value)

function presentValue({ value }: CelOptional): CelValue {
  if (value === undefined) throw new EvaluationError('optional.none() dereference')
  return value
}

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return true
  if (value instanceof CelUint) return value.value === 0n
  if (value instanceof CelList || value instanceof CelMap) return value.size === 0
  if (value instanceof Uint8Array) return value.length === 0
  return value instanceof CelDuration && value.nanos === 0n
}

/** Name no expression can write, for the optional a macro looks at once. */
const OPTIONAL = '@optional'

function optionalMacro(name: 'optMap' | 'optFlatMap'): Macro {
  return { name, argumentCount: 2, isMember: true, expand: (call) => expand(name, call) }
}

/** `target.hasValue() ? f(target.value()) : optional.none()`, with the target and its value named by folds over nothing. */
function expand(name: 'optMap' | 'optFlatMap', { target, args, build, offset }: MacroCall): Expr {
  const [variable, body = target] = args
  if (variable?.kind !== 'ident') {
    const message = `${name}() variable name must be a simple identifier`
    throw new IssueError({ offset: variable?.offset ?? offset, message })
  }
  const bind = (accumulator: string, initial: Expr, result: Expr): Expr =>
    build.fold({
      range: build.list(),
      variable: '#unused',
      secondVariable: undefined,
      accumulator,
      initial,
      condition: build.literal(false),
      step: build.ident(accumulator),
      result,
    })
  const mapped = bind(variable.name, build.memberCall(build.ident(OPTIONAL), 'value'), body)
  const then = name === 'optMap' ? build.call('optional.of', mapped) : mapped
  const hasValue = build.memberCall(build.ident(OPTIONAL), 'hasValue')
  return bind(OPTIONAL, target, build.call('_?_:_', hasValue, then, build.call('optional.none')))
}

const maybe = (value: CelValue | undefined): CelOptional => (value === undefined ? OPTIONAL_NONE : some(value))

function presentOf(list: CelList): CelList {
  const values: CelValue[] = []
  for (const element of list) {
    if (!(element instanceof CelOptional)) throw new EvaluationError(`value ${typeNameOf(element)} is not optional`)
    if (element.value !== undefined) values.push(element.value)
  }
  return new ArrayList(values)
}

const unplanned = (): never => {
  throw new EvaluationError('no such overload')
}

export const OPTIONAL_LIBRARY: CelLibrary = {
  overloads: [
    define('optional.of(V): optional_type(V)', some),
    define('optional.ofNonZeroValue(V): optional_type(V)', (value: CelValue) =>
      isZero(value) ? OPTIONAL_NONE : some(value),
    ),
    define('optional.none(): optional_type(V)', () => OPTIONAL_NONE),
    defineMember('optional_type(V).value(): V', presentValue),
    defineMember('optional_type(V).hasValue(): bool', ({ value }: CelOptional) => value !== undefined),
    define('optional.unwrap(list(optional_type(V))): list(V)', presentOf, traversalOf()),
    defineMember('list(optional_type(V)).unwrapOpt(): list(V)', presentOf, traversalOf()),
    defineMember('list(V).first(): optional_type(V)', (list: CelList) => maybe(list.at(0))),
    defineMember('list(V).last(): optional_type(V)', (list: CelList) => maybe(list.at(list.size - 1))),
    // Planned by hand; declared for the checker.
    defineMember('optional_type(V).or(optional_type(V)): optional_type(V)', unplanned),
    defineMember('optional_type(V).orValue(V): V', unplanned),
    define('_[?_](list(V), int): optional_type(V)', unplanned),
    define('_[?_](optional_type(list(V)), int): optional_type(V)', unplanned),
    define('_[?_](map(K, V), K): optional_type(V)', unplanned),
    define('_[?_](optional_type(map(K, V)), K): optional_type(V)', unplanned),
    define('_[_](optional_type(list(V)), int): optional_type(V)', unplanned),
    define('_[_](optional_type(map(K, V)), K): optional_type(V)', unplanned),
  ],
  macros: [optionalMacro('optMap'), optionalMacro('optFlatMap')],
  types: [optionalType(parameterType('V'))],
}
