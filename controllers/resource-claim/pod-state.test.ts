import { describe, expect, it } from 'vitest'
import { makePod } from '#test/support/scheduling.ts'
import { claimGenerateName, isPodDone } from './pod-state.ts'

describe('the name of a generated claim', () => {
  it.each([
    ['web', 'gpu', 'web-gpu-'],
    ['p'.repeat(40), 'c'.repeat(15), `${'p'.repeat(40)}-${'c'.repeat(15)}-`],
    // 40 + 40 + 2 hyphens: both shrink by 57/82.
    ['p'.repeat(40), 'c'.repeat(40), `${'p'.repeat(27)}-${'c'.repeat(27)}`],
    ['p'.repeat(200), 'gpu', `${'p'.repeat(55)}-`],
  ])('of pod %s and entry %s is %s', (pod, entry, name) => expect(claimGenerateName(pod, entry)).toBe(name))
})

describe('isPodDone', () => {
  const going = { deletionTimestamp: '2026-01-01T00:00:00Z', name: 'a', namespace: 'default' }
  it.each<[string, boolean, Parameters<typeof makePod>[0]]>([
    ['runs', false, { node: 'n', status: { phase: 'Running' } }],
    ['waits', false, {}],
    ['has succeeded', true, { node: 'n', status: { phase: 'Succeeded' } }],
    ['has failed', true, { node: 'n', status: { phase: 'Failed' } }],
    ['is being stopped', false, { node: 'n', metadata: going }],
    ['was deleted before it had a node', true, { metadata: going }],
  ])('a Pod that %s: %s', (_what, done, options) => expect(isPodDone(makePod(options))).toBe(done))
})
