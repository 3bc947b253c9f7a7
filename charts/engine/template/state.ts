// What one render shares between all executing templates: output, position, limits, the set of definitions.

import type { GoValue } from '../gotypes/value.ts'
import type { Node } from './nodes.ts'
import type { Template, TemplateSet } from './template-set.ts'

/** Raised when a render exceeds a limit. It is never turned into a template error. */
export class LimitError extends Error {}

export interface Limits {
  /** Nested includes of one name. */
  readonly depth: number
  readonly outputChars: number
  /** Executed statements and function calls. */
  readonly steps: number
}

export interface Environment {
  readonly limits: Limits
  readonly strict: boolean
  readonly now: () => number
  readonly randomBytes: (size: number) => Uint8Array
  readonly lookup: (apiVersion: string, kind: string, namespace: string, name: string) => GoValue
}

export class State {
  readonly environment: Environment
  /** Definitions visible now; tpl swaps in an extended set. */
  templates: TemplateSet
  /** The template `tpl` inherits its name from. */
  out = ''
  node: Node | undefined
  readonly includeDepth = new Map<string, number>()
  #steps = 0
  #produced = 0

  constructor(environment: Environment, templates: TemplateSet) {
    this.environment = environment
    this.templates = templates
  }

  step(): void {
    if (++this.#steps > this.environment.limits.steps) throw new LimitError('rendering exceeded its execution budget')
  }

  write(text: string): void {
    this.out += text
    this.#produced += text.length
    if (this.#produced > this.environment.limits.outputChars)
      throw new LimitError('rendering exceeded its output limit')
  }

  /** Output of one template as a string; position and output of the caller are restored. */
  capture(template: Template, data: GoValue): string {
    const { out, node } = this
    this.out = ''
    try {
      template.execute(this, data)
      return this.out
    } finally {
      this.out = out
      this.node = node
    }
  }
}
