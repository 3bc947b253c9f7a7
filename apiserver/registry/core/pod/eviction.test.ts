/** Why a budget without a disruption left refuses an eviction. */
import { expect, it } from 'vitest'
import type { Condition } from '#machinery/api/meta/v1.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { whyNoneIsAllowed } from './eviction.ts'

const counted = { disruptionsAllowed: 0, expectedPods: 5 }
const condition = (reason: string, message: string): Condition => ({
  type: 'DisruptionAllowed',
  status: 'False',
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
})

it.each<[string, PodDisruptionBudget['status'], string]>([
  [
    'too few are healthy',
    { ...counted, desiredHealthy: 3, currentHealthy: 3 },
    'The disruption budget b needs 3 healthy pods and has 3 currently',
  ],
  [
    'it could not be calculated',
    { ...counted, desiredHealthy: 0, currentHealthy: 0, conditions: [condition('SyncFailed', 'no scale')] },
    'The disruption budget b does not allow evicting pods currently because it failed sync: no scale',
  ],
  [
    'others have said why',
    { ...counted, desiredHealthy: 3, currentHealthy: 4, conditions: [condition('Frozen', 'release day')] },
    'The disruption budget b does not allow evicting pods currently (Frozen): release day',
  ],
  [
    'evictions are under way',
    { ...counted, desiredHealthy: 3, currentHealthy: 4, conditions: [condition('InsufficientPods', '')] },
    'The disruption budget b does not allow evicting pods currently',
  ],
])('%s', (_name, status, expected) => {
  const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b' }, spec: {}, status }
  expect(whyNoneIsAllowed(budget as PodDisruptionBudget)).toBe(expected)
})
