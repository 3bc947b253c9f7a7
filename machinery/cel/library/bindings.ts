/** `cel.bind(name, value, expression)`: a value with a name. Upstream: cel-go ext/bindings.go. */
import type { CelLibrary } from '../functions.ts'
import type { Macro, MacroCall } from '../macros.ts'
import { variableName } from '../macros.ts'
import type { Expr } from '../ast.ts'

const NAMESPACE = 'cel'

const bind: Macro = { name: 'bind', argumentCount: 3, isMember: true, expand: expandBind }

/** A fold over nothing: its accumulator is the name, its result the expression. */
function expandBind({ target, args, build }: MacroCall): Expr | undefined {
  if (target.kind !== 'ident' || target.name !== NAMESPACE) return undefined
  const [name, value = target, expression = target] = args
  const accumulator = variableName(name, 'cel.bind() variable names must be simple identifiers')
  return build.fold({
    range: build.list(),
    variable: '#unused',
    secondVariable: undefined,
    accumulator,
    initial: value,
    condition: build.literal(false),
    step: build.ident(accumulator),
    result: expression,
  })
}

export const BINDINGS_LIBRARY: CelLibrary = { overloads: [], macros: [bind] }
