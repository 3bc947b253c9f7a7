// One Go template outside a chart, with sprig and the caller's own functions: what other programs than Helm render.

import { GoError } from './gotypes/error.ts'
import { defineFunc, type GoFunc, type GoValue } from './gotypes/value.ts'
import { goToJson, jsonToGo } from './convert.ts'
import { FUNCTION_TABLE } from './helm/function-table.ts'
import { dropNoValue } from './helm/functions.ts'
import type { FunctionTable } from './template/functions.ts'
import { parse } from './template/parse.ts'
import { State } from './template/state.ts'
import { Template, TemplateSet } from './template/template-set.ts'

export interface TemplateTools {
  readonly randomBytes: (size: number) => Uint8Array
  readonly nowMs: () => number
}

/** Take and give plain JSON. */
export type TemplateFunctions = Readonly<Record<string, (...values: readonly unknown[]) => unknown>>

/** Renders `data`, plain JSON. Throws a GoError. Not to be called from within one of its functions. */
export type RenderTemplate = (data: unknown, functions: TemplateFunctions) => string

const NAME = 'template'
const LIMITS = { depth: 100, outputChars: 4 * 1024 * 1024, steps: 1_000_000 }

/** Parsed once, rendered many times; `names` are the functions every render will bring. */
export function compileTemplate(text: string, names: readonly string[], tools: TemplateTools): RenderTemplate {
  let current: TemplateFunctions = {}
  const own = names.map((name): [string, GoFunc] => {
    const call = (...values: GoValue[]): GoValue => {
      const implementation = current[name]
      if (implementation === undefined) throw new GoError(`function "${name}" not defined`)
      return jsonToGo(implementation(...values.map(goToJson)))
    }
    return [name, defineFunc(name, '...any', 'any', call)]
  })
  const functions: FunctionTable = new Map([...FUNCTION_TABLE, ...own])
  const templates = new TemplateSet(functions)
  for (const tree of parse(NAME, text, (name) => functions.has(name)).values())
    templates.add(tree.name, new Template(tree, functions))
  const environment = {
    limits: LIMITS,
    strict: false,
    now: tools.nowMs,
    randomBytes: tools.randomBytes,
    lookup: (): GoValue => new Map(),
  }
  return (data, implementations) => {
    const template = templates.get(NAME)
    if (template === undefined) return ''
    current = implementations
    return dropNoValue(new State(environment, templates).capture(template, jsonToGo(data)))
  }
}
