// `tpl`: a text as a template. Parsed trees are cached by text; the definitions inside are visible to it alone.

import { GoError } from '../gotypes/error.ts'
import type { GoValue } from '../gotypes/value.ts'
import { parse } from '../template/parse.ts'
import type { FunctionTable } from '../template/functions.ts'
import type { State } from '../template/state.ts'
import { Template, TemplateSet } from '../template/template-set.ts'
import { quote } from '../gofmt/quote.ts'

/** Helm gives the text its parent's name, which is that of the root template. */
const NAME = 'gotpl'
const CACHE_MAX = 1000
const CACHED_TEXT_MAX = 20_000

const caches = new WeakMap<FunctionTable, Map<string, readonly Template[]>>()

function templatesOf(functions: FunctionTable, text: string): readonly Template[] {
  let cache = caches.get(functions)
  if (cache === undefined) {
    cache = new Map()
    caches.set(functions, cache)
  }
  const known = cache.get(text)
  if (known !== undefined) return known
  const templates = [...parse(NAME, text, (name) => functions.has(name)).values()].map(
    (tree) => new Template(tree, functions),
  )
  if (cache.size >= CACHE_MAX) cache.clear()
  if (text.length <= CACHED_TEXT_MAX) cache.set(text, templates)
  return templates
}

export function renderText(state: State, text: string, data: GoValue): string {
  if (!text.includes('{{')) return text
  const outer = state.templates
  const templates = parseText(outer.functions, text)
  const scope = new TemplateSet(outer.functions, outer)
  for (const template of templates) scope.addOwn(template)
  const main = templates.find((template) => template.tree.name === NAME)
  if (main === undefined) return ''
  state.templates = scope
  try {
    return state.capture(main, data === null ? undefined : data)
  } catch (error) {
    if (error instanceof GoError)
      throw new GoError(`error during tpl function execution for ${quote(text)}: ${error.message}`, error)
    throw error
  } finally {
    state.templates = outer
  }
}

function parseText(functions: FunctionTable, text: string): readonly Template[] {
  try {
    return templatesOf(functions, text)
  } catch (error) {
    if (error instanceof GoError) throw new GoError(`cannot parse template ${quote(text)}: ${error.message}`, error)
    throw error
  }
}
