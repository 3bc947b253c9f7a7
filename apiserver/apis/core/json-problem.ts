/**
 * Why a text is no JSON object or array, in the words of Go's encoding/json. Differs: inside literals and numbers the general
 * sentence is used.
 */

const MAP = 'map[string]interface {}'

/** Undefined when it is one (or null, which Go takes for an empty map). */
export const jsonObjectProblem = (text: string): string | undefined => jsonProblem(text, 'object', MAP)

/** `type` is what Go would decode it into. */
export function jsonProblem(text: string, wanted: 'object' | 'array', type: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (err: unknown) {
    return syntaxProblem(text, err instanceof Error ? err.message : '')
  }
  if (value === null) return undefined
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  return kind === wanted ? undefined : `json: cannot unmarshal ${kind} into Go value of type ${type}`
}

function syntaxProblem(text: string, message: string): string {
  const at = /at position (\d+)/.exec(message)?.[1]
  const position = at === undefined ? text.search(/\S/) : Number(at)
  const character = position < 0 || position >= text.length ? undefined : text[position]
  if (character === undefined || message.startsWith('Unexpected end') || message.startsWith('Unterminated')) {
    return 'unexpected end of JSON input'
  }
  return `invalid character ${quoted(character)} ${contextOf(text.slice(0, position).trimEnd())}`
}

const quoted = (character: string): string => (character === "'" ? "'\\''" : `'${character}'`)

function contextOf(before: string): string {
  const last = before.at(-1)
  if (last === '{') return 'looking for beginning of object key string'
  if (last === undefined || last === ':' || last === '[' || last === ',') return 'looking for beginning of value'
  return isInArray(before) ? 'after array element' : 'after object key:value pair'
}

function isInArray(before: string): boolean {
  const open: string[] = []
  for (const character of before.replace(/"(?:[^"\\]|\\.)*"/g, '')) {
    if (character === '[' || character === '{') open.push(character)
    if (character === ']' || character === '}') open.pop()
  }
  return open.at(-1) === '['
}
