import { describe, expect, it } from 'vitest'
import type { Deployment, ReplicaSet } from '#machinery/api/apps/v1/types.gen.ts'
import { fenceposts, rolloutOf } from './rollout.ts'
import { newSetSize, planRollingStep, planScaling } from './scaling.ts'

interface Spec {
  readonly replicas: number
  readonly maxSurge?: number | string
  readonly maxUnavailable?: number | string
  readonly type?: string
}

const template = (image: string) => ({
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image }] },
})

const deployment = ({ replicas, maxSurge = 0, maxUnavailable = 0, type = 'RollingUpdate' }: Spec): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'a' } },
    template: template('new'),
    strategy: { type, ...(type === 'RollingUpdate' ? { rollingUpdate: { maxSurge, maxUnavailable } } : {}) },
  },
})

let minute = 0

/** `max`: what the annotations say the Deployment was last sized to, desired and with surge. */
function set(name: string, replicas: number, available = replicas, max?: readonly [number, number]): ReplicaSet {
  minute++
  const annotations =
    max === undefined
      ? {}
      : {
          'deployment.kubernetes.io/desired-replicas': String(max[0]),
          'deployment.kubernetes.io/max-replicas': String(max[1]),
        }
  const creationTimestamp = `2026-01-01T00:${String(minute % 60).padStart(2, '0')}:00Z`
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, creationTimestamp, annotations },
    spec: { replicas, selector: {}, template: template(name) },
    status: { replicas, availableReplicas: available },
  }
}

/** Its status is of another size. */
const unseen = ({ metadata, status, ...rest }: ReplicaSet): ReplicaSet => ({
  ...rest,
  metadata: { ...metadata, generation: 5 },
  status: { replicas: 0, ...status, observedGeneration: 3 },
})

const sizes = (plan: ReturnType<typeof planScaling>): Record<string, number> =>
  Object.fromEntries(plan.map((resize) => [resize.set.metadata.name ?? '', resize.replicas]))

describe('fenceposts', () => {
  it.each<[Spec, number, number]>([
    [{ replicas: 10, maxSurge: '25%', maxUnavailable: '25%' }, 3, 2],
    [{ replicas: 1, maxSurge: '25%', maxUnavailable: '25%' }, 1, 0],
    [{ replicas: 3, maxSurge: 0, maxUnavailable: '10%' }, 0, 1],
    [{ replicas: 2, maxSurge: 0, maxUnavailable: 5 }, 0, 2],
    [{ replicas: 0, maxSurge: '25%', maxUnavailable: '25%' }, 0, 0],
    [{ replicas: 5, type: 'Recreate' }, 0, 0],
  ])('of %j are %i and %i', (spec, maxSurge, maxUnavailable) => {
    expect(fenceposts(deployment(spec))).toEqual({ maxSurge, maxUnavailable })
  })
})

describe('the size of a new set', () => {
  it.each<[Spec, number, number]>([
    [{ replicas: 10, maxSurge: 2 }, 10, 2],
    [{ replicas: 10, maxSurge: 2 }, 12, 0],
    [{ replicas: 10, maxSurge: '100%' }, 10, 10],
    [{ replicas: 10, maxUnavailable: 3 }, 0, 10],
    [{ replicas: 4, type: 'Recreate' }, 0, 4],
  ])('of %j beside %i old ones is %i', (spec, old, expected) => {
    expect(newSetSize(rolloutOf(deployment(spec), [set('old', old)]), 0)).toBe(expected)
  })
})

describe('a rolling step', () => {
  it.each<[string, Spec, ReplicaSet[], Record<string, number>]>([
    ['grows the new set into the surge', { replicas: 10, maxSurge: 3 }, [set('old', 10), set('new', 0)], { new: 3 }],
    [
      'shrinks old sets by what has become available',
      { replicas: 10, maxSurge: 3, maxUnavailable: 2 },
      [set('old', 10), set('new', 3, 3)],
      { old: 5 },
    ],
    ['waits while new Pods are not available', { replicas: 10, maxSurge: 3 }, [set('old', 10), set('new', 3, 0)], {}],
    [
      'removes unhealthy old Pods first, the oldest set first',
      { replicas: 10, maxSurge: 3, maxUnavailable: 2 },
      [set('older', 4, 0), set('old', 6, 6), set('new', 3, 3)],
      { older: 0, old: 5 },
    ],
    [
      'takes no more unhealthy Pods than the new ones leave room for',
      { replicas: 10, maxSurge: 3, maxUnavailable: 2 },
      [set('old', 8, 0), set('new', 5, 0)],
      {},
    ],
    [
      'does not count on Pods that a smaller set is about to delete',
      { replicas: 3, maxSurge: 1, maxUnavailable: 1 },
      [set('old', 2, 3), set('new', 2, 1)],
      { old: 1 },
    ],
    [
      'does not count on Pods of a new set that has been smaller since its status (seed 6832)',
      { replicas: 6, maxSurge: 2, maxUnavailable: 1 },
      [set('old', 3), unseen(set('new', 5))],
      {},
    ],
    [
      'does once it has seen its size',
      { replicas: 6, maxSurge: 2, maxUnavailable: 1 },
      [set('old', 3), set('new', 5)],
      { old: 0 },
    ],
    ['shrinks a new set that is too large', { replicas: 4, maxSurge: 1 }, [set('new', 6)], { new: 4 }],
    ['is done when all are new', { replicas: 4, maxSurge: 1 }, [set('old', 0), set('new', 4)], {}],
  ])('%s', (_what, spec, sets, expected) => {
    expect(sizes(planRollingStep(rolloutOf(deployment(spec), sets)))).toEqual(expected)
  })
})

describe('scaling by the user', () => {
  it.each<[string, Spec, ReplicaSet[], Record<string, number>]>([
    ['sizes the only active set', { replicas: 7 }, [set('old', 0), set('new', 5)], { new: 7 }],
    ['notes the size a set has already', { replicas: 5 }, [set('old', 0), set('new', 5, 5, [7, 9])], { new: 5 }],
    [
      'leaves the sizes of a recreation alone',
      { replicas: 5, type: 'Recreate' },
      [set('old', 2, 2, [3, 3]), set('new', 1, 0, [3, 3])],
      { old: 2, new: 1 },
    ],
    ['sizes the newest set when none is active', { replicas: 2 }, [set('older', 0), set('old', 0)], { old: 2 }],
    [
      'empties old sets beside a saturated new one',
      { replicas: 3 },
      [set('old', 2), set('new', 3, 3, [3, 3])],
      { old: 0 },
    ],
    [
      'grows all sets by their share during a rollout',
      { replicas: 15, maxSurge: 3 },
      [set('old', 8, 8, [10, 13]), set('new', 5, 0, [10, 13])],
      { old: 11, new: 7 },
    ],
    [
      'shrinks all sets by their share during a rollout',
      { replicas: 5, maxSurge: 0, maxUnavailable: 1 },
      [set('old', 5, 5, [10, 10]), set('new', 5, 5, [10, 10])],
      { old: 2, new: 3 },
    ],
    [
      'empties every set at zero replicas',
      { replicas: 0, maxSurge: 3 },
      [set('old', 8, 8, [10, 13]), set('new', 5, 0, [10, 13])],
      { old: 0, new: 0 },
    ],
  ])('%s', (_what, spec, sets, expected) => {
    expect(sizes(planScaling(rolloutOf(deployment(spec), sets)))).toEqual(expected)
  })
})

/** The cases of upstream's TestScale: sets by age, the newest first, `new` being of the current template. */
describe('scaling in proportion, as upstream tests it', () => {
  interface Case {
    readonly name: string
    readonly from: number
    readonly to: number
    readonly surge?: readonly [from: number, to: number]
    readonly sizes: Readonly<Record<string, number>>
    readonly expected: Readonly<Record<string, number>>
  }
  const CASES: readonly Case[] = [
    { name: '5 to 10', from: 5, to: 10, sizes: { new: 2, old: 3 }, expected: { new: 4, old: 6 } },
    { name: '5 to 3', from: 5, to: 3, sizes: { new: 2, old: 3 }, expected: { new: 1, old: 2 } },
    { name: '9 to 4', from: 9, to: 4, sizes: { new: 8, old: 1 }, expected: { new: 4, old: 0 } },
    { name: '7 to 10', from: 7, to: 10, sizes: { new: 2, old: 3, older: 2 }, expected: { new: 3, old: 4, older: 3 } },
    { name: '13 to 8', from: 13, to: 8, sizes: { new: 2, old: 8, older: 3 }, expected: { new: 1, old: 5, older: 2 } },
    { name: '3 to 4', from: 3, to: 4, sizes: { new: 1, old: 1, older: 1 }, expected: { new: 2, old: 1, older: 1 } },
    { name: '3 to 2', from: 3, to: 2, sizes: { new: 1, old: 1, older: 1 }, expected: { new: 1, old: 1, older: 0 } },
    { name: '4 to 5 without a new set', from: 4, to: 5, sizes: { old: 2, older: 2 }, expected: { old: 3, older: 2 } },
    { name: '6 to 0', from: 6, to: 0, sizes: { new: 3, old: 2, older: 1 }, expected: { new: 0, old: 0, older: 0 } },
    { name: 'with surge', from: 10, to: 20, surge: [2, 2], sizes: { new: 6, old: 6 }, expected: { new: 11, old: 11 } },
    {
      name: 'surge and size',
      from: 10,
      to: 50,
      surge: [3, 6],
      sizes: { new: 5, old: 8 },
      expected: { new: 22, old: 34 },
    },
    { name: 'size and template', from: 10, to: 14, sizes: { old: 7, older: 3 }, expected: { old: 10, older: 4 } },
  ]
  it.each(CASES)('$name', ({ from, to, surge = [0, 0], sizes: given, expected }) => {
    const sets = Object.entries(given)
      .toReversed()
      .map(([name, size]) => set(name, size, 0, [from, from + surge[0]]))
    expect(sizes(planScaling(rolloutOf(deployment({ replicas: to, maxSurge: surge[1] }), sets)))).toEqual(expected)
  })

  it('goes on where one set was not resized', () => {
    const sets = [set('older', 1, 0, [5, 5]), set('old', 1, 0, [3, 3]), set('new', 2, 0, [5, 5])]
    expect(sizes(planScaling(rolloutOf(deployment({ replicas: 5 }), sets)))).toEqual({ new: 2, old: 2, older: 1 })
  })

  it.each<[string, Spec, Record<string, readonly [number, number]>, Record<string, number>]>([
    ['takes what does not work first', { replicas: 3 }, { old: [5, 5], new: [3, 0] }, { old: 3, new: 1 }],
    ['takes every share when all work', { replicas: 3 }, { old: [5, 5], new: [3, 3] }, { old: 2, new: 2 }],
    ['gives up no more than may be missing', { replicas: 4 }, { old: [6, 5], new: [2, 0] }, { old: 4, new: 1 }],
    [
      'may take what need not be there',
      { replicas: 4, maxUnavailable: 2 },
      { old: [6, 6], new: [2, 0] },
      { old: 4, new: 1 },
    ],
    [
      'cannot keep what is not there',
      { replicas: 5, maxUnavailable: 0 },
      { old: [4, 1], new: [4, 1] },
      { old: 3, new: 3 },
    ],
  ])('to less: %s', (_name, spec, given, expected) => {
    const sets = Object.entries(given).map(([name, [size, available]]) => set(name, size, available, [6, 8]))
    const rollout = rolloutOf(deployment({ maxSurge: 1, maxUnavailable: 0, ...spec }), sets)
    expect(sizes(planScaling(rollout))).toEqual(expected)
  })

  it('prefers by name among sets of one second, as by age', () => {
    const twins = ['a', 'b'].map((name) => set(name, 1, 0, [2, 2]))
    for (const { metadata } of twins) metadata.creationTimestamp = '2026-01-01T00:00:00Z'
    expect(sizes(planScaling(rolloutOf(deployment({ replicas: 3 }), twins)))).toEqual({ a: 1, b: 2 })
    expect(sizes(planScaling(rolloutOf(deployment({ replicas: 1 }), twins)))).toEqual({ a: 0, b: 1 })
  })
})
