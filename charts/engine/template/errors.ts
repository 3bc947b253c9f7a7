// Error texts of text/template with Go's positions, and Helm's reformatting of them.
// Upstream: text/template/exec.go (errorf), helm pkg/engine/engine.go (cleanupParseError, reformatExecErrorMsg).

import { quote } from '../gofmt/quote.ts'
import { GoError } from '../gotypes/error.ts'
import { byteLength } from '../gotypes/utf8.ts'
import { type Node, nodeText } from './nodes.ts'

/** An error at a node of an executing template. */
class ExecError extends GoError {}

/** Where a template came from; `text` is kept for positions. */
export interface Source {
  readonly parseName: string
  readonly text: string
}

export function parseError(parseName: string, line: number, message: string): GoError {
  return new GoError(`template: ${parseName}:${line}: ${message}`)
}

export function execError(
  source: Source,
  templateName: string,
  node: Node,
  message: string,
  cause?: GoError,
): ExecError {
  const before = source.text.slice(0, node.pos)
  const lineStart = before.lastIndexOf('\n') + 1
  let line = 1
  for (let i = before.indexOf('\n'); i >= 0; i = before.indexOf('\n', i + 1)) line++
  const location = `${source.parseName}:${line}:${byteLength(before.slice(lineStart))}`
  const text = `template: ${location}: executing ${quote(templateName)} at <${nodeText(node)}>: ${message}`
  return new ExecError(text, cause)
}

const WARN_START = 'HELM_ERR_START'
const WARN_END = 'HELM_ERR_END'

export function warnWrap(message: string): string {
  return WARN_START + message + WARN_END
}

export function cleanupParseError(fileName: string, error: GoError): GoError {
  const tokens = error.message.split(': ')
  if (tokens.length === 1) return new GoError(`parse error in (${fileName}): ${error.message}`, error)
  return new GoError(`parse error at (${tokens[1]}): ${tokens[tokens.length - 1]}`)
}

export function reformatExecError(fileName: string, error: GoError): GoError {
  if (!chainHasExecError(error)) return error
  const first = error.message.indexOf(': ')
  const second = first < 0 ? -1 : error.message.indexOf(': ', first + 2)
  if (second < 0) return new GoError(`execution error in (${fileName}): ${error.message}`, error)
  const location = error.message.slice(first + 2, second)
  const rest = error.message.slice(second + 2)
  const start = rest.indexOf(WARN_START)
  const end = rest.lastIndexOf(WARN_END)
  if (start >= 0 && end > start) {
    return new GoError(`execution error at (${location}): ${rest.slice(start + WARN_START.length, end)}`)
  }
  return formatTrace(error)
}

function chainHasExecError(error: GoError): boolean {
  for (let current: GoError | undefined = error; current !== undefined; current = current.cause) {
    if (current instanceof ExecError) return true
  }
  return false
}

/** One frame per error of the chain; when any of them is not a template error Helm shows the raw text. */
function formatTrace(error: GoError): GoError {
  const frames: string[] = []
  for (let current: GoError | undefined = error; current !== undefined; current = current.cause) {
    const frame = traceFrame(current.message)
    if (frame === undefined) return error
    if (frames[frames.length - 1] !== frame) frames.push(frame)
  }
  return new GoError(frames.join('').trim())
}

function traceFrame(message: string): string | undefined {
  const prefix = 'template: '
  if (!message.startsWith(prefix)) return undefined
  const rest = message.slice(prefix.length)
  if (rest.startsWith('no template ')) return `${message}\n`
  return executingFrame(rest) ?? simpleFrame(rest)
}

function executingFrame(rest: string): string | undefined {
  const match = /^(.*?): executing "([^"]*)" at <(.*?)>: (.*)$/s.exec(rest)
  if (match === null) return undefined
  const [, location, name, context, detail] = match as unknown as [string, string, string, string, string]
  return `${location}\n  executing "${name}" at <${context}>:\n    ${cutChained(detail)}\n`
}

function simpleFrame(rest: string): string | undefined {
  const split = rest.lastIndexOf(': ')
  if (split < 0) return undefined
  return `${rest.slice(0, split)}\n  ${cutChained(rest.slice(split + 2))}\n`
}

function cutChained(text: string): string {
  const cut = text.indexOf(' template:')
  return cut < 0 ? text : text.slice(0, cut)
}
