import { describe, expect, it } from 'vitest'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { validationTable } from '#test/support/validation-table.ts'
import { validatePodDisruptionBudget, validatePodDisruptionBudgetStatus } from './validation.ts'

const base: PodDisruptionBudget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'a' },
  spec: { minAvailable: '50%', selector: { matchLabels: { a: 'b' } } },
}
const condition = { type: 'A', status: 'True', reason: 'B', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }

describe('disruption budgets', () => {
  validationTable(base, validatePodDisruptionBudget, [
    [
      'more than everything',
      { 'spec.minAvailable': '150%' },
      ['spec.minAvailable: Invalid value: "150%": must not be greater than 100%'],
    ],
    [
      'an unknown eviction policy',
      { 'spec.unhealthyPodEvictionPolicy': 'X' },
      ['spec.unhealthyPodEvictionPolicy: Unsupported value: "X": supported values: "AlwaysAllow", "IfHealthyBudget"'],
    ],
  ])
  describe('with label values that no label can have', () => {
    const selector = { matchExpressions: [{ key: 'a', operator: 'In', values: ['-'] }] }
    const old = { ...base, spec: { ...base.spec, selector } } as PodDisruptionBudget
    it('are refused when new and left when stored', () => {
      expect(validatePodDisruptionBudget(old).map(({ field }) => field)).toEqual([
        'spec.selector.matchExpressions[0].values[0]',
      ])
      expect(validatePodDisruptionBudget(old, old)).toEqual([])
    })
  })
  describe('status', () => {
    validationTable(base, validatePodDisruptionBudgetStatus, [
      ['a good condition', { 'status.conditions': [condition] }, []],
      [
        'conditions and counts that are none',
        {
          'status.conditions': [
            condition,
            { ...condition, status: 'Maybe', reason: '', lastTransitionTime: undefined },
          ],
          'status.currentHealthy': -1,
        },
        [
          'status.conditions[1].type: Duplicate value: "A"',
          'status.conditions[1].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
          'status.conditions[1].lastTransitionTime: Required value',
          'status.conditions[1].reason: Required value',
          'status.currentHealthy: Invalid value: -1: must be greater than or equal to 0',
        ],
      ],
    ])
  })
})
