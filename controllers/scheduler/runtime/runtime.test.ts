/** Which plugins run where, which nodes are looked at, and what a user is told. */
import { describe, expect, it } from 'vitest'
import { createClient } from '#machinery/client/rest-client.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot } from '#test/support/scheduling.ts'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import type { PluginSet, ProfileConfiguration } from '../config/configuration.ts'
import { DEFAULT_CONFIGURATION } from '../config/configuration.ts'
import type { FilterPlugin, PluginHandle } from '../framework/interfaces.ts'
import { unresolvable, unschedulable } from '../framework/verdicts.ts'
import { Nominator } from '../queue/nominator.ts'
import { createProfile } from './create-profile.ts'
import { Diagnosis } from './diagnosis.ts'
import { EXTENSION_POINTS } from './extension-points.ts'
import { FilterRun } from './filter-run.ts'
import { NodeSearch, nodesToFind } from './node-search.ts'
import type { PluginTable } from './profile.ts'
import { Profile } from './profile.ts'
import { pickNode } from './scoring.ts'

const [DEFAULT] = DEFAULT_CONFIGURATION.profiles as [ProfileConfiguration]
const NONE: PluginSet = { enabled: [], disabled: [] }

const refuse = (): Promise<never> => Promise.reject(new Error('not asked in these tests'))
const handle = Object.create(testPluginHandle(), {
  client: { value: createClient({ request: refuse, watch: refuse }) },
}) as PluginHandle

const profileOf = (config: Partial<ProfileConfiguration>): Profile => createProfile({ ...DEFAULT, ...config }, handle)

const weights = (profile: Profile): Record<string, number> =>
  Object.fromEntries(profile.scores.map(({ plugin, weight }) => [plugin.name, weight]))

describe('a profile', () => {
  it('has upstream’s default plugins, order and weights', () => {
    const profile = profileOf({})
    expect(profile.filters.filter(({ hasFilter }) => hasFilter).map(({ plugin }) => plugin.name)).toEqual([
      'NodeUnschedulable',
      'NodeName',
      'TaintToleration',
      'NodeAffinity',
      'NodePorts',
      'NodeResourcesFit',
      'VolumeRestrictions',
      'NodeVolumeLimits',
      'VolumeBinding',
      'VolumeZone',
      'PodTopologySpread',
      'InterPodAffinity',
      'DynamicResources',
      'NodeDeclaredFeatures',
    ])
    expect(weights(profile)).toMatchObject({
      TaintToleration: 3,
      NodeAffinity: 2,
      NodeResourcesFit: 1,
      PodTopologySpread: 2,
      InterPodAffinity: 2,
      DynamicResources: 2,
      NodeResourcesBalancedAllocation: 1,
      ImageLocality: 1,
    })
    expect(profile.postFilters.map(({ name }) => name)).toEqual(['DynamicResources', 'DefaultPreemption'])
    expect(profile.binds.map(({ name }) => name)).toEqual(['DefaultBinder'])
  })

  it('lets an extension point replace, add and leave out', () => {
    const profile = profileOf({
      multiPoint: { enabled: [{ name: 'ImageLocality', weight: 7 }], disabled: ['NodeResourcesBalancedAllocation'] },
      points: {
        score: { enabled: [{ name: 'NodeResourcesFit', weight: 5 }], disabled: ['TaintToleration'] },
        postFilter: { enabled: [], disabled: ['*'] },
      },
    })
    expect(Object.keys(weights(profile))[0]).toBe('NodeResourcesFit')
    expect(weights(profile)).toMatchObject({ NodeResourcesFit: 5, ImageLocality: 7, NodeAffinity: 2 })
    expect(weights(profile)).not.toHaveProperty('TaintToleration')
    expect(weights(profile)).not.toHaveProperty('NodeResourcesBalancedAllocation')
    expect(profile.filters.map(({ plugin }) => plugin.name)).toContain('TaintToleration')
    expect(profile.postFilters).toEqual([])
  })

  it.each<[string, Partial<ProfileConfiguration>]>([
    [
      'plugin "NodeName" does not extend score plugin',
      { points: { score: { ...NONE, enabled: [{ name: 'NodeName', weight: 1 }] } } },
    ],
    ['exactly one queue sort plugin is required', { points: { queueSort: { ...NONE, disabled: ['*'] } } }],
    ['at least one bind plugin is needed', { multiPoint: { ...NONE, disabled: ['DefaultBinder'] } }],
  ])('is refused: %s', (message, config) => {
    expect(() => profileOf(config)).toThrow(message)
  })
})

describe('the nodes looked at', () => {
  it.each([
    [50, 0, 50],
    [99, 10, 99],
    [100, 0, 100],
    [500, 0, 230],
    [1000, 0, 420],
    [6000, 0, 300],
    [1000, 30, 300],
    [1000, 1, 100],
    [1000, 100, 1000],
  ])('are of %i nodes at %i%%: %i', (nodes, percentage, expected) => {
    expect(nodesToFind(nodes, percentage)).toBe(expected)
  })

  const table = (plugin: FilterPlugin): PluginTable =>
    Object.fromEntries(
      EXTENSION_POINTS.map((point) => [
        point,
        (point === 'filter' || point === 'preFilter') && plugin[point] !== undefined ? [{ plugin, weight: 1 }] : [],
      ]),
    ) as unknown as PluginTable
  const nodes = ['a', 'b', 'c', 'd'].map((name) => makeNodeInfo({ name }))
  const snapshot = makeSnapshot(nodes)
  const runOf = (plugin: FilterPlugin, pod = makePodInfo()): FilterRun =>
    new FilterRun(new Profile('x', table(plugin)), pod, snapshot, new Nominator())

  it('start where the last search ended', () => {
    const search = new NodeSearch()
    const find = () => search.find(runOf({ name: 'Any', filter: () => undefined }), snapshot, () => 3)
    expect(find().map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(find().map(({ name }) => name)).toEqual(['d', 'a', 'b'])
  })

  it('are those PreFilter names, and the others are said to be left out', () => {
    const run = runOf({
      name: 'Some',
      preFilter: () => ({ state: undefined, nodes: new Set(['b', 'gone']) }),
      filter: () => unschedulable('full'),
    })
    expect(new NodeSearch().find(run, snapshot, (count) => count)).toEqual([])
    expect(run.diagnosis.message(4)).toBe("0/4 nodes are available: 1 full, 3 node(s) didn't satisfy plugin(s) [Some].")
  })

  it('count Pods nominated to them by priority, in the node and in the plugins’ states', () => {
    const plugin: FilterPlugin<{ pods: number }> = {
      name: 'Two',
      preFilter: () => ({ state: { pods: 0 } }),
      filter: ({ pods }, _pod, node) => (node.pods.size + pods >= 2 ? unschedulable('full') : undefined),
      cloneState: (state) => ({ ...state }),
      addPod: (state) => {
        state.pods++
      },
    }
    const nominator = new Nominator()
    nominator.set(makePodInfo({ priority: 5 }), 'a')
    const check = (priority: number) => {
      const pod = makePodInfo({ priority })
      const run = new FilterRun(new Profile('x', table(plugin as FilterPlugin)), pod, snapshot, nominator)
      return nodes.slice(0, 2).map((node) => run.check(node)?.reasons ?? [])
    }
    expect(check(5)).toEqual([['full'], []])
    expect(check(6)).toEqual([[], []])
  })

  it('throws when a plugin fails', () => {
    const run = runOf({ name: 'Bad', filter: () => ({ code: 'Error', reasons: ['broken'] }) })
    expect(() => run.check(makeNodeInfo())).toThrow('running "Bad" filter plugin: broken')
  })
})

describe('what the user is told', () => {
  it('counts reasons, sorted as text, and ends with preemption', () => {
    const diagnosis = new Diagnosis()
    diagnosis.reject('a', { ...unschedulable('Insufficient cpu', 'Insufficient memory'), plugin: 'Fit' })
    diagnosis.reject('b', { ...unschedulable('Insufficient cpu'), plugin: 'Fit' })
    diagnosis.reject('c', { ...unresolvable('node(s) were unschedulable'), plugin: 'NodeUnschedulable' })
    diagnosis.explain(unschedulable('preemption: not eligible due to preemptionPolicy=Never.'))
    expect(diagnosis.message(3)).toBe(
      '0/3 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 2 Insufficient cpu. ' +
        'preemption: not eligible due to preemptionPolicy=Never.',
    )
    expect([...diagnosis.rejectedBy]).toEqual(['Fit', 'NodeUnschedulable'])
  })

  it('says what PreFilter said instead of counting', () => {
    const diagnosis = new Diagnosis()
    diagnosis.rejectAll({ code: 'Pending', reasons: ['waiting for a claim'], plugin: 'Claims' })
    expect(diagnosis.message(2)).toBe('0/2 nodes are available: waiting for a claim.')
    expect([[...diagnosis.rejectedBy], [...diagnosis.pendingBy]]).toEqual([[], ['Claims']])
    expect(diagnosis.verdictsOf([makeNodeInfo({ name: 'a' })]).get('a')?.code).toBe('Pending')
  })
})

describe('pickNode', () => {
  it('takes the best, and one of the best by lot', () => {
    const nodes = ['a', 'b', 'c'].map((name) => makeNodeInfo({ name }))
    expect(pickNode(nodes, Float64Array.of(1, 3, 2), systemRandom)?.name).toBe('b')
    const last = { ...systemRandom, int: (max: number) => max - 1 }
    expect(pickNode(nodes, Float64Array.of(3, 1, 3), last)?.name).toBe('c')
  })
})
