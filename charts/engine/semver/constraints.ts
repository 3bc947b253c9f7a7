// Version constraints with the rules of Masterminds/semver v3. Upstream: constraints.go (71f2b39).

import { RE2JS } from 're2js'
import { quote } from '../gofmt/quote.ts'
import { comparePrerelease, compareVersions, parseVersion, SemverError, type Version } from './version.ts'

interface Constraint {
  readonly operator: string
  readonly version: Version
  readonly isDirty: boolean
  readonly isMinorDirty: boolean
  readonly isPatchDirty: boolean
}

interface Group {
  readonly constraints: readonly Constraint[]
  /** A prerelease anywhere in an AND group admits prereleases to the whole group. */
  readonly admitsPrerelease: boolean
}

export type Constraints = readonly Group[]

const VERSION = String.raw`v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?`
// Go's alternation prefers the empty operator first but matches leftmost-first over the whole pattern.
const OPERATOR = String.raw`|=|!=|>|<|>=|=>|<=|=<|~|~>|\^`
const ONE = new RegExp(String.raw`^\s*(${OPERATOR})\s*(${VERSION})\s*$`)
const RANGE = new RegExp(String.raw`\s*(${VERSION})\s+-\s+(${VERSION})\s*`, 'g')
const VALID = String.raw`^(\s*(?:${OPERATOR})\s*(?:${VERSION})\s*)((?:\s+|,\s*)(?:${OPERATOR})\s*(?:${VERSION})\s*)*$`
const MAX_LENGTH = 4096

let valid: RE2JS | undefined

/** The pattern is ambiguous about blanks: a backtracking engine could take exponential time on a bad constraint. */
function isValid(segment: string): boolean {
  if (ONE.test(segment)) return true
  valid ??= RE2JS.compile(VALID)
  return valid.matches(segment)
}

export function parseConstraints(text: string): Constraints {
  if (text.length > MAX_LENGTH) throw new SemverError('improper constraint: too long')
  const rewritten = text.replace(RANGE, (_all, ...groups: string[]) => `>= ${groups[0]}, <= ${groups[10]} `)
  return rewritten.split('||').map((segment) => {
    if (!isValid(segment)) throw new SemverError(`improper constraint: ${quote(segment)}`)
    const parts = splitSegment(segment)
    const constraints = parts.map(parseOne)
    return { constraints, admitsPrerelease: constraints.some((one) => one.version.prerelease !== '') }
  })
}

function splitSegment(segment: string): string[] {
  const found: string[] = []
  // The empty operator would match inside ">=1": take operators greedily by hand.
  const pattern = new RegExp(String.raw`(!=|>=|=>|<=|=<|~>|=|>|<|~|\^|)\s*(${VERSION})`, 'g')
  for (const match of segment.matchAll(pattern)) found.push(match[0])
  return found.length > 0 ? found : [segment]
}

function parseOne(text: string): Constraint {
  const match = ONE.exec(text)
  if (match === null) throw new SemverError(`improper constraint: ${quote(text)}`)
  const operator = match[1] as string
  const major = match[3] as string
  const minor = match[4] ?? ''
  const patch = match[5] ?? ''
  const prerelease = match[6] ?? ''
  const base = { operator, isDirty: true, isMinorDirty: false, isPatchDirty: false }
  if (isWild(major)) return { ...base, version: parsePart(`0.0.0${prerelease}`) }
  if (isWild(minor.slice(1)) || minor === '') {
    return { ...base, isMinorDirty: true, version: parsePart(`${major}.0.0${prerelease}`) }
  }
  if (isWild(patch.slice(1)) || patch === '') {
    return { ...base, isPatchDirty: true, version: parsePart(`${major}${minor}.0${prerelease}`) }
  }
  return { ...base, isDirty: false, version: parsePart(match[2] as string) }
}

function parsePart(text: string): Version {
  try {
    return parseVersion(text)
  } catch {
    throw new SemverError('constraint parser error')
  }
}

function isWild(text: string): boolean {
  return text === 'x' || text === 'X' || text === '*'
}

export function checkConstraints(constraints: Constraints, version: Version): boolean {
  return constraints.some((group) =>
    group.constraints.every((one) => (version.prerelease === '' || group.admitsPrerelease) && check(one, version)),
  )
}

function check(one: Constraint, version: Version): boolean {
  const order = compareVersions(version, one.version)
  switch (one.operator) {
    case '!=':
      return isNotEqual(one, version)
    case '>':
      return isGreater(one, version, order)
    case '<':
      return order < 0
    case '>=':
    case '=>':
      return order >= 0
    case '<=':
    case '=<':
      return isLessOrEqual(one, version, order)
    case '~':
    case '~>':
      return isTilde(one, version, order)
    case '^':
      return isCaret(one, version, order)
    default:
      return one.isDirty ? isTilde(one, version, order) : order === 0
  }
}

function isNotEqual(one: Constraint, version: Version): boolean {
  const other = one.version
  if (one.isDirty) {
    if (other.major !== version.major) return true
    if (one.isMinorDirty) return false
    if (other.minor !== version.minor) return true
    if (one.isPatchDirty) {
      if (version.prerelease === '' && other.prerelease === '') return false
      return comparePrerelease(version.prerelease, other.prerelease) !== 0
    }
    if (other.patch !== version.patch) return true
  }
  return compareVersions(version, other) !== 0
}

function isGreater(one: Constraint, version: Version, order: number): boolean {
  if (!one.isDirty) return order > 0
  if (version.major !== one.version.major) return version.major > one.version.major
  if (one.isMinorDirty) return false
  if (one.isPatchDirty) return version.minor > one.version.minor
  return order > 0
}

function isLessOrEqual(one: Constraint, version: Version, order: number): boolean {
  if (!one.isDirty) return order <= 0
  if (version.major > one.version.major) return false
  return !(version.major === one.version.major && version.minor > one.version.minor && !one.isMinorDirty)
}

function isTilde(one: Constraint, version: Version, order: number): boolean {
  const other = one.version
  if (order < 0) return false
  const isZero = other.major === 0n && other.minor === 0n && other.patch === 0n
  if (isZero && !one.isMinorDirty && !one.isPatchDirty) return true
  if (version.major !== other.major) return false
  return version.minor === other.minor || one.isMinorDirty
}

function isCaret(one: Constraint, version: Version, order: number): boolean {
  const other = one.version
  if (order < 0) return false
  if (other.major > 0n || one.isMinorDirty) return version.major === other.major
  if (version.major > 0n) return false
  if (other.minor > 0n || one.isPatchDirty) return version.minor === other.minor
  if (version.minor > 0n) return false
  return version.patch === other.patch
}
