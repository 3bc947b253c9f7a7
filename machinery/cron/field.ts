/** One field of a cron schedule: lists, ranges, steps and names. Errors carry robfig/cron v3's messages. */

export interface FieldRules {
  readonly min: number
  readonly max: number
  readonly names?: ReadonlyMap<string, number>
}

export interface CronField {
  readonly values: ReadonlySet<number>
  /** Written as every value (`*`, `?`, with a step of one at most): of two day fields such a one does not choose. */
  readonly isAny: boolean
}

const INT_MAX = 2n ** 63n

/** Throws an Error. */
export function parseField(text: string, rules: FieldRules): CronField {
  const values = new Set<number>()
  let isAny = false
  for (const expression of text.split(',')) {
    if (expression === '') continue
    const range = parseRange(expression, rules)
    for (let value = range.first; value <= range.last; value += range.step) values.add(value)
    isAny ||= range.isAny
  }
  return { values, isAny }
}

interface Range {
  readonly first: number
  readonly last: number
  readonly step: number
  readonly isAny: boolean
}

function parseRange(expression: string, rules: FieldRules): Range {
  const [bounds = '', stepText, ...furtherSteps] = expression.split('/')
  const { first, last, isStar, isSingle } = parseBounds(expression, bounds, rules)
  if (furtherSteps.length > 0) throw new Error(`too many slashes: ${expression}`)
  const step = stepText === undefined ? 1 : parseNumber(stepText)
  const range = { first, last: stepText !== undefined && isSingle ? rules.max : last, step, isAny: isStar && step <= 1 }
  checkRange(expression, range, rules)
  return range
}

interface Bounds {
  readonly first: number
  readonly last: number
  readonly isStar: boolean
  /** No upper bound was given: with a step the range goes on to the end. */
  readonly isSingle: boolean
}

function parseBounds(expression: string, text: string, rules: FieldRules): Bounds {
  const [low = '', high, ...further] = text.split('-')
  const isSingle = high === undefined
  if (low === '*' || low === '?') return { first: rules.min, last: rules.max, isStar: true, isSingle }
  const first = numberOrName(low, rules)
  if (further.length > 0) throw new Error(`too many hyphens: ${expression}`)
  return { first, last: isSingle ? first : numberOrName(high, rules), isStar: false, isSingle }
}

function checkRange(expression: string, { first, last, step }: Range, { min, max }: FieldRules): void {
  if (first < min) throw new Error(`beginning of range (${first}) below minimum (${min}): ${expression}`)
  if (last > max) throw new Error(`end of range (${last}) above maximum (${max}): ${expression}`)
  if (first > last) throw new Error(`beginning of range (${first}) beyond end of range (${last}): ${expression}`)
  if (step === 0) throw new Error(`step of range should be a positive number: ${expression}`)
}

function numberOrName(word: string, { names }: FieldRules): number {
  return names?.get(word.toLowerCase()) ?? parseNumber(word)
}

/** As Go's strconv.Atoi. */
function parseNumber(word: string): number {
  const failure = (why: string): Error =>
    new Error(`failed to parse int from ${word}: strconv.Atoi: parsing ${JSON.stringify(word)}: ${why}`)
  if (!/^[+-]?\d+$/.test(word)) throw failure('invalid syntax')
  const value = BigInt(word.replace(/^\+/, ''))
  if (value >= INT_MAX || value < -INT_MAX) throw failure('value out of range')
  if (value < 0n) throw new Error(`negative number (${value}) not allowed: ${word}`)
  return Number(value)
}
