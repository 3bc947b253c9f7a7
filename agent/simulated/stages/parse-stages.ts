/**
 * Reads kwok Stage objects (`kwok.x-k8s.io/v1alpha1`) from parsed YAML documents. What is not supported is an error that
 * names the stage and the field. Upstream: kwok pkg/apis/v1alpha1/stage_types.go.
 */
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import { isObject } from '#machinery/util/json.ts'
import { compileJq, type Query } from './jq.ts'
import { labelsMatch, type Stage } from './stage.ts'
import { parseNext, parseSteps } from './parse-steps.ts'
import { fieldsOf, optionalNumber, optionalText, type Fields } from './fields.ts'

const API_VERSION = 'kwok.x-k8s.io/v1alpha1'

/** Throws an Error with the name of the stage and the path of the field. Documents of other kinds are refused. */
export function parseStages(documents: readonly unknown[]): Stage[] {
  return documents.flatMap((document) => {
    if (document === null || document === undefined) return []
    if (isObject(document) && document['kind'] === 'List' && Array.isArray(document['items']))
      return parseStages(document['items'])
    if (!isObject(document) || document['kind'] !== 'Stage' || document['apiVersion'] !== API_VERSION)
      throw new Error(`not a Stage of ${API_VERSION}: ${describe(document)}`)
    const metadata = isObject(document['metadata']) ? document['metadata'] : {}
    return parseStage(String(metadata['name'] ?? ''), document['spec'])
  })
}

const describe = (document: unknown): string =>
  isObject(document) ? `${String(document['apiVersion'])} ${String(document['kind'])}` : typeof document

const SPEC_FIELDS = ['resourceRef', 'selector', 'weight', 'weightFrom', 'delay', 'next', 'steps', 'immediateNextStage']

function parseStage(name: string, value: unknown): Stage[] {
  const where = `stage ${name}: spec`
  const spec = fieldsOf(value, where, SPEC_FIELDS)
  const reference = fieldsOf(spec['resourceRef'], `${where}.resourceRef`, ['apiGroup', 'kind'])
  const kind = reference['kind']
  const group = reference['apiGroup'] ?? 'v1'
  if (group !== 'v1' || (kind !== 'Pod' && kind !== 'Node'))
    throw new Error(`${where}.resourceRef: only Pod and Node of v1 are supported, not ${String(group)} ${String(kind)}`)
  // As kwok: a stage without a selector is off.
  if (spec['selector'] === undefined) return []
  const weightFrom = parseExpressionFrom(spec['weightFrom'], `${where}.weightFrom`)
  const weight = optionalNumber(spec['weight'], `${where}.weight`) ?? 0
  const steps = [...parseNext(spec['next'], `${where}.next`), ...parseSteps(spec['steps'], `${where}.steps`)]
  return [
    {
      name,
      kind,
      matches: parseSelector(spec['selector'], `${where}.selector`),
      weight: (object) => weightOf(object, weight, weightFrom),
      delayMs: parseDelay(spec['delay'], `${where}.delay`),
      steps,
    },
  ]
}

function weightOf(object: unknown, fallback: number, from: Query | undefined): number | undefined {
  const found = from?.(object)[0]
  if (found === undefined) return fallback
  if (found === '') return undefined
  const weight = Number(found)
  return Number.isInteger(weight) && weight >= 0 ? weight : fallback
}

function parseSelector(value: unknown, where: string): (object: unknown) => boolean {
  const selector = fieldsOf(value, where, ['matchLabels', 'matchAnnotations', 'matchExpressions'])
  const expressions = listOf(selector['matchExpressions'], `${where}.matchExpressions`)
  const requirements = expressions.map((item, i) => parseRequirement(item, `${where}.matchExpressions[${i}]`))
  return (object) => {
    const metadata = isObject(object) && isObject(object['metadata']) ? object['metadata'] : {}
    return (
      labelsMatch(selector['matchLabels'], metadata['labels']) &&
      labelsMatch(selector['matchAnnotations'], metadata['annotations']) &&
      requirements.every((matches) => matches(object))
    )
  }
}

function parseRequirement(value: unknown, where: string): (object: unknown) => boolean {
  const outer = fieldsOf(value, where, ['key', 'operator', 'values', 'jq'])
  const fields = outer['jq'] === undefined ? outer : fieldsOf(outer['jq'], `${where}.jq`, ['key', 'operator', 'values'])
  const query = compile(optionalText(fields['key'], `${where}.key`) ?? '', `${where}.key`)
  const values = new Set(listOf(fields['values'], `${where}.values`).map(String))
  const isListed = (object: unknown): boolean =>
    query(object).some((found) => typeof found !== 'object' && values.has(String(found)))
  const operator = fields['operator']
  switch (operator) {
    case 'In':
      return isListed
    case 'NotIn':
      return (object) => !isListed(object)
    case 'Exists':
      return (object) => query(object).length > 0
    case 'DoesNotExist':
      return (object) => query(object).length === 0
    default:
      throw new Error(`${where}.operator: "${String(operator)}" is not In, NotIn, Exists or DoesNotExist`)
  }
}

/** With jitter the delay lies between the two durations. */
function parseDelay(value: unknown, where: string): Stage['delayMs'] {
  if (value === undefined) return () => 0
  const names = ['durationMilliseconds', 'durationFrom', 'jitterDurationMilliseconds', 'jitterDurationFrom']
  const delay = fieldsOf(value, where, names)
  const duration = parseDuration(delay, 'duration', where)
  const jitter = parseDuration(delay, 'jitterDuration', where)
  return (object, nowMs, random) => {
    const fromMs = duration(object, nowMs)
    if (fromMs === undefined && delay['durationFrom'] !== undefined) return 0
    const toMs = jitter(object, nowMs)
    if (toMs === undefined) return Math.max(0, fromMs ?? 0)
    const range = Math.floor(toMs - (fromMs ?? 0))
    return Math.max(0, range <= 0 ? toMs : (fromMs ?? 0) + random.int(range))
  }
}

function parseDuration(
  delay: Fields,
  prefix: 'duration' | 'jitterDuration',
  where: string,
): (object: unknown, nowMs: number) => number | undefined {
  const fixedMs = optionalNumber(delay[`${prefix}Milliseconds`], `${where}.${prefix}Milliseconds`)
  const from = parseExpressionFrom(delay[`${prefix}From`], `${where}.${prefix}From`)
  if (from === undefined) return () => fixedMs
  return (object, nowMs) => {
    const text = from(object)[0]
    if (typeof text !== 'string') return fixedMs
    if (text === '') return undefined
    const moment = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN
    if (!Number.isNaN(moment)) return moment - nowMs
    try {
      return parseDurationMs(text)
    } catch {
      return fixedMs
    }
  }
}

/** `{expressionFrom: jq}` or `{jq: {expression}}`. */
function parseExpressionFrom(value: unknown, where: string): Query | undefined {
  if (value === undefined) return undefined
  const fields = fieldsOf(value, where, ['expressionFrom', 'jq'])
  const nested = fields['jq'] === undefined ? undefined : fieldsOf(fields['jq'], `${where}.jq`, ['expression'])
  const text = optionalText(fields['expressionFrom'] ?? nested?.['expression'], where)
  return text === undefined ? undefined : compile(text, where)
}

function compile(text: string, where: string): Query {
  try {
    return compileJq(text)
  } catch (err: unknown) {
    throw new Error(`${where}: ${err instanceof Error ? err.message : String(err)}`, { cause: err })
  }
}

function listOf(value: unknown, where: string): unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  throw new Error(`${where}: must be a list`)
}
