/** Named formats. Upstream: apiserver pkg/cel/library/format.go. */
import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
} from '../../meta/validation.ts'
import { traversal } from '../cost.ts'
import { type CelLibrary, define, defineMember } from '../functions.ts'
import { parseTimestamp } from '../time.ts'
import { type CelType, opaqueType } from '../types.ts'
import { ArrayList, CelOpaque, CelOptional, type CelValue, OPTIONAL_NONE } from '../values.ts'
import { parseRequestUri } from './url.ts'

const FORMAT_TYPE: CelType = opaqueType('kubernetes.NamedFormat')

interface FormatRules {
  /** What is wrong with a text. */
  readonly problems: (text: string) => readonly string[]
  /** Length of a pattern that would say the same: what its cost is counted by. */
  readonly patternSize: number
}

class CelFormat extends CelOpaque {
  readonly type = FORMAT_TYPE
  readonly name: string
  readonly rules: FormatRules

  constructor(name: string, rules: FormatRules) {
    super()
    this.name = name
    this.rules = rules
  }

  equals(other: CelValue): boolean {
    return other instanceof CelFormat && other.name === this.name
  }
}

/** A prefix may end in a dash, which the name it becomes part of will not. */
const asPrefix =
  (problems: FormatRules['problems']): FormatRules['problems'] =>
  (text) =>
    problems(text.replace(/-$/, 'a'))

const unless =
  (isValid: (text: string) => boolean, problem: string): FormatRules['problems'] =>
  (text) =>
    isValid(text) ? [] : [problem]

function uriProblems(text: string): string[] {
  try {
    parseRequestUri(text)
    return []
  } catch (err: unknown) {
    return [(err as Error).message]
  }
}

const isDate = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined
const isDateTime = (text: string): boolean =>
  parseTimestamp(text.replace(/[tz]/g, (mark) => mark.toUpperCase())) !== undefined
const isBase64 = (text: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/.test(text)
const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text)

const FORMATS: Readonly<Record<string, FormatRules>> = {
  dns1123Label: { problems: isDns1123Label, patternSize: 30 },
  dns1123Subdomain: { problems: isDns1123Subdomain, patternSize: 60 },
  dns1035Label: { problems: isDns1035Label, patternSize: 30 },
  qualifiedName: { problems: isQualifiedName, patternSize: 60 },
  dns1123LabelPrefix: { problems: asPrefix(isDns1123Label), patternSize: 30 },
  dns1123SubdomainPrefix: { problems: asPrefix(isDns1123Subdomain), patternSize: 60 },
  dns1035LabelPrefix: { problems: asPrefix(isDns1035Label), patternSize: 30 },
  labelValue: { problems: isLabelValue, patternSize: 40 },
  uri: { problems: uriProblems, patternSize: 1103 },
  uuid: { problems: unless(isUuid, 'does not match the UUID format'), patternSize: 88 },
  byte: { problems: unless(isBase64, 'invalid base64'), patternSize: 84 },
  date: { problems: unless(isDate, 'invalid date'), patternSize: 130 },
  datetime: { problems: unless(isDateTime, 'invalid datetime'), patternSize: 130 },
}

const VALUES: ReadonlyMap<string, CelFormat> = new Map(
  Object.entries(FORMATS).map(([name, rules]) => [name, new CelFormat(name, rules)]),
)

function named(name: string): CelOptional {
  const format = VALUES.get(name)
  return format === undefined ? OPTIONAL_NONE : new CelOptional(format)
}

function validate({ rules }: CelFormat, text: string): CelOptional {
  const problems = rules.problems(text)
  return problems.length === 0 ? OPTIONAL_NONE : new CelOptional(new ArrayList(problems))
}

function validateCost([format, text]: readonly CelValue[]): number {
  const patternSize = format instanceof CelFormat ? format.rules.patternSize : 0
  return traversal(1 + (typeof text === 'string' ? text.length : 0)) * Math.ceil(patternSize * 0.25)
}

const F = 'kubernetes.NamedFormat'

export const FORMAT_LIBRARY: CelLibrary = {
  overloads: [
    define(`format.named(string): optional_type(${F})`, named),
    defineMember(`${F}.validate(string): optional_type(list(string))`, validate, validateCost),
    ...[...VALUES].map(([name, format]) => define(`format.${name}(): ${F}`, () => format)),
  ],
  types: [FORMAT_TYPE],
}
