/**
 * `semver("1.2.3").isLessThan(semver("1.10.0"))`. Upstream: apiserver pkg/cel/library/semverlib.go, version 1, over
 * blang/semver.
 */
import { traversalOf } from '../cost.ts'
import { type CelLibrary, define, defineMember } from '../functions.ts'
import { type CelType, opaqueType } from '../types.ts'
import { CelOpaque, type CelValue, EvaluationError } from '../values.ts'

const SEMVER_TYPE: CelType = opaqueType('kubernetes.Semver')
const MAX_UINT64 = (1n << 64n) - 1n

interface Version {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly prerelease: readonly (bigint | string)[]
}

class CelSemver extends CelOpaque {
  readonly type = SEMVER_TYPE
  readonly version: Version

  constructor(version: Version) {
    super()
    this.version = version
  }

  /** Build metadata does not count. */
  compare({ version: b }: CelSemver): -1 | 0 | 1 {
    const a = this.version
    for (const part of ['major', 'minor', 'patch'] as const) if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1
    return comparePrereleases(a.prerelease, b.prerelease)
  }

  equals(other: CelValue): boolean {
    return other instanceof CelSemver && this.compare(other) === 0
  }
}

/** A version without one comes after all with. */
function comparePrereleases(a: Version['prerelease'], b: Version['prerelease']): -1 | 0 | 1 {
  if (a.length === 0 || b.length === 0) return a.length === b.length ? 0 : a.length === 0 ? 1 : -1
  for (const [i, left] of a.entries()) {
    const right = b[i]
    if (right === undefined) return 1
    // Numbers come before words.
    if (typeof left !== typeof right) return typeof left === 'bigint' ? -1 : 1
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length < b.length ? -1 : 0
}

/** Throws an EvaluationError with blang/semver's text. */
export function parseSemver(text: string): CelSemver {
  if (text === '') throw new EvaluationError('Version string empty')
  const [major, minor, ...rest] = text.split('.')
  if (major === undefined || minor === undefined || rest.length === 0) {
    throw new EvaluationError('No Major.Minor.Patch elements found')
  }
  const [, patch = '', prerelease, build] = /^([^+-]*)(?:-([^+]*))?(?:\+(.*))?$/s.exec(rest.join('.')) ?? []
  checkBuild(build)
  return new CelSemver({
    major: numberPart('Major', major),
    minor: numberPart('Minor', minor),
    patch: numberPart('Patch', patch),
    prerelease: prerelease === undefined ? [] : prerelease.split('.').map(prereleasePart),
  })
}

function numberPart(name: string, text: string): bigint {
  if (!/^\d+$/.test(text))
    throw new EvaluationError(`Invalid character(s) found in ${name.toLowerCase()} number "${text}"`)
  if (text.length > 1 && text.startsWith('0')) {
    throw new EvaluationError(`${name} number must not contain leading zeroes "${text}"`)
  }
  const value = text.length > 20 ? MAX_UINT64 + 1n : BigInt(text)
  if (value > MAX_UINT64) throw new EvaluationError(`strconv.ParseUint: parsing "${text}": value out of range`)
  return value
}

function prereleasePart(text: string): bigint | string {
  if (text === '') throw new EvaluationError('Prerelease is empty')
  if (/^\d+$/.test(text)) {
    if (text.length > 1 && text.startsWith('0')) {
      throw new EvaluationError(`Numeric PreRelease version must not contain leading zeroes "${text}"`)
    }
    return numberPart('Prerelease', text)
  }
  if (!/^[0-9A-Za-z-]+$/.test(text)) throw new EvaluationError(`Invalid character(s) found in prerelease "${text}"`)
  return text
}

function checkBuild(build: string | undefined): void {
  for (const part of build?.split('.') ?? []) {
    if (part === '') throw new EvaluationError('Build meta data is empty')
    if (!/^[0-9A-Za-z-]+$/.test(part))
      throw new EvaluationError(`Invalid character(s) found in build meta data "${part}"`)
  }
}

/** A leading `v`, leading zeros and missing parts are let pass. */
function parseNormalized(text: string, isNormalizing: boolean): CelSemver {
  if (!isNormalizing) return parseSemver(text)
  const [major = '', minor, ...rest] = text.replace(/^v/, '').split('.')
  const parts = [major, minor, rest.length === 0 ? undefined : rest.join('.')].filter((part) => part !== undefined)
  const trimmed = parts.map((part) => (part.length > 1 ? part.replace(/^0+/, '').replace(/^(?!\d)/, '0') : part))
  if (trimmed.length < 3 && /[+-]/.test(trimmed.at(-1) ?? '')) {
    throw new EvaluationError('short version cannot contain PreRelease/Build meta data')
  }
  while (trimmed.length < 3) trimmed.push('0')
  return parseSemver(trimmed.join('.'))
}

function isVersion(text: string, isNormalizing = false): boolean {
  try {
    parseNormalized(text, isNormalizing)
    return true
  } catch {
    return false
  }
}

const V = 'kubernetes.Semver'

export const SEMVER_LIBRARY: CelLibrary = {
  overloads: [
    define(`semver(string): ${V}`, parseSemver, traversalOf()),
    define(`semver(string, bool): ${V}`, parseNormalized, traversalOf()),
    define('isSemver(string): bool', (text: string) => isVersion(text), traversalOf()),
    define('isSemver(string, bool): bool', isVersion, traversalOf()),
    defineMember(`${V}.isGreaterThan(${V}): bool`, (a: CelSemver, b: CelSemver) => a.compare(b) > 0),
    defineMember(`${V}.isLessThan(${V}): bool`, (a: CelSemver, b: CelSemver) => a.compare(b) < 0),
    defineMember(`${V}.compareTo(${V}): int`, (a: CelSemver, b: CelSemver) => BigInt(a.compare(b))),
    defineMember(`${V}.major(): int`, ({ version }: CelSemver) => version.major),
    defineMember(`${V}.minor(): int`, ({ version }: CelSemver) => version.minor),
    defineMember(`${V}.patch(): int`, ({ version }: CelSemver) => version.patch),
  ],
  types: [SEMVER_TYPE],
}
