/**
 * The way in: an environment says which variables, functions and macros there are, `compile` makes a program of an
 * expression, `evaluate` runs it. Pure: no clock, no I/O; a program may be kept and run any number of times.
 */
import { type CheckedExpr, check, type Declarations } from './checker.ts'
import { CostExceededError, CostMeter } from './cost.ts'
import type { CelLibrary, Overload } from './functions.ts'
import type { Macro } from './macros.ts'
import { STANDARD_MACROS } from './macros.ts'
import { parse } from './parser.ts'
import { type Frame, plan, type Step } from './planner.ts'
import { type Issue, ISSUES_MAX, Source } from './source.ts'
import { type CelType, formatType, isSameType, toType } from './types.ts'
import { type CelValue, EvaluationError } from './values.ts'

export interface EnvironmentOptions {
  readonly libraries: readonly CelLibrary[]
  /** Name → type, or the type's text: `{ device: deviceType, count: 'int' }`. Names may have dots. */
  readonly variables: Readonly<Record<string, CelType | string>>
  /** Whether lists and maps may be written with values of different types; Kubernetes says no, the default. */
  readonly allowsMixedLiterals?: boolean
  /** Whether a field may be written between back quotes; Kubernetes says no, the default. */
  readonly allowsQuotedFields?: boolean
  /** Looks at a checked expression for what else is wrong, e.g. literals no function takes. */
  readonly validate?: (checked: CheckedExpr) => readonly Issue[]
}

export interface CompileOptions {
  /** What the expression has to be, e.g. `bool`; dyn will not do. */
  readonly resultType?: CelType | string
}

/** `checked` is for estimateCost; nothing else keeps it. `problem`: all that is wrong, as cel-go prints it, without "compilation failed: ". */
export type CompileResult =
  | { readonly program: CelProgram; readonly checked: CheckedExpr; readonly problem?: undefined }
  | {
      readonly program?: undefined
      readonly checked?: undefined
      readonly problem: string
      readonly isWrongType: boolean
    }

export interface EvaluateOptions {
  /** In cel-go's units; more is an error nothing absorbs. */
  readonly costLimit: number
}

/** `cost` was spent either way. */
export type Evaluation =
  | { readonly value: CelValue; readonly cost: number; readonly error?: undefined }
  | { readonly value?: undefined; readonly cost: number; readonly error: string; readonly isCostExceeded: boolean }

export interface CelProgram {
  readonly resultType: CelType
  /** Those it names. */
  readonly variables: ReadonlySet<string>
  /**
   * Values may be anything decoded from JSON, and CelValues; nobody may change them while it runs. A variable that is
   * declared but not given is an error when it is read. Never throws.
   */
  evaluate(variables: Readonly<Record<string, unknown>>, options: EvaluateOptions): Evaluation
}

export class CelEnvironment implements Declarations {
  readonly allowsMixedLiterals: boolean
  readonly #variables: ReadonlyMap<string, CelType>
  readonly #types: ReadonlyMap<string, CelType>
  readonly #overloads: ReadonlyMap<string, readonly Overload[]>
  readonly #macros: readonly Macro[]
  readonly #allowsQuotedFields: boolean
  readonly #validate: EnvironmentOptions['validate']

  constructor(options: EnvironmentOptions) {
    const { libraries, variables, allowsMixedLiterals = false, allowsQuotedFields = false, validate } = options
    this.allowsMixedLiterals = allowsMixedLiterals
    this.#variables = new Map(Object.entries(variables).map(([name, type]) => [name, toType(type)]))
    this.#types = new Map(libraries.flatMap(({ types = [] }) => types.map((type) => [type.name, type] as const)))
    const overloads = new Map<string, Overload[]>()
    for (const overload of libraries.flatMap((library) => library.overloads)) {
      const known = overloads.get(overload.name)
      if (known === undefined) overloads.set(overload.name, [overload])
      else known.push(overload)
    }
    this.#overloads = overloads
    this.#macros = [...STANDARD_MACROS, ...libraries.flatMap(({ macros = [] }) => macros)]
    this.#allowsQuotedFields = allowsQuotedFields
    this.#validate = validate
  }

  variable(name: string): CelType | undefined {
    return this.#variables.get(name)
  }

  type(name: string): CelType | undefined {
    return this.#types.get(name)
  }

  overloads(name: string): readonly Overload[] | undefined {
    return this.#overloads.get(name)
  }

  compile(expression: string, { resultType }: CompileOptions = {}): CompileResult {
    const source = new Source(expression)
    const issues: Issue[] = []
    const expr = parse(source, { macros: this.#macros, allowsQuotedFields: this.#allowsQuotedFields }, issues)
    if (expr === undefined) return failed(source, issues)
    const checked = check(expr, this, issues)
    if (issues.length === 0) issues.push(...(this.#validate?.(checked) ?? []))
    if (issues.length > 0) return failed(source, issues)
    const wanted = resultType === undefined ? undefined : toType(resultType)
    if (wanted !== undefined && !isSameType(wanted, checked.type)) {
      const problem = `must evaluate to ${formatType(wanted)} but got ${formatType(checked.type)}`
      return { problem, isWrongType: true }
    }
    return { program: new Program(checked), checked }
  }
}

function failed(source: Source, issues: readonly Issue[]): CompileResult {
  const shown = issues.slice(0, ISSUES_MAX).sort((a, b) => a.offset - b.offset)
  return { problem: shown.map((issue) => source.describe(issue)).join('\n'), isWrongType: false }
}

class Program implements CelProgram {
  readonly resultType: CelType
  readonly variables: ReadonlySet<string>
  readonly #step: Step
  readonly #slots: number

  constructor(checked: CheckedExpr) {
    this.resultType = checked.type
    const references = [...checked.references.values()]
    this.variables = new Set(references.flatMap((one) => (one.kind === 'variable' ? [one.name] : [])))
    this.#step = plan(checked)
    this.#slots = checked.slots
  }

  evaluate(variables: Readonly<Record<string, unknown>>, { costLimit }: EvaluateOptions): Evaluation {
    const meter = new CostMeter(costLimit)
    const frame: Frame = { variables, meter, slots: new Array<CelValue>(this.#slots).fill(null) }
    try {
      return { value: this.#step(frame), cost: meter.spent }
    } catch (err: unknown) {
      const isCostExceeded = err instanceof CostExceededError
      // A RangeError is a string or list the runtime could not make: as good as any other limit.
      if (!isCostExceeded && !(err instanceof EvaluationError) && !(err instanceof RangeError)) throw err
      return { error: err.message, cost: meter.spent, isCostExceeded }
    }
  }
}
