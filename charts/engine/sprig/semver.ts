// sprig's semver functions.

import { GoError } from '../gotypes/error.ts'
import { defineFunc, type GoFunc, GoInt, GoObject, type GoValue, int } from '../gotypes/value.ts'
import { checkConstraints, type Constraints, parseConstraints } from '../semver/constraints.ts'
import { compareVersions, parseVersion, type Version, versionText } from '../semver/version.ts'

const CACHE_MAX = 256
const cache = new Map<string, Constraints>()

function constraintsOf(text: string): Constraints {
  let known = cache.get(text)
  if (known === undefined) {
    known = parseConstraints(text)
    if (cache.size >= CACHE_MAX) cache.clear()
    cache.set(text, known)
  }
  return known
}

const versions = new WeakMap<GoObject, Version>()

function versionOf(value: GoValue): Version {
  const version = value instanceof GoObject ? versions.get(value) : undefined
  if (version === undefined) throw new GoError('runtime error: invalid memory address or nil pointer dereference')
  return version
}

function versionObject(version: Version): GoObject {
  const getter = (name: string, value: () => GoValue, result: string): [string, GoFunc] => [
    name,
    defineFunc(name, '', result, value),
  ]
  const compare = (name: string, test: (order: number) => GoValue, result: string): [string, GoFunc] => [
    name,
    defineFunc(name, '*semver.Version', result, (other: GoValue) => test(compareVersions(version, versionOf(other)))),
  ]
  const uint = (value: bigint): GoInt => new GoInt(value, 'uint64')
  const bumped = (major: bigint, minor: bigint, patch: bigint): GoObject => {
    const bump: Version = { original: '', major, minor, patch, prerelease: '', metadata: '' }
    return versionObject({ ...bump, original: (version.original.startsWith('v') ? 'v' : '') + versionText(bump) })
  }
  const object = new GoObject('*semver.Version', {
    text: () => versionText(version),
    json: () => versionText(version),
    methods: new Map([
      getter('Major', () => uint(version.major), 'uint64'),
      getter('Minor', () => uint(version.minor), 'uint64'),
      getter('Patch', () => uint(version.patch), 'uint64'),
      getter('Prerelease', () => version.prerelease, 'string'),
      getter('Metadata', () => version.metadata, 'string'),
      getter('Original', () => version.original, 'string'),
      getter('String', () => versionText(version), 'string'),
      getter('IncMajor', () => bumped(version.major + 1n, 0n, 0n), 'semver.Version'),
      getter('IncMinor', () => bumped(version.major, version.minor + 1n, 0n), 'semver.Version'),
      getter(
        'IncPatch',
        () =>
          version.prerelease === ''
            ? bumped(version.major, version.minor, version.patch + 1n)
            : bumped(version.major, version.minor, version.patch),
        'semver.Version',
      ),
      compare('Compare', (order) => int(order), 'int'),
      compare('Equal', (order) => order === 0, 'bool'),
      compare('LessThan', (order) => order < 0, 'bool'),
      compare('GreaterThan', (order) => order > 0, 'bool'),
    ]),
  })
  versions.set(object, version)
  return object
}

export const SEMVER_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('semver', 'string', '*semver.Version', (text: string) => versionObject(parseVersion(text))),
  defineFunc('semverCompare', 'string, string', 'bool', (constraint: string, text: string) =>
    checkConstraints(constraintsOf(constraint), parseVersion(text)),
  ),
]
