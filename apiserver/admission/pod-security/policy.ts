/**
 * The policy a namespace's labels ask for. A label that cannot be read enforces the strictest, and warns of nothing.
 * Upstream: pod-security-admission api/helpers.go.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'

export interface LevelVersion {
  readonly level: Level
  /** The minor of v1.<minor>; Infinity = latest. */
  readonly minor: number
}

export interface Policy {
  readonly enforce: LevelVersion
  readonly audit: LevelVersion
  readonly warn: LevelVersion
}

type Labels = Readonly<Record<string, string>> | undefined

/** Of the labels, and of annotations of the audit event. */
export const PREFIX = 'pod-security.kubernetes.io/'
const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted']
const LATEST = Number.POSITIVE_INFINITY
const VERSION = /^v1\.(0|[1-9]\d*)$/
const DEFAULT: LevelVersion = { level: 'privileged', minor: LATEST }
const PRIVILEGED: Policy = { enforce: DEFAULT, audit: DEFAULT, warn: DEFAULT }

export function policyOf(labels: Labels): { readonly policy: Policy; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = []
  if (labels === undefined) return { policy: PRIVILEGED, errors }
  const isValid = { enforce: false }
  const level = (mode: keyof Policy, whenUnreadable: Level): Level => {
    const text = labels[PREFIX + mode]
    if (text === undefined) return 'privileged'
    const known = LEVELS.find((candidate) => candidate === text)
    if (known === undefined) errors.push(labelError(mode, text, `must be one of ${LEVELS.join(', ')}`))
    else if (mode === 'enforce') isValid.enforce = true
    return known ?? whenUnreadable
  }
  const minor = (mode: keyof Policy): number => {
    const text = labels[`${PREFIX}${mode}-version`]
    if (text === undefined || text === 'latest') return LATEST
    const match = VERSION.exec(text)
    if (match === null) errors.push(labelError(`${mode}-version`, text, 'must be "latest" or "v1.x"'))
    return match === null ? LATEST : Number(match[1])
  }
  const enforce = { level: level('enforce', 'restricted'), minor: minor('enforce') }
  const audit = { level: level('audit', 'privileged'), minor: minor('audit') }
  const warn = { level: level('warn', 'privileged'), minor: minor('warn') }
  const followsEnforce = labels[`${PREFIX}warn`] === undefined && isValid.enforce && isStricter(enforce, warn)
  if (!followsEnforce) return { policy: { enforce, audit, warn }, errors }
  const warnMinor = labels[`${PREFIX}warn-version`] === undefined ? enforce.minor : warn.minor
  return { policy: { enforce, audit, warn: { level: enforce.level, minor: warnMinor } }, errors }
}

function labelError(label: string, value: string, why: string): FieldError {
  return fieldInvalid(`metadata.labels[${PREFIX}${label}]`, value, why)
}

export const isStricter = (a: LevelVersion, b: LevelVersion): boolean =>
  LEVELS.indexOf(a.level) > LEVELS.indexOf(b.level)

export const isSame = (a: LevelVersion, b: LevelVersion): boolean => a.level === b.level && a.minor === b.minor

export const levelVersionText = ({ level, minor }: LevelVersion): string =>
  `${level}:${minor === LATEST ? 'latest' : `v1.${minor}`}`
