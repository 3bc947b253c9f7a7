/** The syntax of cron schedules, as robfig/cron v3's standard parser reads them. Errors carry its messages. */

interface CronField {
  readonly min: number
  readonly max: number
  readonly names?: ReadonlyMap<string, number>
}

const namesFrom = (first: number, names: string): ReadonlyMap<string, number> =>
  new Map(names.split(' ').map((name, i) => [name, i + first]))

const FIELDS: readonly CronField[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: namesFrom(1, 'jan feb mar apr may jun jul aug sep oct nov dec') },
  { min: 0, max: 6, names: namesFrom(0, 'sun mon tue wed thu fri sat') },
]
const DESCRIPTORS: ReadonlySet<string> = new Set([
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
])
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/

/** Undefined when `schedule` can be parsed, else why not. */
export function cronScheduleError(schedule: string): string | undefined {
  const spec = schedule.replace(/^(?:TZ|CRON_TZ)=\S+\s+/, '')
  if (spec === '') return 'empty spec string'
  if (spec.startsWith('@')) {
    if (DESCRIPTORS.has(spec)) return undefined
    if (!spec.startsWith('@every ')) return `unrecognized descriptor: ${spec}`
    const problem = durationError(spec.slice('@every '.length))
    return problem === undefined ? undefined : `failed to parse duration ${spec}: ${problem}`
  }
  const fields = spec.split(/\s+/).filter((field) => field !== '')
  if (fields.length !== FIELDS.length) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`
  for (const [i, field] of fields.entries()) {
    const rules = FIELDS[i]
    const error = rules === undefined ? undefined : fieldError(field, rules)
    if (error !== undefined) return error
  }
  return undefined
}

/** What Go's time.ParseDuration says. */
function durationError(text: string): string | undefined {
  if (/^[+-]?0$/.test(text) || DURATION.test(text)) return undefined
  const quoted = JSON.stringify(text)
  const rest = text.replace(/^[+-]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))*/, '')
  const [, number, unit = ''] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest) ?? []
  if (number === undefined) return `time: invalid duration ${quoted}`
  if (unit === '') return `time: missing unit in duration ${quoted}`
  return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`
}

function fieldError(text: string, rules: CronField): string | undefined {
  for (const part of text.split(',')) {
    const error = part === '' ? undefined : rangeError(part, rules)
    if (error !== undefined) return error
  }
  return undefined
}

function rangeError(text: string, rules: CronField): string | undefined {
  const [range = '', step, ...extra] = text.split('/')
  if (extra.length > 0) return `too many slashes: ${text}`
  const [low = '', high, ...more] = range.split('-')
  if (more.length > 0) return `too many hyphens: ${text}`
  const isAny = low === '*' || low === '?'
  const start = isAny ? rules.min : numberOrName(low, rules)
  const end = isAny ? rules.max : high === undefined ? start : numberOrName(high, rules)
  for (const [word, value] of [
    [low, start],
    [high ?? low, end],
    [step ?? '1', Number(step ?? 1)],
  ] as const) {
    if (!Number.isInteger(value) || (value as number) < 0)
      return `failed to parse int from ${word}: strconv.Atoi: parsing "${word}": invalid syntax`
  }
  const last = step !== undefined && high === undefined ? rules.max : (end ?? 0)
  const first = start ?? 0
  if (first < rules.min) return `beginning of range (${first}) below minimum (${rules.min}): ${text}`
  if (last > rules.max) return `end of range (${last}) above maximum (${rules.max}): ${text}`
  if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${text}`
  if (step !== undefined && Number(step) === 0) return `step of range should be a positive number: ${text}`
  return undefined
}

function numberOrName(word: string, { names }: CronField): number | undefined {
  return names?.get(word.toLowerCase()) ?? (/^\d+$/.test(word) ? Number(word) : undefined)
}
