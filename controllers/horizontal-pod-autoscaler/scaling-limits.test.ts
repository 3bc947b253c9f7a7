import { describe, expect, it } from 'vitest'
import type { HorizontalPodAutoscalerBehavior } from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { Bounds } from './scaling-limits.ts'
import { ScalingHistory } from './scaling-limits.ts'

const SECOND_MS = 1_000
const plain = (minReplicas: number, maxReplicas: number): Bounds => ({ minReplicas, maxReplicas, behavior: undefined })

const behavior = (
  up: Partial<NonNullable<HorizontalPodAutoscalerBehavior['scaleUp']>>,
  down: Partial<NonNullable<HorizontalPodAutoscalerBehavior['scaleDown']>> = {},
): Bounds => ({
  minReplicas: 1,
  maxReplicas: 100,
  behavior: {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
      ...up,
    },
    scaleDown: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      ...down,
    },
  },
})

describe('without a behavior', () => {
  it.each<[string, Bounds, number, number, number, string, boolean]>([
    ['within the range', plain(1, 10), 3, 5, 5, 'DesiredWithinRange', false],
    ['twice as many at most', plain(1, 100), 5, 30, 10, 'ScaleUpLimit', true],
    ['but four at least', plain(1, 100), 1, 30, 4, 'ScaleUpLimit', true],
    ['not above max', plain(1, 6), 5, 30, 6, 'TooManyReplicas', true],
    ['not below min', plain(2, 6), 3, 1, 3, 'DesiredWithinRange', false],
  ])('%s', (_name, bounds, current, desired, replicas, reason, isLimited) => {
    const { limit, ...found } = new ScalingHistory(current, 0).limit(bounds, current, desired, SECOND_MS)
    expect(found.replicas).toBe(replicas)
    expect(limit).toMatchObject({ reason, isLimited })
  })

  it('shrinks to the most that was asked for in five minutes', () => {
    const history = new ScalingHistory(5, 0)
    const bounds = plain(2, 10)
    expect(history.limit(bounds, 5, 3, 15 * SECOND_MS)).toMatchObject({
      replicas: 5,
      stabilized: { reason: 'ScaleDownStabilized' },
    })
    expect(history.limit(bounds, 5, 2, 200 * SECOND_MS).replicas).toBe(5)
    expect(history.limit(bounds, 5, 2, 301 * SECOND_MS).replicas).toBe(3)
    expect(history.limit(bounds, 3, 1, 600 * SECOND_MS)).toMatchObject({ replicas: 2, limit: { isLimited: false } })
    expect(history.limit(bounds, 2, 1, 901 * SECOND_MS)).toMatchObject({
      replicas: 2,
      stabilized: { reason: 'ReadyForNewScale' },
      limit: { reason: 'TooFewReplicas', isLimited: true },
    })
  })
})

describe('with a behavior', () => {
  it.each<[string, Bounds, number, number, number, string]>([
    ['the larger of its policies', behavior({}), 3, 50, 7, 'ScaleUpLimit'],
    ['percent of many', behavior({}), 10, 50, 20, 'ScaleUpLimit'],
    ['the smaller', behavior({ selectPolicy: 'Min' }), 10, 50, 14, 'ScaleUpLimit'],
    ['growth disabled', behavior({ selectPolicy: 'Disabled' }), 10, 50, 10, 'ScaleUpLimit'],
    [
      'a small percentage rounds up',
      behavior({ policies: [{ type: 'Percent', value: 10, periodSeconds: 15 }] }),
      3,
      9,
      4,
      'ScaleUpLimit',
    ],
    [
      'shrinking by Pods',
      behavior({}, { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] }),
      10,
      1,
      8,
      'ScaleDownLimit',
    ],
    [
      'shrinking by percent',
      behavior({}, { policies: [{ type: 'Percent', value: 30, periodSeconds: 60 }] }),
      10,
      1,
      7,
      'ScaleDownLimit',
    ],
    ['shrinking disabled', behavior({}, { selectPolicy: 'Disabled' }), 10, 1, 10, 'ScaleDownLimit'],
    ['as fast as it likes', behavior({}), 10, 1, 1, 'DesiredWithinRange'],
  ])('%s', (_name, bounds, current, desired, replicas, reason) => {
    const history = new ScalingHistory(current, -SECOND_MS)
    expect(history.limit(bounds, current, desired, 0)).toMatchObject({ replicas, limit: { reason } })
  })

  it('counts what was added within the period, and what was removed', () => {
    const bounds = behavior({ policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] })
    const history = new ScalingHistory(10, 0)
    expect(history.limit(bounds, 10, 50, 0).replicas).toBe(14)
    history.scaled(bounds.behavior, 10, 14, 0)
    expect(history.limit(bounds, 14, 50, 15 * SECOND_MS).replicas).toBe(14)
    history.scaled(bounds.behavior, 14, 11, 30 * SECOND_MS)
    expect(history.limit(bounds, 11, 50, 45 * SECOND_MS).replicas).toBe(14)
    expect(history.limit(bounds, 11, 50, 61 * SECOND_MS).replicas).toBe(18)
  })

  it('grows to the least that was asked for within the window', () => {
    const bounds = behavior({ stabilizationWindowSeconds: 60, selectPolicy: 'Max' })
    const history = new ScalingHistory(3, 0)
    expect(history.limit(bounds, 3, 6, 15 * SECOND_MS)).toMatchObject({
      replicas: 3,
      stabilized: { reason: 'ScaleUpStabilized' },
    })
    expect(history.limit(bounds, 3, 7, 61 * SECOND_MS).replicas).toBe(6)
  })

  it('waits five minutes before shrinking where the window is not said', () => {
    const { behavior: rules, ...range } = behavior({})
    const { stabilizationWindowSeconds: _window, ...scaleDown } = rules?.scaleDown ?? {}
    const bounds: Bounds = { ...range, behavior: { ...rules, scaleDown } }
    const history = new ScalingHistory(8, 0)
    expect(history.limit(bounds, 8, 2, 299 * SECOND_MS).replicas).toBe(8)
    expect(history.limit(bounds, 8, 2, 301 * SECOND_MS).replicas).toBe(2)
  })
})
