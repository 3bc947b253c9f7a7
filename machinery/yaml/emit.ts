/**
 * Writes YAML as kubectl does: sorted keys, two spaces, sequences at their key's column, goyaml's quoting.
 * Upstream: sigs.k8s.io/yaml over goyaml.v2 (encode.go, sorter.go, emitterc.go).
 */

/** Ends with a newline. Undefined members are left out. */
export function toYaml(value: unknown): string {
  if (isEmptyCollection(value) || typeof value !== 'object' || value === null) return `${scalar(value, '')}\n`
  const lines: string[] = []
  writeCollection(value, '', lines)
  return `${lines.join('\n')}\n`
}

function isEmptyCollection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && presentKeys(value).length === 0
}

function presentKeys(value: object): string[] {
  return Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined)
}

function writeCollection(value: object, indent: string, lines: string[]): void {
  if (Array.isArray(value)) {
    for (const element of value) writeElement(element, indent, lines)
    return
  }
  for (const key of presentKeys(value).sort(compareKeys)) {
    const member = (value as Record<string, unknown>)[key]
    const head = `${indent}${scalar(key, indent)}:`
    if (typeof member !== 'object' || member === null || isEmptyCollection(member)) {
      lines.push(`${head} ${scalar(member, indent)}`)
    } else {
      lines.push(head)
      writeCollection(member, Array.isArray(member) ? indent : `${indent}  `, lines)
    }
  }
}

function writeElement(element: unknown, indent: string, lines: string[]): void {
  if (typeof element !== 'object' || element === null || isEmptyCollection(element)) {
    lines.push(`${indent}- ${scalar(element, `${indent}  `.slice(2))}`)
    return
  }
  const nested: string[] = []
  writeCollection(element, `${indent}  `, nested)
  nested[0] = `${indent}- ${(nested[0] as string).slice(indent.length + 2)}`
  lines.push(...nested)
}

function scalar(value: unknown, indent: string): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'object') return Array.isArray(value) ? '[]' : '{}'
  return text(String(value), indent)
}

const AMBIGUOUS =
  /^(?:|~|null|Null|NULL|[yYnN]|[Yy]es|YES|[Nn]o|NO|[Tt]rue|TRUE|[Ff]alse|FALSE|[Oo]n|ON|[Oo]ff|OFF|<<|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
const NUMBER =
  /^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?\d[\d_]*|[-+]?(?:\.\d+|\d[\d_]*(?:\.[\d_]*)?)(?:[eE][-+]?\d+)?)$/
const BASE_60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/
const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]|\s+|$)[\d:. +\-Zz]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters YAML cannot show as they are.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u0084\u0086-\u009f\ufeff\ufffe\uffff\u2028\u2029\u0085\t]/
const INDICATOR_START = /^(?:[,[\]{}#&*!|>'"%@`]|[-?:](?:\s|$)|---|\.\.\.)/

function text(value: string, indent: string): string {
  if (value.includes('\n')) return isLiteralSafe(value) ? literal(value, indent) : doubleQuoted(value)
  if (UNPRINTABLE.test(value)) return doubleQuoted(value)
  if (AMBIGUOUS.test(value) || NUMBER.test(value) || BASE_60.test(value) || TIMESTAMP.test(value))
    return doubleQuoted(value)
  const isPlain =
    !INDICATOR_START.test(value) && !/^\s|\s$/.test(value) && !/:(?:\s|$)/.test(value) && !/\s#/.test(value)
  return isPlain ? value : `'${value.replaceAll("'", "''")}'`
}

function isLiteralSafe(value: string): boolean {
  return (
    !UNPRINTABLE.test(value.replaceAll('\t', '')) && !/[ \t]\n/.test(value) && !/^\s*$/.test(value) && !/ $/.test(value)
  )
}

function literal(value: string, indent: string): string {
  const body = value.replace(/\n+$/, '')
  const trailing = value.length - body.length
  const chomping = trailing === 0 ? '-' : trailing === 1 ? '' : '+'
  const hint = /^[ \n]/.test(value) ? '2' : ''
  const lines = body.split('\n').map((line) => (line === '' ? '' : `${indent}  ${line}`))
  for (let i = 1; i < trailing; i++) lines.push('')
  return `|${hint}${chomping}\n${lines.join('\n')}`
}

function doubleQuoted(value: string): string {
  const escaped = JSON.stringify(value)
  return escaped
    .replaceAll('\u2028', '\\L')
    .replaceAll('\u2029', '\\P')
    .replace(/\\u([0-9a-f]{4})/g, (_, hex: string) =>
      hex.startsWith('00') ? `\\x${hex.slice(2).toUpperCase()}` : `\\u${hex.toUpperCase()}`,
    )
}

/** goyaml's natural order: digits by value, letters after everything else. */
function compareKeys(a: string, b: string): number {
  const left = [...a]
  const right = [...b]
  let inDigits = false
  for (let i = 0; i < left.length && i < right.length; i++) {
    const l = left[i] as string
    const r = right[i] as string
    if (l === r) {
      inDigits = isDigit(l)
      continue
    }
    const isLeftLetter = isLetter(l)
    const isRightLetter = isLetter(r)
    if (isLeftLetter && isRightLetter) return compareText(l, r)
    if (isLeftLetter || isRightLetter) return (inDigits ? isLeftLetter : isRightLetter) ? -1 : 1
    return compareNumbers(left, right, i)
  }
  return left.length - right.length
}

function compareNumbers(left: readonly string[], right: readonly string[], at: number): number {
  let leftEnd = at
  let rightEnd = at
  let leftValue = 0
  let rightValue = 0
  if (left[at] === '0' || right[at] === '0') {
    for (let j = at - 1; j >= 0 && isDigit(left[j] as string); j--) {
      if (left[j] !== '0') {
        leftValue = 1
        rightValue = 1
        break
      }
    }
  }
  while (leftEnd < left.length && isDigit(left[leftEnd] as string)) leftValue = leftValue * 10 + Number(left[leftEnd++])
  while (rightEnd < right.length && isDigit(right[rightEnd] as string)) {
    rightValue = rightValue * 10 + Number(right[rightEnd++])
  }
  if (leftValue !== rightValue) return leftValue - rightValue
  if (leftEnd !== rightEnd) return leftEnd - rightEnd
  return compareText(left[at] as string, right[at] as string)
}

const isDigit = (character: string): boolean => character >= '0' && character <= '9'
const isLetter = (character: string): boolean => /\p{L}/u.test(character)
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
