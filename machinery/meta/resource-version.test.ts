/** Which of two resourceVersions is older. */
import { describe, expect, it } from 'vitest'
import { compareResourceVersions } from './resource-version.ts'

describe('compareResourceVersions', () => {
  it.each<[string | undefined, string | undefined, number | undefined]>([
    ['9', '10', -1],
    ['10', '9', 1],
    ['12', '12', 0],
    ['12', '13', -1],
    ['99999999999999999999', '100000000000000000000', -1],
    ['', '1', undefined],
    ['0', '1', undefined],
    ['01', '1', undefined],
    ['abc', '1', undefined],
    [undefined, '1', undefined],
  ])('%s and %s', (a, b, expected) => {
    const compared = compareResourceVersions(a, b)
    expect(compared === undefined ? undefined : Math.sign(compared)).toBe(expected)
  })
})
