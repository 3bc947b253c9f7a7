/**
 * matchConditions of a webhook: compiled at their first use and kept with it, evaluated for one request.
 * Upstream: apiserver pkg/admission/plugin/webhook/matchconditions/matcher.go, pkg/admission/plugin/cel/{compile,activation}.go.
 */
import type { MatchCondition } from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { CelProgram } from '#machinery/cel/environment.ts'
import { PER_CALL_LIMIT } from '#machinery/cel/kubernetes/libraries.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { admissionEnvironment } from './admission-environment.ts'

/** What all conditions of one webhook may cost for one request: about a quarter of a second upstream. */
const COST_BUDGET = 2_500_000
const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** `errors`: of conditions that could not be evaluated while none was false; what they mean failurePolicy says. */
export type MatchOutcome =
  | { readonly matches: boolean; readonly errors?: undefined }
  | { readonly matches?: undefined; readonly errors: readonly string[] }

interface CompiledCondition {
  readonly expression: string
  readonly program: CelProgram | undefined
  readonly problem: string | undefined
}

export class MatchConditions {
  readonly #conditions: DeepReadonly<MatchCondition[]>
  #compiled: readonly CompiledCondition[] | undefined

  constructor(conditions: DeepReadonly<MatchCondition[]>) {
    this.#conditions = conditions
  }

  /** Any false: no match, whatever the others do. */
  evaluate(variables: Readonly<Record<string, unknown>>): MatchOutcome {
    this.#compiled ??= this.#conditions.map(({ expression }) => compileCondition(expression))
    const errors: string[] = []
    let budget = COST_BUDGET
    let isFalse = false
    for (const { expression, program, problem } of this.#compiled) {
      if (program === undefined) {
        errors.push(`compilation error: ${problem}`)
        continue
      }
      const { value, error, cost } = program.evaluate(variables, { costLimit: PER_CALL_LIMIT })
      if (cost > budget) return { errors: [OUT_OF_BUDGET] }
      budget -= cost
      if (error !== undefined) errors.push(`expression '${expression}' resulted in error: ${error}`)
      else if (value === false) isFalse = true
    }
    return isFalse || errors.length === 0 ? { matches: !isFalse } : { errors }
  }
}

function compileCondition(expression: string): CompiledCondition {
  const { program, problem } = compileMatchCondition(expression, false)
  return { expression, program, problem }
}

/** `problem` in upstream's words: "compilation failed: ERROR: <input>:1:1: …". */
export function compileMatchCondition(
  expression: string,
  hasParams: boolean,
): { readonly program?: CelProgram; readonly problem?: string } {
  const result = admissionEnvironment(hasParams).compile(expression, { resultType: 'bool' })
  if (result.program !== undefined) return { program: result.program }
  return { problem: result.isWrongType ? result.problem : `compilation failed: ${result.problem}` }
}
