/** What a pattern finds. Upstream: apiserver pkg/cel/library/regex.go. */
import { patternMatch } from '../cost.ts'
import { type CelLibrary, defineMember } from '../functions.ts'
import { patternOf } from '../patterns.ts'
import { ArrayList, type CelList, type CelValue } from '../values.ts'

function find(text: string, pattern: string): string {
  const matcher = patternOf(pattern).matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
}

function findAll(text: string, pattern: string, limit = -1n): CelList {
  const matcher = patternOf(pattern).matcher(text)
  const found: string[] = []
  while ((limit < 0n || BigInt(found.length) < limit) && matcher.find()) found.push(matcher.group() ?? '')
  return new ArrayList(found)
}

const cost = ([text, pattern]: readonly CelValue[]): number => patternMatch(text, pattern)

export const REGEX_LIBRARY: CelLibrary = {
  overloads: [
    defineMember('string.find(string): string', find, cost),
    defineMember('string.findAll(string): list(string)', findAll, cost),
    defineMember('string.findAll(string, int): list(string)', findAll, cost),
  ],
}
