// sprig's regular expression functions: RE2 syntax, Go's matching order and replacement templates.
// Upstream: sprig v3.3.0 regex.go, Go regexp.

import { RE2JS } from 're2js'
import { quote } from '../gofmt/quote.ts'
import { GoError } from '../gotypes/error.ts'
import { defineFunc, type GoFunc, GoSlice } from '../gotypes/value.ts'

const CACHE_MAX = 512
const cache = new Map<string, RE2JS>()

function compile(pattern: string): RE2JS {
  const known = cache.get(pattern)
  if (known !== undefined) return known
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    throw new GoError(goMessage(error))
  }
  if (cache.size >= CACHE_MAX) cache.clear()
  cache.set(pattern, compiled)
  return compiled
}

function goMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** regexp.MustCompile panics with the pattern in its message. */
function mustCompile(pattern: string): RE2JS {
  try {
    return compile(pattern)
  } catch (error) {
    const shown = /`|(?!\t)\p{Cc}/u.test(pattern) ? quote(pattern) : `\`${pattern}\``
    throw new GoError(`regexp: Compile(${shown}): ${goMessage(error)}`)
  }
}

/** Bounds of the whole match and of each group, -1 where a group took no part. */
type Match = readonly (readonly [start: number, end: number])[]

function* matches(regex: RE2JS, text: string): Generator<Match> {
  const matcher = regex.matcher(text)
  let position = 0
  let previousEnd = -1
  while (position <= text.length && matcher.find(position)) {
    const groups: [number, number][] = []
    for (let i = 0; i <= matcher.groupCount(); i++) groups.push([matcher.start(i), matcher.end(i)])
    const [start, end] = groups[0] as [number, number]
    // An empty match right after a match is not a match.
    const isAccepted = !(end === start && start === previousEnd)
    if (end > position) position = end
    else position += (text.codePointAt(position) ?? 0) > 0xffff ? 2 : 1
    previousEnd = end
    if (isAccepted) yield groups
  }
}

function find(regex: RE2JS, text: string): string {
  const matcher = regex.matcher(text)
  return matcher.find() ? text.slice(matcher.start(), matcher.end()) : ''
}

function findAll(regex: RE2JS, text: string, limit: number): GoSlice {
  const found: string[] = []
  for (const match of matches(regex, text)) {
    if (limit >= 0 && found.length >= limit) break
    const [start, end] = match[0] as readonly [number, number]
    found.push(text.slice(start, end))
  }
  return new GoSlice('[]string', found, found.length === 0)
}

function replaceAll(regex: RE2JS, text: string, replacement: (match: Match) => string): string {
  let out = ''
  let last = 0
  for (const match of matches(regex, text)) {
    const [start, end] = match[0] as readonly [number, number]
    out += text.slice(last, start) + replacement(match)
    last = end
  }
  return out + text.slice(last)
}

/** Go's Regexp.Expand: $name takes the longest word, ${name} is explicit, unknown groups are empty. */
function expand(regex: RE2JS, template: string, text: string, match: Match): string {
  return template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (all, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare
    if (name === undefined) return all === '$$' ? '$' : all
    const index = /^[0-9]+$/.test(name) ? Number(name) : groupIndex(regex, name)
    const bounds = match[index]
    return bounds === undefined || bounds[0] < 0 ? '' : text.slice(bounds[0], bounds[1])
  })
}

function groupIndex(regex: RE2JS, name: string): number {
  const groups = regex.namedGroups() as Record<string, number>
  return Object.hasOwn(groups, name) ? (groups[name] as number) : -1
}

function split(regex: RE2JS, text: string, limit: number): GoSlice {
  if (limit === 0) return new GoSlice('[]string', [], true)
  const parts: string[] = []
  let start = 0
  let end = 0
  for (const match of matches(regex, text)) {
    if (limit > 0 && parts.length === limit - 1) break
    end = (match[0] as readonly [number, number])[0]
    const next = (match[0] as readonly [number, number])[1]
    if (next !== 0) parts.push(text.slice(start, end))
    start = next
  }
  if (end !== text.length || parts.length === 0 || start <= text.length) {
    if (!(end === text.length && start === end && parts.length > 0 && text.length === 0)) parts.push(text.slice(start))
  }
  return new GoSlice('[]string', parts)
}

type Compile = (pattern: string) => RE2JS

function family(prefix: string, compileWith: Compile): GoFunc[] {
  const name = (base: string): string => (prefix === '' ? `regex${base}` : `mustRegex${base}`)
  return [
    defineFunc(name('Find'), 'string, string', 'string', (pattern: string, text: string) =>
      find(compileWith(pattern), text),
    ),
    defineFunc(name('FindAll'), 'string, string, int', '[]string', (pattern: string, text: string, limit: number) =>
      findAll(compileWith(pattern), text, limit),
    ),
    defineFunc(
      name('ReplaceAll'),
      'string, string, string',
      'string',
      (pattern: string, text: string, template: string) => {
        const regex = compileWith(pattern)
        return replaceAll(regex, text, (match) => expand(regex, template, text, match))
      },
    ),
    defineFunc(
      name('ReplaceAllLiteral'),
      'string, string, string',
      'string',
      (pattern: string, text: string, literal: string) => replaceAll(compileWith(pattern), text, () => literal),
    ),
    defineFunc(name('Split'), 'string, string, int', '[]string', (pattern: string, text: string, limit: number) =>
      split(compileWith(pattern), text, limit),
    ),
  ]
}

export const REGEX_FUNCTIONS: readonly GoFunc[] = [
  ...family('', mustCompile),
  ...family('must', compile),
  defineFunc('regexMatch', 'string, string', 'bool', (pattern: string, text: string) => {
    try {
      return compile(pattern).matcher(text).find()
    } catch {
      return false // regexMatch drops the compile error.
    }
  }),
  defineFunc('mustRegexMatch', 'string, string', 'bool', (pattern: string, text: string) =>
    compile(pattern).matcher(text).find(),
  ),
  defineFunc('regexQuoteMeta', 'string', 'string', (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
]
