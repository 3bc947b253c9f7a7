// The namespace of templates. A set may extend another without copying it: that is what `tpl` needs, and what
// makes it cheap here where Go clones every definition.

import type { GoValue } from '../gotypes/value.ts'
import { compileTree, type Program } from './compile.ts'
import type { FunctionTable } from './functions.ts'
import type { Tree } from './parse.ts'
import type { State } from './state.ts'

export class Template {
  readonly tree: Tree
  readonly #functions: FunctionTable
  #program: Program | undefined

  constructor(tree: Tree, functions: FunctionTable) {
    this.tree = tree
    this.#functions = functions
  }

  execute(state: State, data: GoValue): void {
    this.#program ??= compileTree(this.tree, this.#functions)
    this.#program(state, data)
  }
}

export class TemplateSet {
  readonly #own = new Map<string, Template>()
  readonly #parent: TemplateSet | undefined
  readonly functions: FunctionTable

  constructor(functions: FunctionTable, parent?: TemplateSet) {
    this.functions = functions
    this.#parent = parent
  }

  get(name: string): Template | undefined {
    return this.#own.get(name) ?? this.#parent?.get(name)
  }

  /** Go's AddParseTree: an empty body does not replace a definition that exists. */
  add(name: string, template: Template): void {
    if (template.tree.isEmpty && this.get(name) !== undefined) return
    this.#own.set(name, template)
  }

  /** For tpl: `Parse` on a fresh name, where the empty-body rule looks at inherited definitions only. */
  addOwn(template: Template): void {
    this.add(template.tree.name, template)
  }

  addAll(trees: Iterable<Template>): void {
    for (const template of trees) this.add(template.tree.name, template)
  }
}
