import { describe, expect, it } from 'vitest'
import { setName } from './set-control.ts'

describe('setName', () => {
  it.each([
    { deployment: 'web', kept: 'web' },
    { deployment: 'w'.repeat(242), kept: 'w'.repeat(242) },
    { deployment: 'w'.repeat(250), kept: 'w'.repeat(242) },
  ])('leaves room for the hash after $deployment', ({ deployment, kept }) => {
    expect(setName(deployment, 'abcde12345')).toBe(`${kept}-abcde12345`)
  })
})
