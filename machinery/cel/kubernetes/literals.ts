/**
 * Literals that no function takes are found when an expression is compiled. Upstream: cel-go cel/validator.go, with the
 * validators apiserver pkg/cel/environment/base.go turns on.
 */
import type { Expr } from '../ast.ts'
import type { CheckedExpr } from '../checker.ts'
import { patternOf } from '../patterns.ts'
import type { Issue } from '../source.ts'
import { parseDuration, parseTimestamp } from '../time.ts'

const isPattern = (text: string): boolean => {
  try {
    patternOf(text)
    return true
  } catch {
    return false
  }
}

const isTimestamp = (text: string): boolean => {
  try {
    return parseTimestamp(text) !== undefined
  } catch {
    return false
  }
}

const ACCEPTS: Readonly<Record<string, (text: string) => boolean>> = {
  duration: (text) => parseDuration(text) !== undefined,
  timestamp: isTimestamp,
  matches: isPattern,
}

export function literalIssues({ references }: CheckedExpr): Issue[] {
  return [...references.keys()].flatMap(issuesOf)
}

function issuesOf(expr: Expr): Issue[] {
  if (expr.kind !== 'call' || !Object.hasOwn(ACCEPTS, expr.name)) return []
  const literal = expr.args.at(-1)
  if (literal?.kind !== 'literal' || typeof literal.value !== 'string') return []
  const isAccepted = ACCEPTS[expr.name]?.(literal.value) ?? true
  return isAccepted ? [] : [{ offset: literal.offset, message: `invalid ${expr.name} argument` }]
}
