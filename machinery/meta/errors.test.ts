import { describe, expect, it } from 'vitest'
import { newInvalid } from './errors.ts'
import { fieldInvalid } from './field-error.ts'

describe('newInvalid', () => {
  const kind = { group: '', kind: 'Pod' }

  it('names every field error', () => {
    const { status } = newInvalid(kind, 'p', [fieldInvalid('a', 1, 'no'), fieldInvalid('b', 2, 'no')])
    expect(status.message).toBe('Pod "p" is invalid: [a: Invalid value: 1: no, b: Invalid value: 2: no]')
    expect(status.details?.causes).toHaveLength(2)
  })

  it.each([
    ['a hundred thousand errors', Array.from({ length: 100_000 }, (_, i) => fieldInvalid(`f[${i}]`, i, 'no'))],
    ['enormous values', Array.from({ length: 5000 }, (_, i) => fieldInvalid(`f[${i}]`, 'x'.repeat(100_000), 'no'))],
  ])('bounds its size: %s', (_case, errors) => {
    const { status } = newInvalid(kind, 'p', errors)
    const shown = status.details?.causes?.length ?? 0
    expect(JSON.stringify(status).length).toBeLessThan(3_000_000)
    expect(shown).toBeGreaterThan(0)
    expect(status.message).toMatch(new RegExp(` and ${errors.length - shown} more errors$`))
  })
})
