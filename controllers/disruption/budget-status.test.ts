import { describe, expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { budgetStatus, countHealthy, disruptedPodsOf, expectedOf } from './budget-status.ts'
import { staleInMs } from './stale-condition.ts'

const NOW = new Date('2026-01-01T00:10:00Z')
const ago = (seconds: number): string => `${new Date(NOW.getTime() - seconds * 1_000).toISOString().slice(0, 19)}Z`

const budget = (
  spec: PodDisruptionBudget['spec'],
  status: PodDisruptionBudget['status'] = {},
): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'b', namespace: 'n', generation: 3 },
  spec,
  status,
})

const pod = (name: string, isReady: boolean, deletionTimestamp?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
  spec: { containers: [] },
  status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})

describe('the number of healthy Pods a budget wants', () => {
  it.each<[string, PodDisruptionBudget['spec'], number, number, number]>([
    ['minAvailable', { minAvailable: 2 }, 5, 5, 2],
    ['minAvailable in percent, rounded up', { minAvailable: '50%' }, 5, 5, 3],
    ['maxUnavailable', { maxUnavailable: 2 }, 5, 5, 3],
    ['maxUnavailable in percent, rounded up', { maxUnavailable: '30%' }, 5, 5, 3],
    ['maxUnavailable beyond all', { maxUnavailable: 7 }, 5, 5, 0],
    ['neither', {}, 5, 0, 0],
  ])('%s', (_name, spec, wanted, expectedPods, desiredHealthy) => {
    expect(expectedOf(budget(spec), wanted)).toEqual({ expectedPods, desiredHealthy })
  })
})

describe('the status of a budget', () => {
  it.each<[string, number, number, number, number, string]>([
    ['some to spare', 5, 3, 5, 2, 'SufficientPods'],
    ['none to spare', 5, 3, 3, 0, 'InsufficientPods'],
    ['too few', 5, 3, 1, 0, 'InsufficientPods'],
    ['nothing selected', 0, 0, 0, 0, 'InsufficientPods'],
  ])('%s', (_name, expectedPods, desiredHealthy, healthy, disruptionsAllowed, reason) => {
    expect(budgetStatus(budget({}), { expectedPods, desiredHealthy }, healthy, {}, NOW)).toEqual({
      observedGeneration: 3,
      expectedPods,
      desiredHealthy,
      currentHealthy: healthy,
      disruptionsAllowed,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: disruptionsAllowed > 0 ? 'True' : 'False',
          reason,
          message: '',
          observedGeneration: 3,
          lastTransitionTime: ago(0),
        },
      ],
    })
  })

  it('keeps the time of a condition that stays', () => {
    const before = budgetStatus(budget({}), { expectedPods: 3, desiredHealthy: 1 }, 3, {}, new Date(ago(60)))
    const after = budgetStatus(budget({}, before), { expectedPods: 3, desiredHealthy: 1 }, 2, {}, NOW)
    expect(after.conditions?.[0]?.lastTransitionTime).toBe(ago(60))
  })
})

describe('Pods evicted', () => {
  const pods = [
    pod('fresh', true),
    pod('old', true),
    pod('going', true, ago(1)),
    pod('other', true),
    pod('sick', false),
  ]
  const disrupted = { fresh: ago(30), old: ago(121), going: ago(30), gone: ago(30) }
  const found = disruptedPodsOf(budget({}, { disruptedPods: disrupted }), pods, NOW.getTime())

  it('are remembered for two minutes while they are there', () => {
    expect(found.disruptedPods).toEqual({ fresh: ago(30) })
    expect(found.notDeleted.map(({ metadata }) => metadata.name)).toEqual(['old'])
    expect(found.recheckMs).toBe(NOW.getTime() + 90_000)
  })

  it('are not healthy, whatever they say', () => {
    expect(countHealthy(pods, found, NOW.getTime())).toBe(2)
  })
})

describe('a DisruptionTarget condition is stale', () => {
  const target = (status: string, seconds: number, reason = 'EvictionByEvictionAPI', phase = 'Running'): Pod => ({
    ...pod('p', true),
    status: { phase, conditions: [{ type: 'DisruptionTarget', status, reason, lastTransitionTime: ago(seconds) }] },
  })
  it.each<[string, Pod, number | undefined]>([
    ['after two minutes', target('True', 120), 0],
    ['not yet', target('True', 50), 70_000],
    ['never when False', target('False', 500), undefined],
    ['never when the kubelet set it', target('True', 500, 'TerminationByKubelet'), undefined],
    ['never on a Pod that has ended', target('True', 500, 'EvictionByEvictionAPI', 'Failed'), undefined],
    ['never on a Pod without it', pod('p', true), undefined],
  ])('%s', (_name, subject, expected) => {
    expect(staleInMs(subject, NOW.getTime())).toBe(expected)
  })
})
