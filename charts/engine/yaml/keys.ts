// Key order of go-yaml's emitters: natural sort. Upstream: go-yaml sorter.go.

import { isAscii } from '../gotypes/utf8.ts'

const LETTER = /\p{L}/u
const DIGIT = /\p{Nd}/u
const SIMPLE = /^[A-Za-z]*$/

/** Keys of only ASCII letters, the common case, compare by code unit. */
function compareKeys(a: string, b: string): number {
  if (SIMPLE.test(a) && SIMPLE.test(b)) return a < b ? -1 : a > b ? 1 : 0
  return compareNaturally([...a], [...b])
}

function isLetter(char: string): boolean {
  return isAscii(char) ? SIMPLE.test(char) : LETTER.test(char)
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && (char >= '0' && char <= '9' ? true : char > '\x7f' && DIGIT.test(char))
}

function compareNaturally(a: readonly string[], b: readonly string[]): number {
  let afterDigit = false
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a[i] as string
    const y = b[i] as string
    if (x === y) {
      afterDigit = isDigit(x)
      continue
    }
    const xLetter = isLetter(x)
    const yLetter = isLetter(y)
    if (xLetter && yLetter) return order(x, y)
    if (xLetter || yLetter) return xLetter === afterDigit ? -1 : 1
    return compareRuns(a, b, i)
  }
  return a.length - b.length
}

function compareRuns(a: readonly string[], b: readonly string[], i: number): number {
  let lead = 0
  if (a[i] === '0' || b[i] === '0') {
    for (let j = i - 1; j >= 0 && isDigit(a[j]); j--) if (a[j] !== '0') lead = 1
  }
  const left = run(a, i, lead)
  const right = run(b, i, lead)
  if (left.value !== right.value) return left.value < right.value ? -1 : 1
  if (left.end !== right.end) return left.end - right.end
  return order(a[i] as string, b[i] as string)
}

function run(chars: readonly string[], start: number, lead: number): { value: number; end: number } {
  let value = lead
  let end = start
  for (; isDigit(chars[end]); end++) value = value * 10 + ((chars[end] as string).charCodeAt(0) - 48)
  return { value, end }
}

function order(x: string, y: string): number {
  return (x.codePointAt(0) ?? 0) - (y.codePointAt(0) ?? 0)
}

export function sortYamlKeys(map: ReadonlyMap<string, unknown>): string[] {
  return [...map.keys()].sort(compareKeys)
}
