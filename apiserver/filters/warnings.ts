/**
 * Warning headers (`299 - "text"`). Upstream: apiserver pkg/endpoints/filters/warning.go: each once, cut when all
 * together grow past 4 kB.
 */
import type { ApiResponse } from '../server/interfaces.ts'
import type { ApiCall, Handler } from './interfaces.ts'

const TOTAL_MAX = 4 * 1024
const TRUNCATED_MAX = 256

export function withWarnings(next: Handler): Handler {
  return (call) => {
    const response = next(call)
    if (response instanceof Promise) return response.then((value) => addWarnings(call, value))
    return addWarnings(call, response)
  }
}

function addWarnings(call: ApiCall, response: ApiResponse): ApiResponse {
  if (call.warnings.length === 0) return response
  return {
    status: response.status,
    body: response.body,
    headers: { ...response.headers, warning: formatAll(call.warnings) },
  }
}

function formatAll(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)]
  const total = texts.reduce((sum, text) => sum + text.length, 0)
  const shown = total > TOTAL_MAX ? texts.map((text) => text.slice(0, TRUNCATED_MAX)) : texts
  const headers: string[] = []
  let size = 0
  for (const text of shown) {
    size += text.length
    if (size > TOTAL_MAX) break
    headers.push(`299 - "${headerText(text)}"`)
  }
  return headers
}

/** Quoted-string escapes; control and non-Latin-1 characters cannot stand in a header. */
function headerText(text: string): string {
  let safe = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (character === '"' || character === '\\') safe += `\\${character}`
    else if (code < 32 || code === 127) safe += ' '
    else safe += code > 255 ? '?' : character
  }
  return safe
}
