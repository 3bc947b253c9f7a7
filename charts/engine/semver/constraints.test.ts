import { describe, expect, it } from 'vitest'
import { checkConstraints, parseConstraints } from './constraints.ts'
import { compareVersions, parseVersion } from './version.ts'

describe('checkConstraints', () => {
  it.each([
    ['1.2 - 1.4', '1.4.5', true],
    ['>=1.2 <2 || 3.x', '3.9.0', true],
    ['^0.0.3', '0.0.4', false],
    ['~1', '1.9.9', true],
    ['>1', '2.0.0', true],
    ['!=1.2.x', '1.2.9', false],
    ['>=1.0.0-0', '1.1.0-rc.1', true],
    ['>=1.0.0', '1.1.0-rc.1', false],
  ])('%s admits %s: %s', (constraint, version, want) => {
    expect(checkConstraints(parseConstraints(constraint), parseVersion(version))).toBe(want)
  })

  it('refuses a bad constraint in linear time', () => {
    expect(() => parseConstraints(`${'1  '.repeat(500)}!`)).toThrow('improper constraint')
  })
})

describe('compareVersions', () => {
  it('orders prereleases', () => {
    const sorted = [
      '1.0.0',
      '1.0.0-rc.1',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta.11',
      '1.0.0-beta.2',
      '0.9',
    ]
    sorted.sort((a, b) => compareVersions(parseVersion(a), parseVersion(b)))
    expect(sorted).toEqual([
      '0.9',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
    ])
  })
})
