/** Regular expressions in RE2's syntax and linear time. A bounded number of compiled ones is kept. */
import { RE2JS } from 're2js'
import { EvaluationError } from './values.ts'

const KEPT_MAX = 500
const kept = new Map<string, RE2JS>()

/** Throws an EvaluationError for what is no pattern. */
export function patternOf(text: string): RE2JS {
  const known = kept.get(text)
  if (known !== undefined) return known
  let pattern: RE2JS
  try {
    pattern = RE2JS.compile(text)
  } catch (err: unknown) {
    throw new EvaluationError(err instanceof Error ? err.message : String(err))
  }
  const [oldest] = kept.keys()
  if (kept.size >= KEPT_MAX && oldest !== undefined) kept.delete(oldest)
  kept.set(text, pattern)
  return pattern
}
