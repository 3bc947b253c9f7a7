/**
 * Regular expressions of schemas, in RE2 syntax and linear time: they come from users and meet values of other users.
 * Compiled at the first use, so that starting with many CRDs costs nothing for patterns nobody needs.
 */
import { RE2JS } from 're2js'
import { errorMessage } from '#machinery/util/errors.ts'

export interface Pattern {
  readonly source: string
  /** Why the pattern cannot be compiled; '' when it can. */
  problem(): string
  /** Whether it matches anywhere in `text`. */
  test(text: string): boolean
}

export function lazyPattern(source: string): Pattern {
  let compiled: RE2JS | undefined
  let problem: string | undefined
  const compile = (): RE2JS | undefined => {
    if (problem !== undefined) return compiled
    problem = ''
    try {
      compiled = RE2JS.compile(source)
    } catch (err: unknown) {
      problem = errorMessage(err)
    }
    return compiled
  }
  return {
    source,
    problem: () => {
      compile()
      return problem ?? ''
    },
    test: (text) => compile()?.matcher(text).find() ?? false,
  }
}
