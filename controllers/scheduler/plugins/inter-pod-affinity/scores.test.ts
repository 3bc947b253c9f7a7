/** What nodes score by their Pods, number by number. Upstream: plugins/interpodaffinity/scoring_test.go (v1.36). */
import { describe, expect, it } from 'vitest'
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type {
  Affinity,
  NodeSelectorRequirement,
  PodAffinity,
  PodAffinityTerm,
} from '#machinery/api/core/v1/types.gen.ts'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { InterPodAffinity, type InterPodAffinityArgs } from './plugin.ts'

const TEAMS = { 'team1-a': 'team1', 'team1-b': 'team1', 'team2-a': 'team2', 'team2-b': 'team2' }

const handle = testPluginHandle()
for (const [name, team] of Object.entries(TEAMS)) {
  const metadata = { name, labels: { team } }
  handle.put(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata, spec: {} })
}

const isIn = (...values: string[]): NodeSelectorRequirement => ({ key: 'security', operator: 'In', values })
const near = (topologyKey: string, ...matchExpressions: NodeSelectorRequirement[]): PodAffinityTerm => ({
  labelSelector: { matchExpressions },
  topologyKey,
})
const likes = (...terms: readonly (readonly [number, PodAffinityTerm])[]): PodAffinity => ({
  preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, podAffinityTerm]) => ({
    weight,
    podAffinityTerm,
  })),
})

const ANY: readonly NodeSelectorRequirement[] = [
  { key: 'security', operator: 'Exists' },
  { key: 'wrongkey', operator: 'DoesNotExist' },
]
const ofTeam1 = {
  namespaces: ['team2-b'],
  namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['team1'] }] },
}
const withS1: Affinity = { podAffinity: likes([5, near('region', isIn('S1'))]) }
const withS2: Affinity = { podAffinity: likes([6, near('region', isIn('S2'))]) }
const withMany: Affinity = {
  podAffinity: likes(
    [8, near('region', { key: 'security', operator: 'NotIn', values: ['S1'] }, isIn('S2'))],
    [2, near('region', ...ANY)],
  ),
}
const needs: Affinity = {
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [near('region', isIn('S1', 'value2')), near('region', ...ANY)],
  },
}
const notS1: Affinity = { podAntiAffinity: likes([5, near('az', isIn('S1'))]) }
const notS2: Affinity = { podAntiAffinity: likes([5, near('az', isIn('S2'))]) }
const withS1NotS2: Affinity = { podAffinity: likes([8, near('region', isIn('S1'))]), ...notS2 }
const withTeam1: Affinity = { podAffinity: likes([5, { ...near('region', isIn('S1')), ...ofTeam1 }]) }
const notTeam1: Affinity = { podAntiAffinity: likes([5, { ...near('region', isIn('S1')), ...ofTeam1 }]) }
const needsTeam1: Affinity = {
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { ...near('region', isIn('S1')), ...ofTeam1, namespaces: ['default', 'team2-b'] },
    ],
  },
}

const pod = (security?: string, affinity?: Affinity, namespace = 'default'): PodOptions => ({
  namespace,
  ...(security === undefined ? {} : { labels: { security } }),
  ...(affinity === undefined ? {} : { spec: { affinity } }),
})
const s1 = pod('S1')
const s2 = pod('S2')

const CHINA = { region: 'China' }
const INDIA = { region: 'India' }
const AZ1 = { az: 'az1' }
const AZ2 = { az: 'az2' }

type Place = readonly [Record<string, string>, ...PodOptions[]]

function scores(options: PodOptions, places: readonly Place[], args: InterPodAffinityArgs = {}): unknown {
  const plugin = new InterPodAffinity(args, handle)
  const nodes = places.map(([labels, ...pods], i) => makeNodeInfo({ name: `n${i}`, labels }, pods))
  const info = makePodInfo(options)
  const found = plugin.preScore(info, nodes, makeSnapshot(nodes as never))
  if (isVerdict(found)) return found.code
  const values = Float64Array.from(nodes, (node) => plugin.score(found.state, info, node))
  plugin.normalize(found.state, info, values)
  return [...values]
}

/** `n` times the same. */
const times = (n: number, options: PodOptions): PodOptions[] => Array.from({ length: n }, () => options)
const inTeam = (namespace: string): PodOptions => pod('S1', undefined, namespace)

describe('scores', () => {
  it.each<[string, PodOptions, readonly Place[], unknown]>([
    ['no affinity anywhere', s1, [[CHINA], [INDIA], [AZ1]], 'Skip'],
    [
      'a match in a region',
      pod('S1', withS1),
      [
        [CHINA, s1],
        [INDIA, s2],
        [AZ1, s1],
      ],
      [100, 0, 0],
    ],
    ['all nodes of the region', pod(undefined, withS1), [[CHINA, s1], [{ ...CHINA, ...AZ1 }], [INDIA]], [100, 100, 0]],
    [
      'the region with more matches',
      pod('S1', withS2),
      [
        [CHINA, s2, s2],
        [INDIA, s2],
        [CHINA, s2],
        [CHINA, s2],
        [INDIA, s2],
      ],
      [100, 0, 100, 100, 0],
    ],
    [
      'other operators',
      pod('S1', withMany),
      [
        [CHINA, s1],
        [INDIA, s2],
        [AZ1, s1],
      ],
      [20, 100, 0],
    ],
    ['what others like', s2, [[CHINA, pod('S1', withS1)], [INDIA, pod('S2', withS2)], [AZ1]], [0, 100, 0]],
    [
      'what others like, by namespace',
      inTeam('team1-a'),
      [[CHINA, pod('S1', withTeam1)], [INDIA, pod('S2', withS2)], [AZ1]],
      [100, 0, 0],
    ],
    [
      'what others dislike, by namespace',
      inTeam('team1-a'),
      [[CHINA, pod('S1', notTeam1)], [INDIA, pod('S2', withS2)], [AZ1]],
      [0, 100, 100],
    ],
    ['what others need', s1, [[CHINA, pod('S1', needs)], [INDIA, pod('S2', needs)], [AZ1]], [100, 100, 0]],
    [
      'away from a match',
      pod('S1', notS1),
      [
        [AZ1, s1],
        [CHINA, s2],
      ],
      [0, 100],
    ],
    [
      'away from a match, not where the key is missing',
      pod('S1', notS1),
      [
        [AZ1, s1],
        [CHINA, s1],
      ],
      [0, 100],
    ],
    [
      'away from many',
      pod('S1', notS1),
      [
        [AZ1, s1, s1],
        [INDIA, s2],
      ],
      [0, 100],
    ],
    [
      'what others dislike',
      s2,
      [
        [AZ1, pod('S1', notS2)],
        [AZ2, pod('S2', notS1)],
      ],
      [0, 100],
    ],
    [
      'likes and dislikes',
      pod('S1', withS1NotS2),
      [
        [CHINA, s1],
        [AZ1, s1],
      ],
      [100, 0],
    ],
    [
      'likes and dislikes, all alike',
      pod('S1', withS1NotS2),
      [
        [{ ...CHINA, ...AZ1 }, s1, s1],
        [INDIA, s1],
        [CHINA, s1, s1],
        [CHINA, s1],
        [INDIA, s1],
      ],
      [100, 0, 100, 100, 0],
    ],
    [
      'likes and dislikes of both sides',
      pod('S1', withS1NotS2),
      [
        [CHINA, s1],
        [AZ1, s2],
        [INDIA, pod(undefined, withS1NotS2)],
        [AZ2, pod(undefined, notS1)],
      ],
      [100, 0, 100, 0],
    ],
    [
      'the same for all nodes',
      s1,
      [
        [CHINA, s1],
        [CHINA, pod(undefined, withS1NotS2)],
      ],
      [0, 0],
    ],
    [
      'a namespace selector',
      pod('S1', withTeam1, 'team1-a'),
      [
        [CHINA, ...times(2, inTeam('team1-a')), inTeam('team2-a')],
        [INDIA, inTeam('team1-b')],
      ],
      [100, 0],
    ],
    [
      'a namespace selector and namespaces',
      pod('S1', withTeam1, 'team1-a'),
      [
        [CHINA, inTeam('team1-a'), inTeam('team2-b')],
        [INDIA, inTeam('team1-b'), inTeam('team2-a')],
      ],
      [100, 0],
    ],
    [
      'away by a namespace selector',
      pod('S1', notTeam1, 'team1-a'),
      [
        [CHINA, ...times(2, inTeam('team1-a')), inTeam('team2-a')],
        [INDIA, inTeam('team1-b')],
      ],
      [0, 100],
    ],
    [
      'away by a namespace selector and namespaces',
      pod('S1', notTeam1, 'team1-a'),
      [
        [CHINA, ...times(2, inTeam('team1-a')), inTeam('team2-b')],
        [INDIA, inTeam('team1-b')],
      ],
      [0, 100],
    ],
    ['no nodes', s2, [], 'Skip'],
  ])('%s', (_name, options, places, expected) => {
    expect(scores(options, places)).toEqual(expected)
  })

  it('leave preferences of others out when told to', () => {
    const places: Place[] = [
      [CHINA, pod('S1', withS1NotS2)],
      [INDIA, pod('S2', withS2)],
    ]
    expect(scores(s2, places)).toEqual([0, 100])
    expect(scores(s2, places, { ignorePreferredTermsOfExistingPods: true })).toBe('Skip')
  })

  it.each<[string, string, InterPodAffinityArgs, unknown]>([
    ['by default', 'default', {}, [100, 100, 0]],
    ['not with weight 0', 'default', { hardPodAffinityWeight: 0 }, 'Skip'],
    ['not in a namespace not meant', 'team2-a', {}, 'Skip'],
    ['in a namespace selected', 'team1-a', {}, [100, 100, 0]],
    ['in a namespace named', 'team2-b', {}, [100, 100, 0]],
  ])('count what others need %s', (_name, namespace, args, expected) => {
    const others = pod(undefined, needsTeam1)
    expect(scores(pod('S1', undefined, namespace), [[CHINA, others], [INDIA, others], [AZ1]], args)).toEqual(expected)
  })
})
