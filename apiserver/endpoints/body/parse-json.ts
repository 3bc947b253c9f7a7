/**
 * JSON request bodies: bounded nesting, duplicate members reported, error texts in Go's manner.
 * Upstream: sigs.k8s.io/json (max depth 10,000 there; V8's own recursion makes 1,000 the safe bound here).
 */
import { duplicateFields } from '#machinery/schema/duplicate-fields.ts'
import { errorMessage } from '#machinery/util/errors.ts'

const MAX_DEPTH = 1000

const QUOTE = 34
const COLON = 58
const BACKSLASH = 92

export interface ParsedJson {
  readonly value: unknown
  /** Paths that occur twice; the last occurrence won. */
  readonly duplicates: readonly string[]
}

const NO_DUPLICATES: readonly string[] = []

/** Throws an Error saying what is wrong with the text. */
export function parseJson(text: string): ParsedJson {
  const shape = scan(text)
  if (shape.depth > MAX_DEPTH) throw new Error(`json: exceeded max depth ${MAX_DEPTH}`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (err) {
    throw new Error(`json parse error: ${errorMessage(err)}`)
  }
  // As many members in the value as in the text: none hides another, and the thorough search is not needed.
  if (countMembers(value) === shape.members) return { value, duplicates: NO_DUPLICATES }
  return { value, duplicates: duplicateFields(text) }
}

/** One pass over the text, strings skipped. Meaningful for valid JSON only; harmless for anything else. */
function scan(text: string): { readonly depth: number; readonly members: number } {
  let depth = 0
  let deepest = 0
  let members = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
    } else if (code === COLON) {
      members++
    } else if (code === 123 || code === 91) {
      if (++depth > deepest) deepest = depth
    } else if (code === 125 || code === 93) {
      depth--
    }
  }
  return { depth: deepest, members }
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object') count += countMembers(element)
    return count
  }
  for (const key in value) {
    count++
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object') count += countMembers(member)
  }
  return count
}

/** Values that did not come from text: the same bound on nesting. */
export function assertDepth(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > MAX_DEPTH) throw new Error(`json: exceeded max depth ${MAX_DEPTH}`)
  for (const member of Object.values(value)) assertDepth(member, depth + 1)
}
