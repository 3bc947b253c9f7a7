import { describe, expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { PodMetric } from './metrics-client.ts'
import { requestsOf } from './pod-groups.ts'
import type { Situation } from './replica-calculator.ts'
import { averageReplicas, perPodValueReplicas, sharedValueReplicas, utilizationReplicas } from './replica-calculator.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const before = (seconds: number): string => `${new Date(NOW - seconds * 1_000).toISOString().slice(0, 19)}Z`
const tolerances = { scaleDown: 0.1, scaleUp: 0.1 }
const CPU = { resource: 'cpu' }

/** What is unusual about a Pod. */
interface Oddity {
  readonly phase?: string
  readonly ready?: 'True' | 'False'
  readonly startedSecondsAgo?: number
  readonly changedSecondsAgo?: number
  readonly isGoing?: boolean
}

function pod(index: number, request: string, odd: Oddity = {}): Pod {
  const { phase = 'Running', ready = 'True', startedSecondsAgo = 3_000, changedSecondsAgo = 2_900, isGoing } = odd
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p${index}`, ...(isGoing === true ? { deletionTimestamp: before(1) } : {}) },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: request } } }] },
    status: {
      phase,
      startTime: before(startedSecondsAgo),
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: before(changedSecondsAgo) }],
    },
  }
}

/** `usages`: thousandths, undefined: no metric. */
function situation(
  current: number,
  usages: readonly (number | undefined)[],
  odd: Readonly<Record<number, Oddity>> = {},
): Situation {
  const metrics = new Map<string, PodMetric>()
  for (const [i, usage] of usages.entries())
    if (usage !== undefined) metrics.set(`p${i}`, { milliValue: usage, timestampMs: NOW - 10_000, windowMs: 60_000 })
  const pods = usages.map((_usage, i) => pod(i, '1', odd[i]))
  return { currentReplicas: current, pods, metrics, tolerances, nowMs: NOW }
}

const starting: Oddity = { ready: 'False', startedSecondsAgo: 60, changedSecondsAgo: 60 }
const hot: Oddity = { startedSecondsAgo: 60, changedSecondsAgo: 30 }

describe('what Pods ask for', () => {
  const requests = { cpu: '500m' }
  const twoContainers: Pod = {
    ...pod(0, '1'),
    spec: {
      containers: [
        { name: 'c', image: 'i', resources: { requests } },
        { name: 'd', image: 'i' },
      ],
    },
  }
  const wholePod = (resources: object): Pod => ({ ...twoContainers, spec: { ...twoContainers.spec, resources } })

  it.each<[string, Pod, string, string | undefined, number | string]>([
    ['of one container', twoContainers, 'cpu', 'c', 500],
    ['one asks for nothing', twoContainers, 'cpu', undefined, 'missing request for cpu in container d of Pod p0'],
    ['there is no such container', twoContainers, 'cpu', 'e', 'container e not found in Pod p0'],
    ['of the Pod as a whole', wholePod({ requests: { cpu: '2' } }), 'cpu', undefined, 2_000],
    ['of a container, although the Pod asks as a whole', wholePod({ requests: { cpu: '2' } }), 'cpu', 'c', 500],
    [
      'the Pod asks for something else, containers add up',
      wholePod({ requests: { memory: '1Gi' } }),
      'cpu',
      undefined,
      500,
    ],
    [
      'the Pod asks for something else, and so does everybody',
      wholePod({ requests: { cpu: '2' } }),
      'memory',
      undefined,
      'missing pod-level request for memory in Pod p0',
    ],
  ])('%s', (_name, of, resource, container, expected) => {
    const ask = () => requestsOf([of], resource, container).get('p0')
    if (typeof expected === 'number') expect(ask()).toBe(expected)
    else expect(ask).toThrow(expected)
  })
})

describe('towards a utilization', () => {
  it.each<[string, number, Situation, number, number]>([
    ['more load, more replicas', 30, situation(3, [300, 500, 700]), 5, 50],
    ['less load, fewer', 50, situation(5, [100, 300, 500, 250, 250]), 3, 28],
    ['within the tolerance', 100, situation(3, [1010, 1030, 1020]), 3, 102],
    ['at its edge', 100, situation(3, [900, 900, 900]), 3, 90],
    ['Pods not ready count as idle when growing', 30, situation(3, [400, 500, 700], { 2: starting }), 3, 45],
    ['also ones whose CPU was measured while starting', 30, situation(3, [300, 500, 700], { 0: hot, 1: hot }), 3, 70],
    [
      'pending Pods too',
      30,
      situation(4, [900, 900, undefined, undefined], { 2: { phase: 'Pending' }, 3: { phase: 'Pending' } }),
      6,
      90,
    ],
    [
      'failed Pods do not count',
      30,
      situation(4, [500, 700, undefined, undefined], { 2: { phase: 'Failed' }, 3: { phase: 'Failed' } }),
      4,
      60,
    ],
    ['leaving Pods do not count', 30, situation(4, [500, 700, 900], { 2: { isGoing: true } }), 4, 60],
    ['a missing metric counts as idle when growing', 30, situation(3, [600, 700, undefined]), 5, 65],
    ['and cannot turn growth into shrinking', 50, situation(2, [700, undefined]), 2, 70],
    ['and as full when shrinking', 50, situation(4, [100, 300, 400, undefined]), 4, 26],
    ['or as the target where that is above all', 200, situation(2, [1500, undefined]), 2, 150],
    [
      'one that was ready and is not any more counts',
      30,
      situation(2, [600, 600], { 1: { ready: 'False', changedSecondsAgo: 100 } }),
      4,
      60,
    ],
  ])('%s', (_name, target, view, replicas, utilization) => {
    expect(utilizationReplicas(view, target, CPU)).toMatchObject({ replicas, utilization })
  })

  it('takes each direction’s own tolerance', () => {
    const view = { ...situation(3, [1200, 1200, 1200]), tolerances: { scaleDown: 0.1, scaleUp: 0.3 } }
    expect(utilizationReplicas(view, 100, CPU).replicas).toBe(3)
    const down = { ...situation(3, [650, 650, 650]), tolerances: { scaleDown: 0.4, scaleUp: 0 } }
    expect(utilizationReplicas(down, 100, CPU).replicas).toBe(3)
    expect(utilizationReplicas({ ...down, tolerances }, 100, CPU).replicas).toBe(2)
  })

  it.each<[string, Situation, string]>([
    ['no Pods', situation(1, []), 'no pods returned by selector while calculating replica count'],
    [
      'no metrics',
      situation(2, [undefined, undefined]),
      'did not receive metrics for targeted pods (pods might be unready)',
    ],
    [
      'all starting',
      situation(1, [300], { 0: starting }),
      'did not receive metrics for targeted pods (pods might be unready)',
    ],
    [
      'no request',
      { ...situation(1, [300]), pods: [{ ...pod(0, '1'), spec: { containers: [{ name: 'c', image: 'i' }] } }] },
      'missing request for cpu in container c of Pod p0',
    ],
  ])('cannot say: %s', (_name, view, message) => {
    expect(() => utilizationReplicas(view, 50, CPU)).toThrow(message)
  })
})

describe('towards an average value', () => {
  it.each<[string, number, Situation, number, number]>([
    ['more', 15_000, situation(3, [20_000, 10_000, 30_000]), 4, 20_000],
    ['less', 20_000, situation(5, [12_000, 12_000, 12_000, 12_000, 12_000]), 3, 12_000],
    ['about right', 14_666, situation(3, [15_000, 14_000, 16_000]), 3, 15_000],
    [
      'a Pod that starts counts: it is no CPU',
      15_000,
      situation(3, [50_000, 15_000, 30_000], { 0: starting }),
      7,
      31_666,
    ],
    [
      'missing when shrinking counts as the target',
      20_000,
      situation(4, [10_000, 10_000, 10_000, undefined]),
      3,
      10_000,
    ],
  ])('%s', (_name, target, view, replicas, usage) => {
    expect(averageReplicas(view, target, undefined)).toEqual({ replicas, usage })
  })
})

describe('towards a value of one object', () => {
  const view = (current: number, ready: number): Situation =>
    situation(
      current,
      Array.from({ length: current }, () => undefined),
      Object.fromEntries(Array.from({ length: current - ready }, (_, i) => [i, { ready: 'False' }])),
    )

  it.each<[string, Situation, number, number, number]>([
    ['by ready Pods', view(3, 3), 20_000, 15_000, 4],
    ['only those', view(4, 2), 20_000, 10_000, 4],
    ['within the tolerance', view(3, 3), 15_900, 15_000, 3],
    ['from zero', { ...view(0, 0), currentReplicas: 0 }, 25_000, 10_000, 3],
    ['to zero', view(2, 2), 0, 10_000, 0],
  ])('%s', (_name, situation, usage, target, replicas) => {
    expect(sharedValueReplicas(situation, usage, target)).toEqual({ replicas, usage })
  })

  it.each([
    ['grows', 3, 15_000, 2_500, 6, 5_000],
    ['stays', 3, 7_700, 2_500, 3, 2_567],
    ['shrinks', 4, 3_000, 1_000, 3, 750],
    ['from zero', 0, 3_000, 1_000, 3, 3_000],
  ])('for each Pod: %s', (_name, current, usage, target, replicas, average) => {
    expect(perPodValueReplicas(current, usage, target, tolerances)).toEqual({ replicas, usage: average })
  })
})
