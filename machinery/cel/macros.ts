/**
 * Calls that are expanded while parsing: has, all, exists, exists_one, map, filter of the language, and the helpers with
 * which libraries make theirs. Upstream: cel-go parser/macro.go.
 */
import type { CallExpr, ComprehensionExpr, Expr } from './ast.ts'
import { IssueError, type Issue } from './source.ts'
import type { CelValue } from './values.ts'

export interface Macro {
  readonly name: string
  readonly argumentCount: number
  /** Written `target.name(…)`. */
  readonly isMember: boolean
  /** Throws an IssueError where the arguments are wrong; undefined: not this macro's call after all. */
  expand(call: MacroCall): Expr | undefined
}

export interface MacroCall {
  readonly offset: number
  readonly target: Expr
  readonly args: readonly Expr[]
  readonly build: ExprBuilder
}

/** Name no expression can write. */
const ACCUMULATOR = '@result'
const FORBIDDEN: ReadonlySet<string> = new Set([ACCUMULATOR, '__result__'])

/** Makes nodes at the place of the macro's call. */
class ExprBuilder {
  readonly #offset: number

  constructor(offset: number) {
    this.#offset = offset
  }

  literal(value: CelValue): Expr {
    return { kind: 'literal', offset: this.#offset, value }
  }

  ident(name: string): Expr {
    return { kind: 'ident', offset: this.#offset, name }
  }

  accumulator(): Expr {
    return this.ident(ACCUMULATOR)
  }

  call(name: string, ...args: Expr[]): Expr {
    return { kind: 'call', offset: this.#offset, name, target: undefined, args }
  }

  memberCall(target: Expr, name: string, ...args: Expr[]): Expr {
    return { kind: 'call', offset: this.#offset, name, target, args }
  }

  list(...elements: Expr[]): Expr {
    return { kind: 'list', offset: this.#offset, elements, optionals: new Set() }
  }

  emptyMap(): Expr {
    return { kind: 'map', offset: this.#offset, entries: [] }
  }

  fold(parts: Omit<ComprehensionExpr, 'kind' | 'offset' | 'accumulator'> & { readonly accumulator?: string }): Expr {
    return { accumulator: ACCUMULATOR, ...parts, kind: 'comprehension', offset: this.#offset }
  }
}

export function expandMacro(call: CallExpr, macros: readonly Macro[], issues: Issue[]): Expr {
  const isMember = call.target !== undefined
  const macro = macros.find(
    ({ name, argumentCount, isMember: wantsTarget }) =>
      name === call.name && argumentCount === call.args.length && wantsTarget === isMember,
  )
  if (macro === undefined) return call
  const { offset, args } = call
  try {
    const build = new ExprBuilder(offset)
    return macro.expand({ offset, target: call.target ?? build.literal(null), args, build }) ?? call
  } catch (err: unknown) {
    if (!(err instanceof IssueError)) throw err
    issues.push(err.issue)
    return call
  }
}

/** The name a macro's argument declares. */
export function variableName(arg: Expr | undefined, problem = 'argument must be a simple name'): string {
  if (arg?.kind !== 'ident' || arg.name.startsWith('.'))
    throw new IssueError({ offset: arg?.offset ?? 0, message: problem })
  if (FORBIDDEN.has(arg.name)) {
    throw new IssueError({ offset: arg.offset, message: 'iteration variable overwrites accumulator variable' })
  }
  return arg.name
}

export interface FoldVariables {
  readonly variable: string
  readonly secondVariable: string | undefined
}

export type Quantifier = 'all' | 'exists' | 'existsOne'

export function quantify(kind: Quantifier, call: MacroCall, variables: FoldVariables, predicate: Expr): Expr {
  const { build, target: range } = call
  const parts = { range, ...variables }
  const accumulator = build.accumulator()
  switch (kind) {
    case 'all':
      return build.fold({
        ...parts,
        initial: build.literal(true),
        condition: build.call('@not_strictly_false', build.accumulator()),
        step: build.call('_&&_', accumulator, predicate),
        result: build.accumulator(),
      })
    case 'exists':
      return build.fold({
        ...parts,
        initial: build.literal(false),
        condition: build.call('@not_strictly_false', build.call('!_', build.accumulator())),
        step: build.call('_||_', accumulator, predicate),
        result: build.accumulator(),
      })
    case 'existsOne':
      return build.fold({
        ...parts,
        initial: build.literal(0n),
        condition: build.literal(true),
        step: build.call('_?_:_', predicate, build.call('_+_', accumulator, build.literal(1n)), build.accumulator()),
        result: build.call('_==_', build.accumulator(), build.literal(1n)),
      })
  }
}

/** A fold that makes a list: of `element`, for what passes `filter`. */
export function collect(
  { build, target: range }: MacroCall,
  variables: FoldVariables,
  element: Expr,
  filter: Expr | undefined,
): Expr {
  const appended = build.call('_+_', build.accumulator(), build.list(element))
  return build.fold({
    range,
    ...variables,
    initial: build.list(),
    condition: build.literal(true),
    step: filter === undefined ? appended : build.call('_?_:_', filter, appended, build.accumulator()),
    result: build.accumulator(),
  })
}

const member = (name: string, argumentCount: number, expand: Macro['expand']): Macro => ({
  name,
  argumentCount,
  isMember: true,
  expand,
})

const quantifier = (name: string, kind: Quantifier): Macro =>
  member(name, 2, (call) => {
    const [variable, predicate = call.target] = call.args
    return quantify(kind, call, { variable: variableName(variable), secondVariable: undefined }, predicate)
  })

const transform = (argumentCount: number): Macro =>
  member('map', argumentCount, (call) => {
    const variable = variableName(call.args[0], 'argument is not an identifier')
    const element = call.args.at(-1) ?? call.target
    return collect(
      call,
      { variable, secondVariable: undefined },
      element,
      argumentCount === 3 ? call.args[1] : undefined,
    )
  })

export const STANDARD_MACROS: readonly Macro[] = [
  {
    name: 'has',
    argumentCount: 1,
    isMember: false,
    expand: ({ args: [arg], offset }) => {
      if (arg?.kind === 'select') return { ...arg, offset, isTest: true }
      throw new IssueError({ offset: arg?.offset ?? offset, message: 'invalid argument to has() macro' })
    },
  },
  quantifier('all', 'all'),
  quantifier('exists', 'exists'),
  quantifier('exists_one', 'existsOne'),
  quantifier('existsOne', 'existsOne'),
  transform(2),
  transform(3),
  member('filter', 2, (call) => {
    const [declared, predicate] = call.args
    const variable = variableName(declared, 'argument is not an identifier')
    return collect(call, { variable, secondVariable: undefined }, call.build.ident(variable), predicate)
  }),
]
