/** Folds with two variables. Upstream: cel-go ext/comprehensions.go. */
import type { Expr } from '../ast.ts'
import { sizeOf } from '../cost.ts'
import { type CelLibrary, define } from '../functions.ts'
import {
  collect,
  type FoldVariables,
  type Macro,
  type MacroCall,
  type Quantifier,
  quantify,
  variableName,
} from '../macros.ts'
import { IssueError } from '../source.ts'
import { type CelMap, type CelValue, EntryMap } from '../values.ts'

const INSERT = 'cel.@mapInsert'

function twoVariables([first, second]: readonly Expr[]): FoldVariables {
  const variables = { variable: variableName(first), secondVariable: variableName(second) }
  if (variables.variable === variables.secondVariable) {
    throw new IssueError({ offset: second?.offset ?? 0, message: `duplicate variable name: ${variables.variable}` })
  }
  return variables
}

const member = (name: string, argumentCount: number, expand: Macro['expand']): Macro => ({
  name,
  argumentCount,
  isMember: true,
  expand,
})

const quantifier = (name: string, kind: Quantifier): Macro =>
  member(name, 3, (call) => quantify(kind, call, twoVariables(call.args), call.args[2] ?? call.target))

/** `(a, b, value)` and `(a, b, filter, value)`. */
function transforms(name: string, expand: (call: MacroCall, parts: TransformParts) => Expr): Macro[] {
  return [3, 4].map((count) =>
    member(name, count, (call) => {
      const variables = twoVariables(call.args)
      const filter = count === 4 ? call.args[2] : undefined
      return expand(call, { variables, filter, value: call.args[count - 1] ?? call.target })
    }),
  )
}

interface TransformParts {
  readonly variables: FoldVariables
  readonly filter: Expr | undefined
  readonly value: Expr
}

function insertFold({ build, target }: MacroCall, { variables, filter }: TransformParts, inserted: Expr): Expr {
  return build.fold({
    range: target,
    ...variables,
    initial: build.emptyMap(),
    condition: build.literal(true),
    step: filter === undefined ? inserted : build.call('_?_:_', filter, inserted, build.accumulator()),
    result: build.accumulator(),
  })
}

function insertEntries(map: CelMap, entries: CelMap): CelMap {
  let grown = map
  for (const key of entries.keys()) grown = EntryMap.plus(grown, key, entries.get(key) as CelValue)
  return grown
}

export const TWO_VARIABLE_COMPREHENSIONS: CelLibrary = {
  overloads: [
    define(`${INSERT}(map(K, V), K, V): map(K, V)`, EntryMap.plus),
    define(
      `${INSERT}(map(K, V), map(K, V)): map(K, V)`,
      insertEntries,
      ([, entries]) => 1 + Math.floor(sizeOf(entries) / 10),
    ),
  ],
  macros: [
    quantifier('all', 'all'),
    quantifier('exists', 'exists'),
    quantifier('existsOne', 'existsOne'),
    quantifier('exists_one', 'existsOne'),
    ...transforms('transformList', (call, { variables, value, filter }) => collect(call, variables, value, filter)),
    ...transforms('transformMap', (call, parts) => {
      const key = call.build.ident(parts.variables.variable)
      return insertFold(call, parts, call.build.call(INSERT, call.build.accumulator(), key, parts.value))
    }),
    ...transforms('transformMapEntry', (call, parts) =>
      insertFold(call, parts, call.build.call(INSERT, call.build.accumulator(), parts.value)),
    ),
  ],
}
