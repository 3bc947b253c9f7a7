import { describe, expect, it } from 'vitest'
import type { Toleration } from '#machinery/api/core/v1/types.gen.ts'
import { findUntoleratedTaint, tolerates } from './tolerations.ts'

const toleration = (operator: string, value: string, more: Toleration = {}): Toleration => ({
  key: 'sla',
  operator,
  value,
  ...more,
})

describe('a toleration that compares numbers', () => {
  it.each<[string, Toleration, string, boolean]>([
    ['below', toleration('Lt', '100'), '99', true],
    ['not below itself', toleration('Lt', '100'), '100', false],
    ['above', toleration('Gt', '950'), '951', true],
    ['not above itself', toleration('Gt', '950'), '950', false],
    ['negative', toleration('Gt', '-5'), '-4', true],
    ['beyond what a double holds', toleration('Gt', '9007199254740992'), '9007199254740993', true],
    ['beyond 64 bits', toleration('Lt', '9223372036854775808'), '1', false],
    ['a taint without a number', toleration('Gt', '1'), 'gold', false],
    ['a taint without a value', toleration('Gt', '-1'), '', false],
    ['a leading zero', toleration('Gt', '1'), '02', false],
    ['a sign', toleration('Gt', '+1'), '2', false],
    ['another key', toleration('Gt', '1', { key: 'cost' }), '2', false],
    ['another effect', toleration('Gt', '1', { effect: 'NoExecute' }), '2', false],
    ['an operator nobody knows', toleration('Ge', '1'), '2', false],
  ])('%s', (_name, given, value, expected) => {
    const taint = { key: 'sla', value, effect: 'NoSchedule' }
    expect(tolerates(given, taint, true)).toBe(expected)
    expect(tolerates(given, taint)).toBe(false)
  })

  it('is found by those that look for what is not tolerated', () => {
    const taints = [{ key: 'sla', value: '900', effect: 'NoSchedule' }]
    expect(findUntoleratedTaint(taints, [toleration('Lt', '950')], undefined, true)).toBeUndefined()
    expect(findUntoleratedTaint(taints, [toleration('Lt', '950')])).toBe(taints[0])
  })
})
