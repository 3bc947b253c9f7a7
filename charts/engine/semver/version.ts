// Semantic versions as Masterminds/semver v3 parses them: `v` prefix and missing parts allowed.

export interface Version {
  readonly original: string
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly prerelease: string
  readonly metadata: string
}

const LOOSE =
  /^v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?$/

export class SemverError extends Error {}

export function parseVersion(text: string): Version {
  const match = LOOSE.exec(text)
  if (match === null) throw new SemverError('invalid semantic version')
  const prerelease = match[5] ?? ''
  for (const part of prerelease.split('.')) {
    if (/^0[0-9]+$/.test(part)) throw new SemverError('version segment starts with 0')
  }
  return {
    original: text,
    major: BigInt(match[1] ?? '0'),
    minor: BigInt(match[2]?.slice(1) ?? '0'),
    patch: BigInt(match[3]?.slice(1) ?? '0'),
    prerelease,
    metadata: match[8] ?? '',
  }
}

export function tryParseVersion(text: string): Version | undefined {
  try {
    return parseVersion(text)
  } catch {
    return undefined
  }
}

export function versionText(version: Version): string {
  const pre = version.prerelease === '' ? '' : `-${version.prerelease}`
  const meta = version.metadata === '' ? '' : `+${version.metadata}`
  return `${version.major}.${version.minor}.${version.patch}${pre}${meta}`
}

export function compareVersions(a: Version, b: Version): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrerelease(a.prerelease, b.prerelease)
  )
}

function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function comparePrerelease(a: string, b: string): number {
  if (a === b) return 0
  if (a === '') return 1
  if (b === '') return -1
  const left = a.split('.')
  const right = b.split('.')
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = compareIdentifiers(left[i], right[i])
    if (order !== 0) return order
  }
  return 0
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return -1
  if (b === undefined) return 1
  const aNumeric = /^[0-9]+$/.test(a)
  const bNumeric = /^[0-9]+$/.test(b)
  if (aNumeric && bNumeric) return compareNumbers(BigInt(a), BigInt(b))
  if (aNumeric !== bNumeric) return aNumeric ? -1 : 1
  return a < b ? -1 : 1
}
