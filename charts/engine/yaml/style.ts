// Which style a string is written in. Upstream: go-yaml v2 encode.go stringv, emitterc.go
// yaml_emitter_analyze_scalar and yaml_emitter_select_scalar_style.

import { resolvePlain } from '#machinery/util/yaml/resolve.ts'

export type Style = 'plain' | 'single' | 'double' | 'literal'

interface Analysis {
  readonly isMultiline: boolean
  readonly isPlainAllowed: boolean
  readonly isSingleAllowed: boolean
  readonly isBlockAllowed: boolean
}

const SAFE_WORD = /^[A-Za-z_/][A-Za-z0-9_/.-]*$/
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const FIRST_INDICATORS = '#,[]{}&*!|>\'"%@`'
const TIMESTAMP =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2}))|(?: ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?))?$/

/** What go-yaml accepts as a timestamp: a valid date, with an optional time. */
function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text)
  if (match === null) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const days = [
    31,
    (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28,
    31,
    30,
    31,
    30,
    31,
    31,
    30,
    31,
    30,
    31,
  ]
  if (month < 1 || month > 12 || day < 1 || day > (days[month - 1] as number)) return false
  const [hour, minute, second] = [match[4] ?? match[7] ?? '0', match[5] ?? match[8] ?? '0', match[6] ?? match[9] ?? '0']
  return Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60
}

/** Whether the plain text would be read back as something other than a string. */
function readsAsOther(text: string): boolean {
  if (BASE_60.test(text)) return true
  return typeof resolvePlain(text) !== 'string' || isTimestamp(text)
}

export function styleOf(text: string, isKey: boolean): Style {
  if (SAFE_WORD.test(text)) {
    if (text.length > 5) return 'plain'
    return typeof resolvePlain(text) === 'string' ? 'plain' : 'double'
  }
  const wanted: Style = text.includes('\n') ? 'literal' : readsAsOther(text) ? 'double' : 'plain'
  if (wanted === 'double') return 'double'
  const analysis = analyze(text)
  if (isKey && analysis.isMultiline) return 'double'
  if (wanted === 'literal') return analysis.isBlockAllowed && !isKey ? 'literal' : 'double'
  if (analysis.isPlainAllowed && !(text === '' && isKey)) return 'plain'
  return analysis.isSingleAllowed ? 'single' : 'double'
}

/** libyaml's notion of printable: no tabs, no characters beyond the basic plane. */
export function isPrintable(code: number): boolean {
  return (
    code === 0x0a ||
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code < 0xd800) ||
    (code >= 0xe000 && code < 0xfffe && code !== 0xfeff)
  )
}

function isBreakCode(code: number): boolean {
  return code === 0x0a || code === 0x0d || code === 0x85 || code === 0x2028 || code === 0x2029
}

function analyze(text: string): Analysis {
  if (text === '') return { isMultiline: false, isPlainAllowed: true, isSingleAllowed: true, isBlockAllowed: false }
  let indicators = text.startsWith('---') || text.startsWith('...')
  let lineBreaks = false
  let special = false
  let breakSpace = false
  let spaceBreak = false
  let previousSpace = false
  let previousBreak = false
  let precededByBlank = true
  const { length } = text
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    const next = text.charCodeAt(i + 1)
    const followedByBlank = i + 1 >= length || next === 0x20 || next === 0x09
    indicators ||= isIndicator(text[i] as string, i === 0, followedByBlank, precededByBlank)
    if (!isPrintable(code)) special = true
    if (code === 0x20) {
      if (previousBreak) breakSpace = true
      previousSpace = true
      previousBreak = false
    } else if (isBreakCode(code)) {
      lineBreaks = true
      if (previousSpace) spaceBreak = true
      previousSpace = false
      previousBreak = true
    } else {
      previousSpace = false
      previousBreak = false
    }
    precededByBlank = code === 0x20 || code === 0x09 || isBreakCode(code)
  }
  const first = text.charCodeAt(0)
  const last = text.charCodeAt(length - 1)
  const edges = first === 0x20 || isBreakCode(first) || last === 0x20 || isBreakCode(last)
  return {
    isMultiline: lineBreaks,
    isPlainAllowed: !(edges || breakSpace || spaceBreak || special || lineBreaks || indicators),
    isSingleAllowed: !(breakSpace || spaceBreak || special),
    isBlockAllowed: !(spaceBreak || special || last === 0x20),
  }
}

function isIndicator(char: string, isFirst: boolean, followedByBlank: boolean, precededByBlank: boolean): boolean {
  if (isFirst) {
    if (FIRST_INDICATORS.includes(char)) return true
    return followedByBlank && (char === '?' || char === ':' || char === '-')
  }
  return (char === ':' && followedByBlank) || (char === '#' && precededByBlank)
}
