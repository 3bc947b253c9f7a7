/** What the language says of strings. Upstream: cel-go common/stdlib/standard.go. */
import { patternMatch, sizeOf, traversal, traversalOf } from '../cost.ts'
import { define, defineMember, type Overload } from '../functions.ts'
import { patternOf } from '../patterns.ts'

const matches = (text: string, pattern: string): boolean => patternOf(pattern).matcher(text).find()

export const STRING_FUNCTIONS: readonly Overload[] = [
  defineMember(
    'string.contains(string): bool',
    (text: string, part: string) => text.includes(part),
    ([text, part]) => traversal(sizeOf(text)) * traversal(sizeOf(part)),
  ),
  defineMember('string.endsWith(string): bool', (text: string, end: string) => text.endsWith(end), traversalOf()),
  defineMember(
    'string.startsWith(string): bool',
    (text: string, start: string) => text.startsWith(start),
    traversalOf(),
  ),
  defineMember('string.matches(string): bool', matches, ([text, pattern]) => patternMatch(text, pattern)),
  define('matches(string, string): bool', matches, ([text, pattern]) => patternMatch(text, pattern)),
]
