import { describe, expect, it } from 'vitest'
import { combined, withContext } from './error-context.ts'
import { isConflict, isForbidden, newConflict, newForbidden } from './errors.ts'

const pods = { group: '', resource: 'pods' }
const conflict = newConflict(pods, 'p', 'changed')
const forbidden = newForbidden(pods, 'p', 'no')

describe('withContext', () => {
  it('keeps what an API error means', () => {
    const err = withContext(forbidden, 'failed to create')
    expect(isForbidden(err)).toBe(true)
    expect(err.message).toBe(`failed to create: ${forbidden.message}`)
  })

  it('keeps the cause of any other', () => {
    const cause = new Error('broken')
    expect(withContext(cause, 'failed')).toMatchObject({ message: 'failed: broken', cause })
  })
})

describe('combined', () => {
  it('is nothing for none, and the one for one', () => {
    expect(combined([])).toBeUndefined()
    expect(combined([forbidden])).toBe(forbidden)
  })

  it('gives equal texts once', () => {
    expect(combined([new Error('same'), new Error('same')])?.message).toBe('same')
  })

  it('is a Conflict only when all are', () => {
    expect(isConflict(combined([conflict, newConflict(pods, 'q', 'changed')]))).toBe(true)
    const err = combined([conflict, forbidden])
    expect(isForbidden(err)).toBe(true)
    expect(err?.message).toBe(`[${conflict.message}, ${forbidden.message}]`)
  })
})
