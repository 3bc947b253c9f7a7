import { describe, expect, it } from 'vitest'
import { makePodInfo } from '#test/support/scheduling.ts'
import { DynamicResources } from './plugin.ts'

describe('DynamicResources', () => {
  it('holds a pod with resource claims back in words, and no other', () => {
    const plugin = new DynamicResources()
    expect(plugin.preFilter(makePodInfo()).code).toBe('Skip')
    expect(plugin.preFilter(makePodInfo({ spec: { resourceClaims: [{ name: 'gpu' }] } }))).toEqual({
      code: 'UnschedulableAndUnresolvable',
      reasons: ['pod has resource claim "gpu", and dynamic resource allocation is not supported'],
    })
  })
})
